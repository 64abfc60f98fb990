// Lets in who sends `authorization: Bearer TOKEN`, with TOKEN from the setting `token`. The backend doesn't see the
// field.

import { answer, plugin, request, settings, timingSafeEqual } from './tollgate/index.js';

export const interceptor = plugin({
  forwardRequest() {
    const token = settings.require('token');
    if (!timingSafeEqual(request.field('authorization') ?? '', `Bearer ${token}`)) {
      return answer({ status: 401, fields: { 'www-authenticate': 'Bearer' }, text: 'token required\n' });
    }
    request.deleteField('authorization');
  },
});
