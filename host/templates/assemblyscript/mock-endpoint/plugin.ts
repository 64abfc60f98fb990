// Answers GET of one path itself; everything else passes.

import { Verdict, onRequest, request, response, settings } from "./tollgate";

onRequest(() => {
  if (request.method != "GET" || request.path != settings.getOr("path", "/mock")) return Verdict.Forward;
  return response.answer(200, "application/json", settings.getOr("body", '{"mock":true}'));
});
