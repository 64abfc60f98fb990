/// UTF-8, which a string of the contract must be, or the plugin traps.

#ifndef TOLLGATE_UTF8_HPP
#define TOLLGATE_UTF8_HPP

#include <cstddef>
#include <string>
#include <string_view>

namespace tollgate::utf8 {

/// The length of the sequence at the beginning of bytes that are not empty; 0 if it is not valid.
std::size_t sequence(std::string_view bytes);

/// How many bytes at the beginning are UTF-8.
std::size_t prefix(std::string_view bytes);

/// A copy with U+FFFD for what is not UTF-8.
std::string mended(std::string_view bytes);

}  // namespace tollgate::utf8

#endif
