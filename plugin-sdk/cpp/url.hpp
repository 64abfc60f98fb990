/// Queries, cookies and percent-encoding.

#ifndef TOLLGATE_URL_HPP
#define TOLLGATE_URL_HPP

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tollgate::url {

/// `%XX` as its byte. `+` stays, and so does a `%` that begins no escape.
std::string decode(std::string_view text);

/// All but letters, digits and `-._~` as `%XX`, so that the text can stand in any part of a URL.
std::string encode(std::string_view text);

/// The names and values of the parameters of a query, decoded: `+` is a space there.
std::vector<std::pair<std::string, std::string>> query_params(std::string_view query);

/// The names and values of the cookies in a field `cookie`.
std::vector<std::pair<std::string_view, std::string_view>> cookies(std::string_view field);

/// Whether a value of `content-encoding` is there and is not `identity`.
bool is_coding(std::string_view value);

}  // namespace tollgate::url

#endif
