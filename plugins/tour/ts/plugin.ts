// The tour of the contract: reads a setting, sets a field both ways, answers one path itself, edits JSON, logs.

import {
  answer,
  BodyError,
  FieldError,
  log,
  plugin,
  quoteJson,
  replaceJsonMember,
  request,
  response,
  settings,
} from './tollgate/index.js';

export const interceptor = plugin({
  forwardRequest() {
    const mark = settings.get('mark', 'none');
    log.info(`forward ${request.method} ${request.target}`);
    setMark(request, mark);
    if (request.path === '/tour') return answer({ text: `tour: ${mark}\n` });
  },

  returnResponse() {
    const mark = settings.get('mark', 'none');
    setMark(response, mark);
    if (response.field('content-type')?.startsWith('application/json')) editGreeting(mark);
    log.info(`return ${response.status}`);
  },
});

function setMark(message: typeof request | typeof response, mark: string) {
  try {
    message.setField('x-tour', mark);
  } catch (error) {
    throw error instanceof FieldError ? new Error('x-tour: refused') : error;
  }
}

function editGreeting(mark: string) {
  try {
    const edited = replaceJsonMember(response.body(), 'greeting', quoteJson(mark));
    if (edited) response.setBody(edited);
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    log.warn('body: not available');
  }
}
