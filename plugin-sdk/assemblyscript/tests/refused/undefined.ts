// expect: a plugin has no performance.now: nothing in the build defines it

import { Verdict, log, onRequest } from "./tollgate";

onRequest(() => {
  log.info(performance.now().toString());
  return Verdict.Forward;
});
