// Answers GET of one path itself; everything else passes.

#include "tollgate.hpp"

using namespace tollgate;

Outcome<Verdict> tollgate::forward_request() {
  auto path = settings::get("path").value_or("/mock");
  if (request::method() != "GET" || request::path() != path) return Verdict::forward;
  auto body = settings::get("body").value_or(R"({"mock":true})");
  return answer(200, "application/json", body);
}
