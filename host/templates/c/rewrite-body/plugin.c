/* Replaces every occurrence of the setting `from` by the setting `to` in text and JSON. */

#include "tollgate.h"

tg_verdict tg_forward_request(void) {
  /* A compressed body would have to be unpacked first. */
  tg_request_set_field(TG("accept-encoding"), TG("identity"));
  return tg_forward();
}

tg_outcome tg_return_response(void) {
  tg_text type = tg_response_field(TG("content-type"));
  if (!tg_starts_with(type, TG("text/")) && !tg_starts_with(type, TG("application/json")))
    return tg_done();
  tg_text from, to, body;
  tg_error error = tg_require_setting(TG("from"), &from);
  if (error.kind == TG_OK)
    error = tg_require_setting(TG("to"), &to);
  if (error.kind == TG_OK)
    error = tg_response_body(&body);
  if (error.kind != TG_OK)
    return tg_fail_response(tg_error_message(error));
  if (tg_find(body, from) != SIZE_MAX)
    tg_response_set_body(tg_replace_all(body, from, to));
  return tg_done();
}
