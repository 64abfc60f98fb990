/* Events of an event stream (server-sent events; WHATWG HTML, section 9.2), read as a browser reads them. */

#include "memory.h"

#include <string.h>

/* A line without its end, and its end: CR, LF, CRLF, or nothing behind the last one. */
typedef struct {
  tg_text text, end;
} line;

/* Takes the first line off a text. False if there is none left. */
static bool next_line(tg_text *rest, line *found) {
  if (rest->size == 0)
    return false;
  size_t length = 0, end = 0;
  while (length < rest->size && rest->data[length] != '\r' && rest->data[length] != '\n')
    length++;
  if (length < rest->size)
    end = rest->data[length] == '\r' && length + 1 < rest->size && rest->data[length + 1] == '\n' ? 2 : 1;
  *found = (line){tg_slice(*rest, 0, length), tg_slice(*rest, length, length + end)};
  *rest = tg_slice(*rest, length + end, rest->size);
  return true;
}

/* Name and value of a line; false for a comment and for a blank line. */
static bool field_of(tg_text text, tg_field *field) {
  size_t colon = tg_find(text, TG(":"));
  if (colon == 0 || text.size == 0)
    return false;
  if (colon > text.size)
    colon = text.size;
  field->name = tg_slice(text, 0, colon);
  field->value = tg_slice(text, colon + 1, text.size);
  if (tg_starts_with(field->value, TG(" ")))
    field->value = tg_slice(field->value, 1, field->value.size);
  return true;
}

static bool is_data(tg_text text, tg_field *field) { return field_of(text, field) && tg_equal(field->name, TG("data")); }

tg_text tg_event_data(tg_text event) {
  tg_text rest = event;
  char *data = tg_alloc(event.size + 1, 1);
  size_t size = 0;
  bool found = false;
  line next;
  tg_field field;
  while (next_line(&rest, &next)) {
    if (!is_data(next.text, &field))
      continue;
    if (found)
      data[size++] = '\n';
    found = true;
    if (field.value.size != 0)
      memcpy(data + size, field.value.data, field.value.size);
    size += field.value.size;
  }
  return found ? (tg_text){data, size} : (tg_text){NULL, 0};
}

tg_text tg_event_name(tg_text event) {
  tg_text name = TG("");
  line next;
  tg_field field;
  while (next_line(&event, &next))
    if (field_of(next.text, &field) && tg_equal(field.name, TG("event")))
      name = field.value;
  return name.size == 0 ? (tg_text){NULL, 0} : name;
}

/* Text that grows in memory that is large enough. */
typedef struct {
  char *data;
  size_t size;
} buffer;

static void put(buffer *out, tg_text text) {
  if (text.size != 0)
    memcpy(out->data + out->size, text.data, text.size);
  out->size += text.size;
}

/* One field for each line of the value; what stands behind the last line break is a line too. */
static void put_field(buffer *out, tg_text name, tg_text value, tg_text line_end) {
  line next = {.text = TG("")};
  bool goes_on = true;
  do {
    if (!next_line(&value, &next))
      next = (line){TG(""), TG("")};
    goes_on = next.end.size != 0;
    put(out, name);
    put(out, TG(": "));
    put(out, next.text);
    put(out, line_end);
  } while (goes_on);
}

/* Room for the fields of a value, each with its name, `: ` and a line end of two bytes. */
static size_t room_for(tg_text name, tg_text value) {
  size_t lines = 1;
  for (size_t i = 0; i < value.size; i++)
    lines += value.data[i] == '\r' || value.data[i] == '\n';
  return value.size + lines * (name.size + 4);
}

tg_text tg_event_with_data(tg_text event, tg_text data) {
  buffer out = {tg_alloc(event.size + room_for(TG("data"), data) + 2, 1), 0};
  tg_text line_end = TG("\n");
  bool written = false;
  line next;
  tg_field field;
  while (next_line(&event, &next)) {
    if (next.end.size != 0)
      line_end = next.end;
    bool data_line = is_data(next.text, &field);
    if ((data_line || next.text.size == 0) && !written) {
      put_field(&out, TG("data"), data, line_end);
      written = true;
    }
    if (!data_line) {
      put(&out, next.text);
      put(&out, next.end);
    }
  }
  if (!written) {
    /* The event was cut off, perhaps within a line. */
    if (out.size != 0 && out.data[out.size - 1] != '\n' && out.data[out.size - 1] != '\r')
      put(&out, line_end);
    put_field(&out, TG("data"), data, line_end);
  }
  return (tg_text){out.data, out.size};
}

tg_text tg_event_make(tg_text name, tg_text data) {
  buffer out = {tg_alloc(name.size + 16 + room_for(TG("data"), data), 1), 0};
  if (!tg_is_absent(name))
    put_field(&out, TG("event"), name, TG("\n"));
  put_field(&out, TG("data"), data, TG("\n"));
  put(&out, TG("\n"));
  return (tg_text){out.data, out.size};
}
