// Replaces every occurrence of the setting `from` by the setting `to` in text and JSON.

#include "tollgate.hpp"

using namespace tollgate;

Outcome<Verdict> tollgate::forward_request() {
  TOLLGATE_TRY(request::accept_identity());
  return Verdict::forward;
}

static std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string replaced;
  for (std::size_t hit; (hit = text.find(from)) != text.npos;) {
    replaced.append(text.substr(0, hit)).append(to);
    text.remove_prefix(hit + from.size());
  }
  return replaced.append(text);
}

Outcome<void> tollgate::return_response() {
  auto type = response::field("content-type").value_or("");
  if (!type.starts_with("text/") && !type.starts_with("application/json")) return {};
  auto from = settings::require("from");
  if (!from) return std::unexpected(from.error());
  auto to = settings::require("to");
  if (!to) return std::unexpected(to.error());
  if (response::is_encoded()) {
    auto coding = response::field("content-encoding").value_or("");
    log::warn(std::string("left a body alone that is encoded: ").append(coding));
    return {};
  }
  auto body = response::body();
  if (!body) return std::unexpected(body.error().message());
  if (!from->empty() && body->contains(*from)) response::set_body(replace_all(*body, *from, *to));
  return {};
}
