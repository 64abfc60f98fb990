// Sets a field on every request and every response.

import { Verdict, fail, onRequest, onResponse, request, response } from "./tollgate";

onRequest(() => {
  const error = request.setField("x-{{name}}", "hello");
  return error ? fail(error.message) : Verdict.Forward;
});

onResponse(() => {
  const error = response.setField("x-{{name}}", "hello");
  if (error) fail(error.message);
});
