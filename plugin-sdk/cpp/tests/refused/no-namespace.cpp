/* expect: error: no previous prototype for function 'forward_request' */

#include "tollgate.hpp"

using namespace tollgate;

Outcome<Verdict> forward_request() { return answer(403, "text/plain", "no\n"); }
Outcome<void> tollgate::return_response() { return {}; }
