// expect: onRequest was called twice: one hook would replace the other

import { Verdict, onRequest, response } from "./tollgate";

onRequest(() => response.answer(403, "text/plain", "no\n"));
onRequest(() => Verdict.Forward);
