/* expect: the plugin has no hook: define tg_forward_request, tg_return_response or both */

#include "tollgate.h"
