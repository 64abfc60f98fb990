// Sets a field on every request and every response.

#include "tollgate.hpp"

using namespace tollgate;

Outcome<Verdict> tollgate::forward_request() {
  request::set_field("x-{{name}}", "hello");
  return Verdict::forward;
}

Outcome<void> tollgate::return_response() {
  response::set_field("x-{{name}}", "hello");
  return {};
}
