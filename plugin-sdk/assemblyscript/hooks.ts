// The plugin's two hooks, and how they fail.

import { bodyMisuse, hasBodies } from "./body";

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
let startHook: ResponseHook | null = null;
let failure: string | null = null;
/** What is wrong with the registration of hooks. */
let wrong: string | null = null;
/** Whether an answer was made in the hook for requests that runs. */
let answered: bool = false;

/**
 * Registers the hook for requests, which is called before the backend is asked. Without one every request is forwarded.
 * It must not capture variables of an enclosing function, which AssemblyScript can't do. A plugin that registers two hooks for
 * requests, or no hook at all, is refused when it is loaded.
 */
export function onRequest(hook: RequestHook): void {
  if (requestHook) wrong = "onRequest was called twice: one hook would replace the other";
  requestHook = hook;
}

/** Registers the hook for responses. Without one every response is left as it is. */
export function onResponse(hook: ResponseHook): void {
  if (responseHook) wrong = "onResponse was called twice: one hook would replace the other";
  responseHook = hook;
}

/**
 * Registers what is called once for each new instance, before the hooks: the place to check the settings. `fail(…)` in it refuses the
 * plugin, or the changed configuration. There is no exchange yet.
 */
export function onStart(hook: ResponseHook): void {
  if (startHook) wrong = "onStart was called twice: one hook would replace the other";
  startHook = hook;
}

/**
 * Makes the hook that runs end with an error once it returns: `return fail("no tenant")`. The text goes to the host's
 * log, not to the client. AssemblyScript has no exceptions that can be caught: `throw` ends the whole instance.
 */
export function fail(reason: string): Verdict {
  failure = reason;
  return Verdict.Forward;
}

/** What is wrong with the plugin as a whole, or null. */
export function misuse(): string | null {
  if (wrong === null) wrong = bodyMisuse();
  if (wrong === null && !requestHook && !responseHook && !hasBodies())
    return "the plugin has no hook: call onRequest, onResponse or both at the top level of plugin.ts";
  return wrong;
}

/** An answer was made, which the hook must return. */
export function noteAnswer(): void {
  answered = true;
}

/** Calls the hook for requests; `takeFailure` says whether it failed. */
export function callRequestHook(): Verdict {
  const hook = requestHook;
  if (!hook) return Verdict.Forward;
  answered = false;
  const verdict = hook();
  if (answered && verdict == Verdict.Forward && failure === null)
    failure = "an answer was made, but the hook returned forward: return the answer";
  return verdict;
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

/** Calls the hook for the start of an instance; `takeFailure` says whether it failed. */
export function callStartHook(): void {
  const hook = startHook;
  if (hook) hook();
}
