#include "json.hpp"

#include <cstddef>

#include "utf8.hpp"

namespace tollgate::json {
namespace {

constexpr int max_depth = 128;

bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

bool is_hex(char byte) {
  return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

/// Reads a text from its beginning; each function returns whether what it is named after was there, and has then passed
/// it.
class Reader {
 public:
  struct Span {
    std::size_t start;
    std::size_t end;
  };

  Reader(std::string_view json, std::string_view name) : json_(json), name_(name) {}

  /// The whole text, which must be an object.
  bool document() {
    space();
    if (!take('{') || !object(1)) return false;
    space();
    return at_ == json_.size();
  }

  /// The value of the first member with the name; known when `document` has returned true.
  std::optional<Span> found() const { return found_; }

 private:
  bool take(char byte) {
    bool is_there = at_ < json_.size() && json_[at_] == byte;
    at_ += is_there;
    return is_there;
  }

  bool take_any(std::string_view bytes) {
    bool is_there = at_ < json_.size() && bytes.find(json_[at_]) != bytes.npos;
    at_ += is_there;
    return is_there;
  }

  bool word(std::string_view word) {
    bool is_there = json_.substr(at_).starts_with(word);
    at_ += is_there ? word.size() : 0;
    return is_there;
  }

  void space() {
    while (take_any(" \t\n\r")) {
    }
  }

  /// Any value; `depth` levels are open around it.
  bool value(int depth) {
    space();
    if (at_ == json_.size()) return false;
    switch (json_[at_]) {
      case '{':
        return depth < max_depth && take('{') && object(depth + 1);
      case '[':
        return depth < max_depth && take('[') && array(depth + 1);
      case '"':
        return quoted().has_value();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  /// What follows `[`.
  bool array(int depth) {
    space();
    if (take(']')) return true;
    do {
      if (!value(depth)) return false;
      space();
    } while (take(','));
    return take(']');
  }

  /// What follows `{`.
  bool object(int depth) {
    space();
    if (take('}')) return true;
    do {
      if (!member(depth)) return false;
      space();
    } while (take(','));
    return take('}');
  }

  bool member(int depth) {
    space();
    auto name = quoted();
    if (!name) return false;
    space();
    if (!take(':')) return false;
    space();
    auto start = at_;
    if (!value(depth)) return false;
    if (depth == 1 && !found_ && *name == name_) found_ = {start, at_};
    return true;
  }

  /// A string; returns what stands between its quotes.
  std::optional<std::string_view> quoted() {
    if (!take('"')) return std::nullopt;
    auto start = at_;
    while (at_ < json_.size()) {
      if (take('"')) return json_.substr(start, at_ - 1 - start);
      if (!(take('\\') ? escape() : character())) return std::nullopt;
    }
    return std::nullopt;
  }

  /// A character of a string that is not escaped.
  bool character() {
    auto length = utf8::sequence(json_.substr(at_));
    if (static_cast<unsigned char>(json_[at_]) < 0x20) return false;
    at_ += length;
    return length != 0;
  }

  /// What follows a backslash.
  bool escape() {
    if (!take('u')) return take_any("\"\\/bfnrt");
    for (int digit = 0; digit < 4; digit++, at_++)
      if (at_ == json_.size() || !is_hex(json_[at_])) return false;
    return true;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (!take_any("eE")) return true;
    take_any("+-");
    return digits();
  }

  bool digits() {
    auto start = at_;
    while (at_ < json_.size() && is_digit(json_[at_])) at_++;
    return at_ != start;
  }

  std::string_view json_;
  std::string_view name_;
  std::size_t at_ = 0;
  std::optional<Span> found_;
};

}  // namespace

std::optional<std::string> replace(std::string_view json, std::string_view name,
                                   std::string_view value) {
  Reader reader(json, name);
  if (!reader.document() || !reader.found()) return std::nullopt;
  auto [start, end] = *reader.found();
  std::string replaced;
  replaced.reserve(json.size() - (end - start) + value.size());
  replaced.append(json.substr(0, start)).append(value).append(json.substr(end));
  return replaced;
}

std::string string(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string quoted = "\"";
  quoted.reserve(text.size() + 2);
  for (char byte : text) {
    auto code = static_cast<unsigned char>(byte);
    if (code < 0x20) {
      quoted.append("\\u00").append({hex[code >> 4], hex[code & 15]});
      continue;
    }
    if (byte == '"' || byte == '\\') quoted += '\\';
    quoted += byte;
  }
  return quoted += '"';
}

}  // namespace tollgate::json
