/* expect: error: ignoring return value of function declared with 'warn_unused_result' attribute */

#include "tollgate.h"

tg_verdict tg_forward_request(void) {
  tg_answer(403, TG("text/plain"), TG("no\n"));
  return tg_forward();
}
