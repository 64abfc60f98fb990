/* expect: error: ignoring return value of function declared with 'nodiscard' attribute */

#include "tollgate.hpp"

using namespace tollgate;

Outcome<Verdict> tollgate::forward_request() {
  answer(403, "text/plain", "no\n");
  return Verdict::forward;
}
