/* expect: error: ignoring return value of function declared with 'nodiscard' attribute */

#include "tollgate.hpp"

using namespace tollgate;

Outcome<Verdict> tollgate::forward_request() {
  request::set_field("x-hello", "world");
  return Verdict::forward;
}
