/* Replaces every occurrence of the setting `from` by the setting `to` in text and JSON. */

#include "tollgate.h"

tg_verdict tg_forward_request(void) {
  TG_TRY_REQUEST(tg_request_accept_identity());
  return tg_forward();
}

tg_outcome tg_return_response(void) {
  tg_text type = tg_response_field(TG("content-type"));
  if (!tg_starts_with(type, TG("text/")) && !tg_starts_with(type, TG("application/json")))
    return tg_done();
  tg_text from, to, body;
  TG_TRY_RESPONSE(tg_require_setting(TG("from"), &from));
  TG_TRY_RESPONSE(tg_require_setting(TG("to"), &to));
  if (tg_response_is_encoded()) {
    tg_text coding = tg_response_field(TG("content-encoding"));
    tg_log(TG_WARN, tg_concat(TG("left a body alone that is encoded: "), coding));
    return tg_done();
  }
  TG_TRY_RESPONSE(tg_response_body(&body));
  if (tg_find(body, from) != SIZE_MAX)
    tg_response_set_body(tg_replace_all(body, from, to));
  return tg_done();
}
