// The response of the current exchange: an object without content, each property one host call.

import { changing } from './errors.js';
import { response as host } from './host.js';
import { kind, Message } from './message.js';

/**
 * The backend's response, or a plugin's, as the plugins behind this one left it. In `forwardRequest` it is an empty 200
 * that becomes the answer if the hook returns `'respond'`; `answer` fills it in one go.
 */
class Response extends Message {
  /** 200 to 599; interim ones (1xx) are the host's. Setting it may throw a FieldError. */
  get status() {
    return host.status();
  }

  set status(status) {
    if (!Number.isInteger(status) || status < 0 || status > 65535) {
      throw new TypeError(
        `status: expected a number from 200 to 599, got ${typeof status === 'number' ? status : kind(status)}`,
      );
    }
    changing(() => host.setStatus(status));
  }
}

export const response = new Response(host);
