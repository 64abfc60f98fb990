/// Events of an event stream.

#include "events.hpp"

#include <algorithm>

namespace tollgate::events {
namespace {

/// A line without its end, and its end: CR, LF, CRLF, or nothing behind the last one.
struct Line {
  std::string_view text, end;
};

/// Takes the first line off a text.
Line next_line(std::string_view& rest) {
  auto length = std::min(rest.find_first_of("\r\n"), rest.size());
  auto end = rest.substr(length).starts_with("\r\n") ? 2 : std::min<std::size_t>(rest.size() - length, 1);
  Line line{rest.substr(0, length), rest.substr(length, end)};
  rest.remove_prefix(length + end);
  return line;
}

struct Field {
  std::string_view name, value;
};

/// Name and value of a line; nothing for a comment and for a blank line.
std::optional<Field> field(std::string_view line) {
  auto colon = std::min(line.find(':'), line.size());
  if (colon == 0) return std::nullopt;
  auto value = line.substr(std::min(colon + 1, line.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  return Field{line.substr(0, colon), value};
}

bool is_data(std::string_view line) {
  auto found = field(line);
  return found && found->name == "data";
}

/// One field for each line of the value; what stands behind the last line break is a line too.
void write_field(std::string& out, std::string_view name, std::string_view value, std::string_view line_end) {
  for (;;) {
    auto line = next_line(value);
    out.append(name).append(": ").append(line.text).append(line_end);
    if (line.end.empty()) return;
  }
}

}  // namespace

std::optional<std::string> data(std::string_view event) {
  std::optional<std::string> data;
  while (!event.empty()) {
    auto found = field(next_line(event).text);
    if (!found || found->name != "data") continue;
    if (data)
      data->append("\n").append(found->value);
    else
      data = found->value;
  }
  return data;
}

std::string_view name(std::string_view event) {
  std::string_view name = "";
  while (!event.empty()) {
    auto found = field(next_line(event).text);
    if (found && found->name == "event") name = found->value;
  }
  return name;
}

std::string with_data(std::string_view event, std::string_view data) {
  std::string out;
  std::string_view line_end = "\n";
  bool written = false;
  while (!event.empty()) {
    auto line = next_line(event);
    if (!line.end.empty()) line_end = line.end;
    bool data_line = is_data(line.text);
    if ((data_line || line.text.empty()) && !written) {
      write_field(out, "data", data, line_end);
      written = true;
    }
    if (!data_line) out.append(line.text).append(line.end);
  }
  if (!written) {
    // The event was cut off, perhaps within a line.
    if (!out.empty() && out.back() != '\n' && out.back() != '\r') out.append(line_end);
    write_field(out, "data", data, line_end);
  }
  return out;
}

std::string make(std::string_view data, std::string_view name) {
  std::string out;
  if (!name.empty()) write_field(out, "event", name, "\n");
  write_field(out, "data", data, "\n");
  return out.append("\n");
}

}  // namespace tollgate::events
