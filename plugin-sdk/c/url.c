/* Queries, cookies and percent-encoding. */

#include "memory.h"

#include <string.h>

static int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9')
    return digit - '0';
  char lower = digit | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static tg_text decode(tg_text text, bool plus_is_space) {
  char *decoded = tg_alloc(text.size, 1), *at = decoded;
  for (size_t i = 0; i < text.size; i++) {
    char byte = text.data[i];
    int high = byte == '%' && text.size - i > 2 ? hex_digit(text.data[i + 1]) : -1;
    int low = high < 0 ? -1 : hex_digit(text.data[i + 2]);
    if (low >= 0) {
      *at++ = (char)(high << 4 | low);
      i += 2;
    } else {
      *at++ = byte == '+' && plus_is_space ? ' ' : byte;
    }
  }
  return (tg_text){decoded, (size_t)(at - decoded)};
}

tg_text tg_url_decode(tg_text text) { return decode(text, false); }

static bool is_unreserved(char byte) {
  char lower = byte | 0x20;
  return (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') ||
         (byte != '\0' && strchr("-._~", byte) != NULL);
}

tg_text tg_url_encode(tg_text text) {
  static const char hex[] = "0123456789ABCDEF";
  size_t size = 0;
  for (size_t i = 0; i < text.size; i++)
    size += is_unreserved(text.data[i]) ? 1 : 3;
  char *encoded = tg_alloc(size, 1), *at = encoded;
  for (size_t i = 0; i < text.size; i++) {
    unsigned char byte = (unsigned char)text.data[i];
    if (is_unreserved(text.data[i])) {
      *at++ = (char)byte;
      continue;
    }
    *at++ = '%';
    *at++ = hex[byte >> 4];
    *at++ = hex[byte & 15];
  }
  return (tg_text){encoded, size};
}

/* Cuts off what stands before the next `end`, and `end` itself. */
static tg_text cut(tg_text *rest, tg_text end) {
  size_t at = tg_find(*rest, end);
  tg_text piece = tg_slice(*rest, 0, at);
  *rest = at == SIZE_MAX ? tg_slice(*rest, SIZE_MAX, SIZE_MAX) : tg_slice(*rest, at + 1, SIZE_MAX);
  return piece;
}

/* How often a byte is in a text. */
static size_t count(tg_text text, char byte) {
  size_t found = 0;
  for (size_t i = 0; i < text.size; i++)
    found += text.data[i] == byte;
  return found;
}

tg_fields tg_query_pairs(tg_text query) {
  tg_fields pairs = {tg_alloc((count(query, '&') + 1) * sizeof(tg_field), _Alignof(tg_field)), 0};
  while (query.size != 0) {
    tg_text value = cut(&query, TG("&"));
    if (value.size == 0)
      continue;
    tg_text name = decode(cut(&value, TG("=")), true);
    pairs.items[pairs.count++] = (tg_field){name, decode(value, true)};
  }
  return pairs;
}

tg_text tg_value_of(tg_fields pairs, tg_text name) {
  for (size_t i = 0; i < pairs.count; i++)
    if (tg_equal(pairs.items[i].name, name))
      return pairs.items[i].value;
  return (tg_text){NULL, 0};
}

static tg_text trim(tg_text text) {
  while (text.size != 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
    text = tg_slice(text, 1, SIZE_MAX);
  while (text.size != 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
    text.size--;
  return text;
}

tg_fields tg_cookies_of(tg_texts values) {
  size_t most = values.count;
  for (size_t i = 0; i < values.count; i++)
    most += count(values.items[i], ';');
  tg_fields cookies = {tg_alloc(most * sizeof(tg_field), _Alignof(tg_field)), 0};
  for (size_t i = 0; i < values.count; i++)
    for (tg_text rest = values.items[i]; rest.size != 0;) {
      tg_text value = cut(&rest, TG(";"));
      if (tg_find(value, TG("=")) == SIZE_MAX)
        continue;
      tg_text name = trim(cut(&value, TG("=")));
      cookies.items[cookies.count++] = (tg_field){name, trim(value)};
    }
  return cookies;
}

bool tg_is_coding(tg_text value) {
  static const char identity[] = "identity";
  value = trim(value);
  if (value.size != sizeof(identity) - 1)
    return value.size != 0;
  for (size_t i = 0; i < value.size; i++)
    if ((value.data[i] | 0x20) != identity[i])
      return true;
  return false;
}
