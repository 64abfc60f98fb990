// expect: the plugin has no hook: call onRequest, onResponse or both at the top level of plugin.ts

import { log } from "./tollgate";

function hello(): void {
  log.info("hello");
}

hello;
