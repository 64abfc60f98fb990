// expect: plugin.ts exports forwardRequest, which nobody calls: a hook is registered, onRequest(() => { ... })

import { Verdict, onResponse, response } from "./tollgate";

export function forwardRequest(): Verdict {
  return response.answer(403, "text/plain", "no\n");
}

onResponse(() => {});
