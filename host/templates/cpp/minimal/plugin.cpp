// Sets a field on every request and every response.

#include "tollgate.hpp"

using namespace tollgate;

Outcome<Verdict> tollgate::forward_request() {
  TOLLGATE_TRY(request::set_field("x-{{name}}", "hello"));
  return Verdict::forward;
}

Outcome<void> tollgate::return_response() {
  TOLLGATE_TRY(response::set_field("x-{{name}}", "hello"));
  return {};
}
