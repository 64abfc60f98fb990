/* The memory of one hook call, and text made in it.
 *
 * What the host hands over (through cabi_realloc) and what tg_* functions make lies in chunks that are freed together
 * when the next call begins. The first chunk is static, so that small exchanges never reach malloc. */

#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct chunk {
  struct chunk *next;
} chunk;

enum { FIRST_SIZE = 16 * 1024, NEXT_SIZE = 64 * 1024 };

static _Alignas(max_align_t) char first[FIRST_SIZE];
static chunk *chunks;
static char *place = first;
static char *limit = first + FIRST_SIZE;

void tg_memory_reset(void) {
  while (chunks != NULL) {
    chunk *next = chunks->next;
    free(chunks);
    chunks = next;
  }
  place = first;
  limit = first + FIRST_SIZE;
}

/* A chunk for `size` bytes at the alignment. A large one gets no more than it needs, so that a body costs its size. */
static void add_chunk(size_t size, size_t alignment) {
  size_t room = sizeof(chunk) + alignment + size;
  if (room < size)
    abort();
  if (room < NEXT_SIZE)
    room = NEXT_SIZE;
  chunk *new = malloc(room);
  if (new == NULL)
    abort();
  new->next = chunks;
  chunks = new;
  place = (char *)(new + 1);
  limit = (char *)new + room;
}

static size_t padding(size_t alignment) {
  return (alignment - (uintptr_t)place % alignment) % alignment;
}

void *tg_alloc(size_t size, size_t alignment) {
  size_t room = (size_t)(limit - place), pad = padding(alignment);
  if (pad > room || size > room - pad) {
    add_chunk(size, alignment);
    pad = padding(alignment);
  }
  char *memory = place + pad;
  place = memory + size;
  return memory;
}

void *tg_memory_resize(void *old, size_t old_size, size_t alignment, size_t size) {
  bool newest = old != NULL && (char *)old + old_size == place;
  if (newest && size <= (size_t)(limit - (char *)old)) {
    place = (char *)old + size;
    return old;
  }
  void *memory = tg_alloc(size, alignment);
  if (old != NULL)
    memcpy(memory, old, old_size < size ? old_size : size);
  return memory;
}

tg_text tg_string(const char *string) {
  return (tg_text){string, string == NULL ? 0 : strlen(string)};
}

bool tg_equal(tg_text a, tg_text b) {
  return tg_is_absent(a) == tg_is_absent(b) && a.size == b.size &&
         (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool tg_starts_with(tg_text text, tg_text start) {
  return start.size <= text.size &&
         (start.size == 0 || memcmp(text.data, start.data, start.size) == 0);
}

size_t tg_find(tg_text text, tg_text part) {
  if (part.size == 0)
    return 0;
  for (size_t at = 0; at + part.size <= text.size; at++) {
    const char *hit = memchr(text.data + at, part.data[0], text.size - part.size + 1 - at);
    if (hit == NULL)
      return SIZE_MAX;
    at = (size_t)(hit - text.data);
    if (memcmp(hit, part.data, part.size) == 0)
      return at;
  }
  return SIZE_MAX;
}

tg_text tg_slice(tg_text text, size_t from, size_t to) {
  if (to > text.size)
    to = text.size;
  if (from > to)
    from = to;
  return text.data == NULL ? text : (tg_text){text.data + from, to - from};
}

/* Copies text to `at` and returns what is behind it. */
static char *put(char *at, tg_text text) {
  if (text.size != 0)
    memcpy(at, text.data, text.size);
  return at + text.size;
}

tg_text tg_join(const tg_text *parts, size_t count) {
  size_t size = 0;
  for (size_t i = 0; i < count; i++)
    size += parts[i].size;
  char *joined = tg_alloc(size, 1), *at = joined;
  for (size_t i = 0; i < count; i++)
    at = put(at, parts[i]);
  return (tg_text){joined, size};
}

tg_text tg_replace_all(tg_text text, tg_text from, tg_text to) {
  size_t hits = 0;
  if (from.size == 0)
    return text;
  for (tg_text rest = text;; hits++) {
    size_t hit = tg_find(rest, from);
    if (hit == SIZE_MAX)
      break;
    rest = tg_slice(rest, hit + from.size, rest.size);
  }
  if (hits == 0)
    return text;
  size_t size = text.size - hits * from.size + hits * to.size;
  char *replaced = tg_alloc(size, 1), *at = replaced;
  tg_text rest = text;
  for (; hits != 0; hits--) {
    size_t hit = tg_find(rest, from);
    at = put(put(at, tg_slice(rest, 0, hit)), to);
    rest = tg_slice(rest, hit + from.size, rest.size);
  }
  put(at, rest);
  return (tg_text){replaced, size};
}

tg_text tg_number(uint64_t number) {
  enum { DIGITS = 20 };
  char *end = (char *)tg_alloc(DIGITS, 1) + DIGITS, *at = end;
  do {
    *--at = (char)('0' + number % 10);
    number /= 10;
  } while (number != 0);
  return (tg_text){at, (size_t)(end - at)};
}

tg_text tg_format(const char *format, ...) {
  va_list once, again;
  va_start(once, format);
  va_copy(again, once);
  int size = vsnprintf(NULL, 0, format, once);
  va_end(once);
  if (size < 0)
    abort();
  char *text = tg_alloc((size_t)size + 1, 1);
  vsnprintf(text, (size_t)size + 1, format, again);
  va_end(again);
  return (tg_text){text, (size_t)size};
}

size_t tg_utf8_sequence(const unsigned char *at, size_t left) {
  if (at[0] < 0x80)
    return 1;
  size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
  if (at[0] < 0xc2 || at[0] > 0xf4 || left < length)
    return 0;
  /* The second byte rules out overlong forms, surrogates, and what is above U+10FFFF. */
  unsigned char low = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;
  unsigned char high = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
  if (at[1] < low || at[1] > high)
    return 0;
  for (size_t i = 2; i < length; i++)
    if ((at[i] & 0xc0) != 0x80)
      return 0;
  return length;
}

/* How many bytes at the beginning are UTF-8. */
static size_t utf8_prefix(tg_text text) {
  size_t at = 0;
  while (at < text.size) {
    size_t length = tg_utf8_sequence((const unsigned char *)text.data + at, text.size - at);
    if (length == 0)
      break;
    at += length;
  }
  return at;
}

bool tg_is_utf8(tg_text text) { return utf8_prefix(text) == text.size; }

tg_text tg_as_utf8(tg_text text) {
  size_t valid = utf8_prefix(text);
  if (valid == text.size)
    return text;
  tg_text mark = TG("\xef\xbf\xbd");
  if (text.size > SIZE_MAX / 3)
    abort();
  char *copy = tg_alloc(text.size * mark.size, 1), *at = copy;
  for (tg_text rest = text; rest.size != 0; valid = utf8_prefix(rest)) {
    at = put(at, tg_slice(rest, 0, valid));
    if (valid < rest.size)
      at = put(at, mark);
    rest = tg_slice(rest, valid + 1, rest.size);
  }
  return (tg_text){copy, (size_t)(at - copy)};
}
