// Answers GET of one path itself; everything else goes to the backend. Settings: `path` and `body`.

import { answer, plugin, request, settings } from './tollgate/index.js';

export const interceptor = plugin({
  forwardRequest() {
    if (request.method !== 'GET' || request.path !== settings.get('path', '/mock')) return;
    return answer({
      fields: { 'content-type': 'application/json' },
      body: settings.get('body', '{"mock":true}'),
    });
  },
});
