/* JSON (RFC 8259) read strictly, and changed in one place without touching another byte. */

#include "memory.h"

#include <string.h>

enum { MAX_DEPTH = 128 };

typedef struct {
  const unsigned char *at;
  const unsigned char *end;
} cursor;

/* The value of the member that is looked for, once it is found. */
typedef struct {
  tg_text name;
  const unsigned char *start;
  const unsigned char *end;
} member;

static bool take(cursor *c, char byte) {
  bool there = c->at < c->end && *c->at == (unsigned char)byte;
  c->at += there;
  return there;
}

static void skip_space(cursor *c) {
  while (take(c, ' ') || take(c, '\t') || take(c, '\n') || take(c, '\r'))
    ;
}

static bool take_word(cursor *c, const char *word) {
  for (; *word != '\0'; word++)
    if (!take(c, *word))
      return false;
  return true;
}

static bool take_digits(cursor *c) {
  const unsigned char *start = c->at;
  while (c->at < c->end && *c->at >= '0' && *c->at <= '9')
    c->at++;
  return c->at != start;
}

static bool take_number(cursor *c) {
  take(c, '-');
  if (!take(c, '0') && !take_digits(c))
    return false;
  if (take(c, '.') && !take_digits(c))
    return false;
  if (take(c, 'e') || take(c, 'E')) {
    if (!take(c, '+'))
      take(c, '-');
    return take_digits(c);
  }
  return true;
}

static bool take_hex(cursor *c) {
  bool hex = c->at < c->end && *c->at != '\0' && strchr("0123456789abcdefABCDEF", *c->at) != NULL;
  c->at += hex;
  return hex;
}

/* What follows a backslash. */
static bool take_escape(cursor *c) {
  if (take(c, 'u'))
    return take_hex(c) && take_hex(c) && take_hex(c) && take_hex(c);
  if (c->at == c->end || *c->at == '\0' || strchr("\"\\/bfnrt", *c->at) == NULL)
    return false;
  c->at++;
  return true;
}

/* `inside`, if not NULL, is set to what stands between the quotes. */
static bool take_string(cursor *c, tg_text *inside) {
  if (!take(c, '"'))
    return false;
  const unsigned char *start = c->at;
  while (c->at < c->end && *c->at >= 0x20) {
    if (*c->at == '"') {
      if (inside != NULL)
        *inside = (tg_text){(const char *)start, (size_t)(c->at - start)};
      c->at++;
      return true;
    }
    if (take(c, '\\')) {
      if (!take_escape(c))
        return false;
      continue;
    }
    size_t length = tg_utf8_sequence(c->at, (size_t)(c->end - c->at));
    if (length == 0)
      return false;
    c->at += length;
  }
  return false;
}

static bool take_value(cursor *c, unsigned depth);

static bool take_array(cursor *c, unsigned depth) {
  skip_space(c);
  if (take(c, ']'))
    return true;
  do {
    if (!take_value(c, depth))
      return false;
    skip_space(c);
  } while (take(c, ','));
  return take(c, ']');
}

/* What follows `{`. The first member with the wanted name is noted. */
static bool take_object(cursor *c, unsigned depth, member *wanted) {
  skip_space(c);
  if (take(c, '}'))
    return true;
  do {
    tg_text name;
    skip_space(c);
    if (!take_string(c, &name))
      return false;
    skip_space(c);
    if (!take(c, ':'))
      return false;
    skip_space(c);
    const unsigned char *start = c->at;
    if (!take_value(c, depth))
      return false;
    if (wanted != NULL && wanted->start == NULL && tg_equal(name, wanted->name)) {
      wanted->start = start;
      wanted->end = c->at;
    }
    skip_space(c);
  } while (take(c, ','));
  return take(c, '}');
}

/* Any value; `depth` levels are open around it. */
static bool take_value(cursor *c, unsigned depth) {
  skip_space(c);
  if (c->at == c->end)
    return false;
  switch (*c->at) {
  case '{':
  case '[':
    if (depth == MAX_DEPTH)
      return false;
    return take(c, '{') ? take_object(c, depth + 1, NULL)
                        : take(c, '[') && take_array(c, depth + 1);
  case '"':
    return take_string(c, NULL);
  case 't':
    return take_word(c, "true");
  case 'f':
    return take_word(c, "false");
  case 'n':
    return take_word(c, "null");
  default:
    return take_number(c);
  }
}

tg_text tg_json_replace(tg_text json, tg_text name, tg_text value) {
  const unsigned char *start = (const unsigned char *)json.data;
  cursor c = {start, start + json.size};
  member wanted = {.name = name};
  skip_space(&c);
  if (!take(&c, '{') || !take_object(&c, 1, &wanted))
    return (tg_text){NULL, 0};
  skip_space(&c);
  if (c.at != c.end || wanted.start == NULL)
    return (tg_text){NULL, 0};
  return tg_concat(tg_slice(json, 0, (size_t)(wanted.start - start)), value,
                   tg_slice(json, (size_t)(wanted.end - start), json.size));
}

tg_text tg_json_string(tg_text text) {
  static const char hex[] = "0123456789abcdef";
  size_t size = 2;
  for (size_t i = 0; i < text.size; i++) {
    unsigned char byte = (unsigned char)text.data[i];
    size += byte < 0x20 ? 6 : byte == '"' || byte == '\\' ? 2 : 1;
  }
  char *string = tg_alloc(size, 1), *at = string;
  *at++ = '"';
  for (size_t i = 0; i < text.size; i++) {
    unsigned char byte = (unsigned char)text.data[i];
    if (byte < 0x20) {
      memcpy(at, "\\u00", 4);
      at[4] = hex[byte >> 4];
      at[5] = hex[byte & 15];
      at += 6;
      continue;
    }
    if (byte == '"' || byte == '\\')
      *at++ = '\\';
    *at++ = (char)byte;
  }
  *at = '"';
  return (tg_text){string, size};
}
