// Lets only those in who have the token of the setting `token`.

import { Verdict, fail, onRequest, request, response, settings } from "./tollgate";

onRequest(() => {
  const token = settings.get("token");
  if (token === null) return fail("setting token is missing");
  if (request.field("authorization") != "Bearer " + token) return refuse();
  const error = request.deleteField("authorization");
  return error ? fail(error.message) : Verdict.Forward;
});

function refuse(): Verdict {
  const error = response.setField("www-authenticate", "Bearer");
  return error ? fail(error.message) : response.answer(401, "text/plain; charset=utf-8", "token required\n");
}
