/// What the files of this library share and a plugin doesn't need: the memory of one hook call.

#ifndef TOLLGATE_MEMORY_HPP
#define TOLLGATE_MEMORY_HPP

#include <memory_resource>
#include <string_view>

namespace tollgate {

/// It begins in a static buffer, so that small exchanges allocate nothing, and all of it is free again when the next call
/// begins; the host has read the result by then.
std::pmr::monotonic_buffer_resource& arena();

/// A copy that lives as long as the call.
std::string_view in_arena(std::string_view text);

/// The text as the contract's strings must be: with U+FFFD for what is not UTF-8.
std::string_view as_utf8(std::string_view text);

}  // namespace tollgate

#endif
