// Lets only those in who have the token of the setting `token`.

import { Verdict, encodeUtf8, fail, onRequest, request, response, settings } from "./tollgate";

onRequest(() => {
  const token = settings.get("token");
  if (token === null) return fail("setting token is missing");
  const given = request.fieldBytes("authorization");
  if (given === null || !isSecret(given, encodeUtf8("Bearer " + token))) return refuse();
  const error = request.deleteField("authorization");
  return error ? fail(error.message) : Verdict.Forward;
});

function refuse(): Verdict {
  const error = response.setField("www-authenticate", "Bearer");
  return error ? fail(error.message) : response.answer(401, "text/plain; charset=utf-8", "token required\n");
}

/** Whether both are the same; takes as long for every wrong token of a length, so that none can be guessed byte by byte. */
function isSecret(given: Uint8Array, secret: Uint8Array): bool {
  let difference = given.length ^ secret.length;
  const length = min(given.length, secret.length);
  for (let i = 0; i < length; i++) difference |= given[i] ^ secret[i];
  return difference == 0;
}
