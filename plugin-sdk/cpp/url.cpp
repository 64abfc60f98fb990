/// Queries, cookies and percent-encoding.

#include "url.hpp"

#include <algorithm>

namespace tollgate::url {
namespace {

constexpr std::string_view digits = "0123456789ABCDEF";

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? letter | 0x20 : letter; }

/// -1 if it is none.
int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  return lower(digit) >= 'a' && lower(digit) <= 'f' ? lower(digit) - 'a' + 10 : -1;
}

std::string decoded(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); i++) {
    int high = text[i] == '%' && text.size() - i > 2 ? hex_digit(text[i + 1]) : -1;
    int low = high < 0 ? -1 : hex_digit(text[i + 2]);
    if (low >= 0) {
      decoded.push_back(static_cast<char>(high << 4 | low));
      i += 2;
    } else {
      decoded.push_back(text[i] == '+' && plus_is_space ? ' ' : text[i]);
    }
  }
  return decoded;
}

bool is_unreserved(char byte) {
  return (lower(byte) >= 'a' && lower(byte) <= 'z') || (byte >= '0' && byte <= '9') ||
         std::string_view("-._~").contains(byte);
}

/// Cuts off what stands before the next `end`, and `end` itself.
std::string_view cut(std::string_view& rest, char end) {
  auto at = std::min(rest.find(end), rest.size());
  auto piece = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return piece;
}

std::string_view trim(std::string_view text) {
  auto start = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(start, text.find_last_not_of(" \t") + 1 - start);
}

}  // namespace

std::string decode(std::string_view text) { return decoded(text, false); }

std::string encode(std::string_view text) {
  std::string encoded;
  for (char byte : text) {
    if (is_unreserved(byte)) {
      encoded.push_back(byte);
      continue;
    }
    auto value = static_cast<unsigned char>(byte);
    encoded.append({'%', digits[value >> 4], digits[value & 15]});
  }
  return encoded;
}

std::vector<std::pair<std::string, std::string>> query_params(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> params;
  while (!query.empty()) {
    auto value = cut(query, '&');
    if (value.empty()) continue;
    auto name = decoded(cut(value, '='), true);
    params.push_back({name, decoded(value, true)});
  }
  return params;
}

std::vector<std::pair<std::string_view, std::string_view>> cookies(std::string_view field) {
  std::vector<std::pair<std::string_view, std::string_view>> cookies;
  while (!field.empty()) {
    auto value = cut(field, ';');
    if (!value.contains('=')) continue;
    auto name = trim(cut(value, '='));
    cookies.push_back({name, trim(value)});
  }
  return cookies;
}

bool is_coding(std::string_view value) {
  value = trim(value);
  return !value.empty() && !std::ranges::equal(value, std::string_view("identity"), {}, lower);
}

}  // namespace tollgate::url
