/* expect: error: ignoring return value of function declared with 'warn_unused_result' attribute */

#include "tollgate.h"

tg_verdict tg_forward_request(void) {
  tg_request_set_field(TG("x-hello"), TG("world"));
  return tg_forward();
}
