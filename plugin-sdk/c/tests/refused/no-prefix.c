/* expect: plugin.c:5:12: error: no previous prototype for function 'forward_request' */

#include "tollgate.h"

tg_verdict forward_request(void) { return tg_answer(403, TG("text/plain"), TG("no\n")); }
tg_outcome tg_return_response(void) { return tg_done(); }
