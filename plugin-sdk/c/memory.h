/* What the files of this library share and a plugin doesn't need. */

#ifndef TOLLGATE_MEMORY_H
#define TOLLGATE_MEMORY_H

#include "tollgate.h"

/* Frees all that tg_alloc gave. */
void tg_memory_reset(void);
/* Makes the newest allocation larger or moves it; `old` may be NULL. */
void *tg_memory_resize(void *old, size_t old_size, size_t alignment, size_t size);
/* The text itself if it is UTF-8, else a copy with U+FFFD for what is not. A string of the contract must be UTF-8, or the
 * plugin traps. */
tg_text tg_as_utf8(tg_text text);
/* The length of the UTF-8 sequence at the beginning of `at`, 0 if it is not valid. `left` is at least 1. */
size_t tg_utf8_sequence(const unsigned char *at, size_t left);

/* Every parameter of a query, decoded. */
tg_fields tg_query_pairs(tg_text query);
/* The value of the first pair of this name; absent if there is none. */
tg_text tg_value_of(tg_fields pairs, tg_text name);
/* The cookies in the values of the field `cookie`. */
tg_fields tg_cookies_of(tg_texts values);
/* Whether a value of content-encoding is there and is not `identity`. */
bool tg_is_coding(tg_text value);

#endif
