/* The tour of the contract: the plugin that plugins/tour has in every language, all of which must behave alike. */

#include "tollgate.h"

static tg_text mark(void) {
  tg_text setting = tg_setting(TG("mark"));
  return tg_is_absent(setting) ? TG("none") : setting;
}

tg_verdict tg_forward_request(void) {
  tg_text value = mark();
  tg_log(TG_INFO, tg_concat(TG("forward "), tg_request_method(), TG(" "), tg_request_target()));
  if (tg_request_set_field(TG("x-tour"), value).kind != TG_OK)
    return tg_fail_request(TG("x-tour: refused"));
  if (!tg_equal(tg_request_path(), TG("/tour")))
    return tg_forward();
  return tg_answer(200, TG("text/plain; charset=utf-8"), tg_concat(TG("tour: "), value, TG("\n")));
}

/* The value of the member `greeting` becomes the mark. */
static void greet(tg_text value) {
  tg_text body;
  if (tg_response_body(&body).kind != TG_OK) {
    tg_log(TG_WARN, TG("body: not available"));
    return;
  }
  tg_text replaced = tg_json_replace(body, TG("greeting"), tg_json_string(value));
  if (!tg_is_absent(replaced))
    tg_response_set_body(replaced);
}

tg_outcome tg_return_response(void) {
  tg_text value = mark();
  if (tg_response_set_field(TG("x-tour"), value).kind != TG_OK)
    return tg_fail_response(TG("x-tour: refused"));
  if (tg_starts_with(tg_response_field(TG("content-type")), TG("application/json")))
    greet(value);
  tg_log(TG_INFO, tg_concat(TG("return "), tg_number(tg_response_status())));
  return tg_done();
}
