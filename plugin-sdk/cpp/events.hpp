/// Events of an event stream (server-sent events; WHATWG HTML, section 9.2), read as a browser reads them. With `Unit::events` each piece
/// of a body is one event: its lines, and the blank line at its end.

#ifndef TOLLGATE_EVENTS_HPP
#define TOLLGATE_EVENTS_HPP

#include <optional>
#include <string>
#include <string_view>

namespace tollgate::events {

/// The values of the fields `data` with line feeds between them; nothing if there is none. Readers ignore such an event.
std::optional<std::string> data(std::string_view event);

/// The value of the last field `event`; if it is empty, readers call the event `message`.
std::string_view name(std::string_view event);

/// The event with other data; its other lines stay as they are. Each line of the data becomes a field `data`, at the place of the first
/// one, or behind the other fields.
std::string with_data(std::string_view event, std::string_view data);

/// An event to be sent. The name may be empty, and must not have line breaks.
std::string make(std::string_view data, std::string_view name = "");

}  // namespace tollgate::events

#endif
