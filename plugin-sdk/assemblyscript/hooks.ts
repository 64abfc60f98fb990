// The plugin's two hooks, and how they fail.

/** What becomes of a request. */
export enum Verdict {
  /** It goes on to the next plugin, and behind the last one to the backend. */
  Forward,
  /** `response` as the hook left it is the answer. Later plugins and the backend are skipped. */
  Respond,
}

export type RequestHook = () => Verdict;
export type ResponseHook = () => void;

let requestHook: RequestHook | null = null;
let responseHook: ResponseHook | null = null;
let failure: string | null = null;

/**
 * Registers the hook for requests, which is called before the backend is asked. Without one every request is forwarded.
 * It must not capture variables of an enclosing function, which AssemblyScript can't do.
 */
export function onRequest(hook: RequestHook): void {
  requestHook = hook;
}

/** Registers the hook for responses. Without one every response is left as it is. */
export function onResponse(hook: ResponseHook): void {
  responseHook = hook;
}

/**
 * Makes the hook that runs end with an error once it returns: `return fail("no tenant")`. The text goes to the host's
 * log, not to the client. AssemblyScript has no exceptions that can be caught: `throw` ends the whole instance.
 */
export function fail(reason: string): Verdict {
  failure = reason;
  return Verdict.Forward;
}

/** Calls the hook for requests; `takeFailure` says whether it failed. */
export function callRequestHook(): Verdict {
  const hook = requestHook;
  return hook ? hook() : Verdict.Forward;
}

/** Calls the hook for responses; `takeFailure` says whether it failed. */
export function callResponseHook(): void {
  const hook = responseHook;
  if (hook) hook();
}

/** The reason why the last hook failed, or null. */
export function takeFailure(): string | null {
  const reason = failure;
  failure = null;
  return reason;
}
