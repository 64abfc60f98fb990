/* Answers GET of one path itself; everything else passes. */

#include "tollgate.h"

static tg_text setting_or(tg_text key, tg_text otherwise) {
  tg_text value = tg_setting(key);
  return tg_is_absent(value) ? otherwise : value;
}

tg_verdict tg_forward_request(void) {
  if (!tg_equal(tg_request_method(), TG("GET")) ||
      !tg_equal(tg_request_path(), setting_or(TG("path"), TG("/mock"))))
    return tg_forward();
  return tg_answer(200, TG("application/json"), setting_or(TG("body"), TG("{\"mock\":true}")));
}
