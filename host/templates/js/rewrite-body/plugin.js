// Replaces every occurrence of the setting `from` by the setting `to` in text and JSON that comes back.

import { log, plugin, request, response, settings } from './tollgate/index.js';

export const interceptor = plugin({
  forwardRequest() {
    // A compressed body would have to be unpacked first.
    request.acceptIdentity();
  },

  returnResponse() {
    if (!/^(text\/|application\/json)/i.test(response.field('content-type') ?? '')) return;
    const coding = response.contentCoding();
    if (coding) return log.warn(`left a body alone that is encoded: ${coding}`);
    const from = settings.require('from');
    const to = settings.require('to');
    response.mapText((text) => text.replaceAll(from, () => to));
  },
});
