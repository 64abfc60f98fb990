// The tour of the contract, the same in every language: settings, fields, an answer, JSON, event streams, state, a call, metrics.

import {
  answer,
  BodyError,
  client,
  encodeUtf8,
  events,
  exchange,
  FieldError,
  KEEP,
  log,
  metrics,
  plugin,
  quoteJson,
  replaceJsonMember,
  request,
  response,
  rewriter,
  SendError,
  settings,
  state,
  StateError,
  timer,
} from './tollgate/index.js';

const LOOKUP_TIMEOUT_MS = 2000;
const HELLO = encodeUtf8('hello');

// The settings, which are read when an instance starts.
let mark = 'none';
let windowMs = 0;
let delayMs = 0;
let lookup: string | null = null;

export const interceptor = plugin({
  start() {
    mark = settings.get('mark', 'none');
    windowMs = 1000 * whole('window', 'seconds', 1, 86400);
    delayMs = whole('delay', 'milliseconds', 0, 60000);
    lookup = settings.get('lookup');
    if (lookup !== null && !/^https?:\/\//.test(lookup)) throw new Error('lookup: expected a URL with http or https');
    metrics.describe('tour_responses', 'Responses by class of status');
    metrics.describe('tour_stream_events', 'Events of a stream', [1, 10, 100, 1000]);
  },

  forwardRequest() {
    log.info(`forward ${request.method} ${request.target}`);
    setField(request, 'x-tour', mark);
    if (request.path === '/tour') return answer({ text: `tour: ${mark}\n` });
    if (windowMs) setField(request, 'x-tour-count', count());
    if (delayMs) timer.sleep(delayMs);
    if (lookup !== null) setField(request, 'x-tour-lookup', lookUp(lookup));
  },

  returnResponse() {
    setField(response, 'x-tour', mark);
    if (hasType('application/json')) editGreeting();
    const { status } = response;
    metrics.add('tour_responses', 1, { class: `${Math.floor(status / 100)}xx` });
    log.info(`return ${status}`);
  },
});

// In event streams a greeting becomes the mark.
export const responseBody = rewriter(() => {
  if (!hasType('text/event-stream')) return;
  let count = 0;
  return {
    unit: 'events',
    decoded: true,
    piece(event) {
      count++;
      const data = events.dataBytes(event);
      if (!data || !HELLO.every((byte, i) => data[i] === byte)) return KEEP;
      const start = encodeUtf8(mark);
      const marked = new Uint8Array(start.length + data.length - HELLO.length);
      marked.set(start);
      marked.set(data.subarray(HELLO.length), start.length);
      return events.withData(event, marked);
    },
    end() {
      metrics.observe('tour_stream_events', count);
    },
  };
});

// A setting that is a number in at most five decimal digits; 0 if it is not set.
function whole(key: string, unit: string, least: number, most: number) {
  const text = settings.get(key);
  if (text === null) return 0;
  const number = /^[0-9]{1,5}$/.test(text) ? Number(text) : NaN;
  if (number >= least && number <= most) return number;
  throw new Error(`${key}: expected whole ${unit} from ${least} to ${most}`);
}

// How many requests the client has sent in its window, or `unknown`.
function count() {
  const address = exchange.clientAddress;
  const host = address.slice(0, address.lastIndexOf(':'));
  try {
    return String(state.increment(`count ${host}`, 1, { ttlMs: windowMs }));
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    log.warn(`count: ${error.reason}`);
    return 'unknown';
  }
}

// What a server says, or `failed`.
function lookUp(url: string) {
  try {
    const found = client.get(url, { fields: { 'x-tour': mark }, timeoutMs: LOOKUP_TIMEOUT_MS });
    if (found.status === 200) return found.body;
    log.warn(`lookup: status ${found.status}`);
  } catch (error) {
    if (!(error instanceof SendError)) throw error;
    log.warn(`lookup: ${error.reason}`);
  }
  return 'failed';
}

function setField(message: typeof request | typeof response, name: string, value: string | Uint8Array) {
  try {
    message.setField(name, value);
  } catch (error) {
    throw error instanceof FieldError ? new Error(`${name}: refused`) : error;
  }
}

function hasType(start: string) {
  return response.field('content-type')?.startsWith(start) ?? false;
}

function editGreeting() {
  try {
    const edited = replaceJsonMember(response.body(), 'greeting', quoteJson(mark));
    if (edited) response.setBody(edited);
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    log.warn('body: not available');
  }
}
