/* expect: the function forward_request is no hook: define tollgate::forward_request */

#include "tollgate.hpp"

using namespace tollgate;

Outcome<Verdict> forward_request();
Outcome<Verdict> forward_request() { return answer(403, "text/plain", "no\n"); }
Outcome<void> tollgate::return_response() { return {}; }
