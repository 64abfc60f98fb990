/// The memory of one hook call, and what libc++ calls when it gives up.

#include "memory.hpp"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "tollgate.hpp"
#include "utf8.hpp"

namespace tollgate {

std::pmr::monotonic_buffer_resource& arena() {
  alignas(std::max_align_t) static std::array<std::byte, 16 * 1024> first;
  static std::pmr::monotonic_buffer_resource arena(first.data(), first.size());
  return arena;
}

std::string_view in_arena(std::string_view text) {
  auto copy = static_cast<char*>(arena().allocate(text.size() + 1, 1));
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

std::string_view as_utf8(std::string_view text) {
  return utf8::prefix(text) == text.size() ? text : in_arena(utf8::mended(text));
}

std::pmr::memory_resource* memory() { return &arena(); }

}  // namespace tollgate

/// What libc++ calls instead of throwing; its own prints to a stderr that plugins don't have.
[[noreturn]] void std::__libcpp_verbose_abort(const char* format, ...) noexcept {
  std::array<char, 256> line;
  va_list arguments;
  va_start(arguments, format);
  int size = std::vsnprintf(line.data(), line.size(), format, arguments);
  va_end(arguments);
  if (size > 0) {
    auto length = std::min<std::size_t>(size, line.size() - 1);
    tollgate::log::critical({line.data(), length});
  }
  __builtin_trap();
}
