/// The tour of the contract: the plugin that plugins/tour has in every language, all of which must behave alike.

#include "tollgate.hpp"

using namespace tollgate;

static std::string_view mark() { return settings::get("mark").value_or("none"); }

Outcome<Verdict> tollgate::forward_request() {
  auto value = mark();
  log::info(
      std::string("forward ").append(request::method()).append(" ").append(request::target()));
  if (!request::set_field("x-tour", value)) return std::unexpected("x-tour: refused");
  if (request::path() != "/tour") return Verdict::forward;
  return answer(200, "text/plain; charset=utf-8", std::string("tour: ").append(value).append("\n"));
}

/// The value of the member `greeting` becomes the mark.
static void greet(std::string_view value) {
  auto body = response::body();
  if (!body) {
    log::warn("body: not available");
    return;
  }
  if (auto replaced = json::replace(*body, "greeting", json::string(value)))
    response::set_body(*replaced);
}

Outcome<void> tollgate::return_response() {
  auto value = mark();
  if (!response::set_field("x-tour", value)) return std::unexpected("x-tour: refused");
  auto type = response::field("content-type").value_or("");
  if (type.starts_with("application/json")) greet(value);
  log::info("return " + std::to_string(response::status()));
  return {};
}
