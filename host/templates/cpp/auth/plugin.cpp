// Lets only those in who have the token of the setting `token`.

#include "tollgate.hpp"

using namespace tollgate;

// Whether both are the same; takes as long for every wrong token of a length, so that none can be guessed byte by byte.
static bool is_secret(std::string_view given, std::string_view secret) {
  unsigned difference = given.size() != secret.size();
  for (std::size_t i = 0; i < given.size() && i < secret.size(); i++)
    difference |= static_cast<unsigned char>(given[i] ^ secret[i]);
  return difference == 0;
}

Outcome<Verdict> tollgate::forward_request() {
  auto token = settings::require("token");
  if (!token) return std::unexpected(token.error());
  auto given = request::field("authorization").value_or("");
  if (is_secret(given, std::string("Bearer ").append(*token))) {
    TOLLGATE_TRY(request::delete_field("authorization"));
    return Verdict::forward;
  }
  TOLLGATE_TRY(response::set_field("www-authenticate", "Bearer"));
  return answer(401, "text/plain; charset=utf-8", "token required\n");
}
