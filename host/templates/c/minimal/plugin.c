/* Sets a field on every request and every response. */

#include "tollgate.h"

tg_verdict tg_forward_request(void) {
  TG_TRY_REQUEST(tg_request_set_field(TG("x-{{name}}"), TG("hello")));
  return tg_forward();
}

tg_outcome tg_return_response(void) {
  TG_TRY_RESPONSE(tg_response_set_field(TG("x-{{name}}"), TG("hello")));
  return tg_done();
}
