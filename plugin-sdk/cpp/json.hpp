/// JSON (RFC 8259) read strictly, and changed in one place without touching another byte.

#ifndef TOLLGATE_JSON_HPP
#define TOLLGATE_JSON_HPP

#include <optional>
#include <string>
#include <string_view>

namespace tollgate::json {

/// The text with the value of the first top-level member `name` replaced by `value` (JSON text), every other byte kept.
/// Nothing if `json` is not one valid JSON object of at most 128 levels, or has no such member. `name` is compared with
/// what stands between the quotes, escapes not undone.
std::optional<std::string> replace(std::string_view json, std::string_view name,
                                   std::string_view value);

/// Text as a JSON string with its quotes.
std::string string(std::string_view text);

}  // namespace tollgate::json

#endif
