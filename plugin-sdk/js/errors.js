// What the host may refuse, as exceptions. The engines throw a variant of the contract as `payload` of an Error whose
// message is useless; here it becomes a message that says what is wrong.

/** Why a part of a message could not be changed. Nothing was changed. */
export class FieldError extends Error {
  /**
   * @param {'invalid-name' | 'invalid-value' | 'owned-by-host' | 'too-many'} reason
   * @param {string} [detail] the name, or what is wrong with the value
   */
  constructor(reason, detail = '') {
    super(fieldErrorText(reason, detail));
    this.name = 'FieldError';
    this.reason = reason;
    this.detail = detail;
  }
}

/** Why a body can't be had. A hook that lets it pass ends the exchange with 413, 408 or 502. */
export class BodyError extends Error {
  /**
   * @param {'too-large' | 'timed-out' | 'disconnected' | 'already-streamed'} reason
   * @param {string | number | bigint} [detail] the limit in bytes, or what the host saw
   */
  constructor(reason, detail = '') {
    super(bodyErrorText(reason, detail));
    this.name = 'BodyError';
    this.reason = reason;
    this.detail = typeof detail === 'bigint' ? Number(detail) : detail;
  }
}

/** Why the state could not be read or written. */
export class StateError extends Error {
  /**
   * @param {'too-large' | 'full' | 'not-a-number' | 'timed-out' | 'unavailable'} reason after `timed-out` and `unavailable` a write may
   *   have been done
   * @param {string} [detail] what is wrong
   */
  constructor(reason, detail = '') {
    super(detail);
    this.name = 'StateError';
    this.reason = reason;
    this.detail = detail;
  }
}

/** Why there is no response to an outbound request. */
export class SendError extends Error {
  /**
   * @param {'denied' | 'invalid-request' | 'unresolved' | 'unreachable' | 'tls' | 'timed-out' | 'too-large' | 'protocol' | 'too-many'} reason
   * @param {string} [detail] what is wrong
   */
  constructor(reason, detail = '') {
    super(detail);
    this.name = 'SendError';
    this.reason = reason;
    this.detail = detail;
  }
}

/** Why the backend of a request was not changed. */
export class BackendError extends Error {
  /**
   * @param {'denied' | 'unknown' | 'too-late'} reason `too-late`: there is no request to be sent
   * @param {string} [detail] what is wrong
   */
  constructor(reason, detail = '') {
    super(detail || 'the backend can be chosen in forwardRequest alone');
    this.name = 'BackendError';
    this.reason = reason;
    this.detail = detail;
  }
}

/**
 * Runs a host function that may refuse a change.
 *
 * @template T
 * @param {() => T} call
 * @returns {T}
 */
export function changing(call) {
  return translating(call, FieldError);
}

/**
 * Runs a host function that reads a body.
 *
 * @template T
 * @param {() => T} call
 * @returns {T}
 */
export function reading(call) {
  return translating(call, BodyError);
}

/**
 * Runs a host function of the state.
 *
 * @template T
 * @param {() => T} call
 * @returns {T}
 */
export function keeping(call) {
  return translating(call, StateError);
}

/**
 * Runs a host function that sends a request.
 *
 * @template T
 * @param {() => T} call
 * @returns {T}
 */
export function sending(call) {
  return translating(call, SendError);
}

/**
 * Runs a host function that chooses a backend.
 *
 * @template T
 * @param {() => T} call
 * @returns {T}
 */
export function choosing(call) {
  return translating(call, BackendError);
}

/**
 * @template T
 * @param {() => T} call
 * @param {new (tag: any, val: any) => Error} Refusal
 * @returns {T}
 */
function translating(call, Refusal) {
  try {
    return call();
  } catch (error) {
    const payload = /** @type {any} */ (error)?.payload;
    throw typeof payload?.tag === 'string' ? new Refusal(payload.tag, payload.val) : error;
  }
}

/**
 * @param {string} reason
 * @param {string} detail
 */
function fieldErrorText(reason, detail) {
  switch (reason) {
    case 'invalid-name':
      return `${JSON.stringify(detail)} is not a field name`;
    case 'owned-by-host':
      return `the field ${detail} is set by the host alone`;
    case 'too-many':
      return 'the message has as many fields as the host allows';
    default:
      return detail;
  }
}

/**
 * @param {string} reason
 * @param {string | number | bigint} detail
 */
function bodyErrorText(reason, detail) {
  switch (reason) {
    case 'too-large':
      return `the body is longer than the ${detail} bytes that this plugin may read`;
    case 'timed-out':
      return 'the body did not arrive in time';
    case 'disconnected':
      return `the body broke off: ${detail}`;
    default:
      return 'the body has gone on to its receiver: read it in forwardRequest if it is needed later';
  }
}
