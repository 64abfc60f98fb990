// The two hooks as the host wants them: what they return and throw becomes a verdict or one line of error. Without
// this a hook that returns nothing would trap.

import { failing } from './failing.js';
import { begin } from './host.js';
import { made } from './made.js';
import { kind } from './message.js';
import { didYouMean } from './nearest.js';
import { response } from './response.js';
import { refuseUnknown } from './unknown.js';

/**
 * What a plugin does. A hook that is left out does nothing; one of the two must be there, unless the plugin rewrites bodies or works in the
 * background.
 *
 * @typedef {object} Hooks
 * @property {() => void} [start] Called once for each new instance, before the hooks: the place to read the settings. What it throws
 *   refuses the plugin, or the changed configuration. There is no exchange yet.
 * @property {() => Verdict | void} [forwardRequest] Called before the backend is asked, as soon as the request's head
 *   is there. Returns `answer(…)` or `'respond'` to answer without the backend; nothing or `'forward'` to go on.
 * @property {() => void} [returnResponse] Called when the response's head is there.
 */
/** @typedef {'forward' | 'respond'} Verdict */
/**
 * At most one of `body`, `text` and `json`.
 *
 * @typedef {object} Answer
 * @property {number} [status] 200 unless given
 * @property {import('./message.js').Fields} [fields]
 * @property {string | Uint8Array} [body] as it is
 * @property {string} [text] the same with `content-type: text/plain; charset=utf-8`, unless `fields` has another
 * @property {unknown} [json] this as JSON with `content-type: application/json`, unless `fields` has another
 */

const HOOKS = ['forwardRequest', 'returnResponse'];
const BODIES = ['requestBody', 'responseBody'];
const ANSWER = ['status', 'fields', 'body', 'text', 'json'];

const NEITHER = 'plugin(…) has neither forwardRequest nor returnResponse';

/** Those that were made without a hook, which is right if the plugin does something else. */
const withoutHooks = new WeakSet();

/** Whether the hook that runs has made an answer. */
let answered = false;

/**
 * Makes what a plugin exports of its hooks: `export const interceptor = plugin({ forwardRequest() { … } })`.
 *
 * Whatever a hook throws is its error: the text goes to the host's log, and the plugin's `on-failure` decides. Throws an
 * Error, which ends the build, if there is no hook or something that is none.
 *
 * @param {Hooks} hooks
 */
export function plugin(hooks) {
  if (typeof hooks !== 'object' || hooks === null)
    throw new Error(`plugin(…) takes an object with hooks, got ${kind(hooks)}`);
  refuseUnknown('plugin', hooks, ['start', ...HOOKS]);
  const { start, forwardRequest, returnResponse } = hooks;
  const hasHooks = Boolean(forwardRequest || returnResponse);
  if (!hasHooks && !start) throw new Error(NEITHER);
  for (const [name, hook] of Object.entries(hooks)) {
    if (hook !== undefined && typeof hook !== 'function')
      throw new Error(`plugin: ${name} is no function but ${kind(hook)}`);
  }
  const exported = {
    start() {
      failing(() => {
        if (start) finished(start(), 'start');
      });
    },
    /** @returns {Verdict} */
    forwardRequest() {
      return failing(() => {
        answered = false;
        const given = verdict(forwardRequest?.());
        if (answered && given !== 'respond') {
          throw new Error('answer(…) was called, but forwardRequest did not return it: write `return answer(…)`');
        }
        return given;
      });
    },
    returnResponse() {
      failing(() => {
        answered = false;
        finished(returnResponse?.(), 'returnResponse');
        if (answered) throw new Error('answer(…) was called in returnResponse: change `response` there');
      });
    },
  };
  if (!hasHooks) withoutHooks.add(exported);
  return exported;
}

/**
 * What the build exports of the plugin's module, held to what the host will call; its bodies are exported as they are. Throws an Error,
 * which ends the build.
 *
 * @param {Record<string, any>} exported the module
 */
export function checked(exported) {
  const doesMore = [...BODIES, 'background'].some((name) => exported[name] !== undefined);
  whatWasMadeIsExported(exported);
  const interceptor = exported.interceptor ?? (doesMore ? plugin({ start() {} }) : undefined);
  if (interceptor === undefined) {
    const names = Object.keys(exported);
    const instead = names.includes('default')
      ? ' in place of `export default`'
      : didYouMean('interceptor', names, (name) => ` in place of ${name}`);
    throw new Error(`the plugin exports no interceptor: write \`export const interceptor = plugin({ … })\`${instead}`);
  }
  for (const hook of HOOKS) {
    if (typeof interceptor?.[hook] !== 'function') {
      throw new Error(`the exported interceptor has no function ${hook}: make it with plugin({ … })`);
    }
  }
  if (!doesMore && withoutHooks.has(interceptor)) throw new Error(NEITHER);
  return {
    interceptor: {
      forwardRequest() {
        begin();
        return interceptor.forwardRequest();
      },
      returnResponse() {
        begin();
        return interceptor.returnResponse();
      },
    },
    lifecycle: {
      start() {
        begin();
        interceptor.start?.();
      },
    },
  };
}

/**
 * A body that the host would never give to its rewriter would pass as it is, and work that it doesn't find would never be done.
 *
 * @param {Record<string, any>} exported
 */
function whatWasMadeIsExported(exported) {
  const bodies = BODIES.map((name) => exported[name]).filter((body) => body !== undefined);
  for (const body of bodies) {
    if (!made.has(body) || !body.piece) {
      throw new Error('the exported requestBody or responseBody is none: make it with rewriter(…)');
    }
  }
  const { background } = exported;
  if (background !== undefined && !(made.has(background) && background.tick)) {
    throw new Error('the exported background is none: make it with ticker(…)');
  }
  for (const one of made) {
    if (bodies.includes(one) || one === background) continue;
    throw new Error(
      'tick' in one
        ? 'a ticker(…) is not exported: write `export const background = ticker(…)`'
        : 'a rewriter(…) is not exported: write `export const responseBody = rewriter(…)`, or requestBody',
    );
  }
}

/**
 * Answers the request without the backend: `return answer({ status: 403, text: 'no\n' })` in `forwardRequest`. Throws a
 * FieldError, and a TypeError for what is none of an answer's parts. The hook must return it.
 *
 * @param {Answer} [parts]
 * @returns {'respond'}
 */
export function answer(parts = {}) {
  refuseUnknown('answer', parts, ANSWER);
  const { status = 200, fields, body, text, json } = parts;
  if ([body, text, json].filter((part) => part !== undefined).length > 1) {
    throw new TypeError('answer: body, text and json exclude each other');
  }
  response.status = status;
  if (fields) response.setFields(fields);
  const type = text !== undefined ? 'text/plain; charset=utf-8' : json !== undefined ? 'application/json' : null;
  if (type && response.fieldBytes('content-type') === null) response.setField('content-type', type);
  response.setBody(text ?? (json !== undefined ? toJson(json) : body) ?? '');
  answered = true;
  return 'respond';
}

/** @param {unknown} value */
function toJson(value) {
  const json = JSON.stringify(value);
  if (json === undefined) throw new TypeError(`answer: ${kind(value)} can't be JSON`);
  return json;
}

/**
 * @param {unknown} returned
 * @returns {Verdict}
 */
function verdict(returned) {
  if (returned === 'forward' || returned === 'respond') return returned;
  finished(returned, 'forwardRequest');
  return 'forward';
}

/**
 * @param {unknown} returned
 * @param {string} hook
 */
function finished(returned, hook) {
  if (returned === undefined) return;
  if (typeof (/** @type {any} */ (returned)?.then) === 'function') {
    throw new Error(`${hook} returned a promise: hooks are not async, host functions wait by themselves`);
  }
  const wanted = hook === 'forwardRequest' ? "nothing, 'forward' or answer(…)" : 'nothing';
  throw new Error(
    `${hook} returned ${typeof returned === 'string' ? JSON.stringify(returned) : kind(returned)}: expected ${wanted}`,
  );
}
