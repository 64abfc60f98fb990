import { plugin, request, response } from './tollgate/index.js';

export const interceptor = plugin({
  forwardRequest() {
    request.setField('x-{{name}}', 'hello');
  },

  returnResponse() {
    response.setField('x-{{name}}', 'hello');
  },
});
