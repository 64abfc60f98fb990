/* expect: undefined symbol: missing */

#include "tollgate.h"

extern int missing(int);

tg_verdict tg_forward_request(void) { return missing(1) ? tg_respond() : tg_forward(); }
