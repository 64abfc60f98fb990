#include "utf8.hpp"

namespace tollgate::utf8 {

std::size_t sequence(std::string_view bytes) {
  auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (at(0) < 0x80) return 1;
  std::size_t length = at(0) >= 0xf0 ? 4 : at(0) >= 0xe0 ? 3 : 2;
  if (at(0) < 0xc2 || at(0) > 0xf4 || bytes.size() < length) return 0;
  // The second byte rules out overlong forms, surrogates, and what is above U+10FFFF.
  int low = at(0) == 0xe0 ? 0xa0 : at(0) == 0xf0 ? 0x90 : 0x80;
  int high = at(0) == 0xed ? 0x9f : at(0) == 0xf4 ? 0x8f : 0xbf;
  if (at(1) < low || at(1) > high) return 0;
  for (std::size_t i = 2; i < length; i++)
    if ((at(i) & 0xc0) != 0x80) return 0;
  return length;
}

std::size_t prefix(std::string_view bytes) {
  std::size_t valid = 0;
  while (valid < bytes.size()) {
    auto length = sequence(bytes.substr(valid));
    if (length == 0) break;
    valid += length;
  }
  return valid;
}

std::string mended(std::string_view bytes) {
  std::string text;
  for (;;) {
    auto valid = prefix(bytes);
    text += bytes.substr(0, valid);
    if (valid == bytes.size()) return text;
    text += "\uFFFD";
    bytes.remove_prefix(valid + 1);
  }
}

}  // namespace tollgate::utf8
