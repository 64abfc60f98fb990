/* Plugins for tollgate, the HTTP proxy, in C11: the contract tollgate:proxy@0.1.0 as C functions.
 *
 * A plugin defines one or both of the hooks at the end of this file and calls the functions above them. What each function
 * promises stands in wit/.
 *
 * Memory: every tg_text that a function here returns lives until the hook in hand returns; nothing is to be freed. What
 * must live longer goes into memory of the plugin's own (static, malloc) or into a note. */

#ifndef TOLLGATE_H
#define TOLLGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Results that must not be ignored: an error of an edit, and what a hook returns. */
#if defined(__GNUC__)
#define TG_MUST_USE __attribute__((warn_unused_result))
#else
#define TG_MUST_USE
#endif

/* ---- Text ---- */

/* Bytes, for the most part text, without an end mark. Absent text has data == NULL; empty text has not. */
typedef struct {
  const char *data;
  size_t size;
} tg_text;

/* A string literal as text; may hold \0. */
#define TG(literal) ((tg_text){"" literal, sizeof(literal) - 1})

/* A static initialiser, where TG is not constant enough. */
#define TG_INIT(literal) {"" literal, sizeof(literal) - 1}

/* The two arguments of printf's "%.*s". */
#define TG_ARGS(text) (int)(text).size, ((text).data ? (text).data : "")

/* A C string as text; NULL gives absent text. The bytes are not copied. */
tg_text tg_string(const char *string);

static inline bool tg_is_absent(tg_text text) { return text.data == NULL; }
/* Absent text equals only absent text. */
bool tg_equal(tg_text a, tg_text b);
bool tg_starts_with(tg_text text, tg_text start);
/* Where `part` first begins in `text`, or SIZE_MAX. */
size_t tg_find(tg_text text, tg_text part);
/* The bytes from `from` up to `to`; both are cut to the text's size. */
tg_text tg_slice(tg_text text, size_t from, size_t to);
bool tg_is_utf8(tg_text text);

/* New text: all parts in a row. tg_concat takes them as arguments: tg_concat(TG("GET "), path). */
tg_text tg_join(const tg_text *parts, size_t count);
#define tg_concat(...)                                                                             \
  tg_join((const tg_text[]){__VA_ARGS__}, sizeof((const tg_text[]){__VA_ARGS__}) / sizeof(tg_text))
/* New text: `text` with every `from` replaced by `to`; `text` itself if it has none, or if `from` is empty. */
tg_text tg_replace_all(tg_text text, tg_text from, tg_text to);
/* New text: the number in decimal. */
tg_text tg_number(uint64_t number);
/* New text, as printf has it. Print text with "%.*s" and TG_ARGS. */
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
tg_text tg_format(const char *format, ...);

/* Memory for the plugin's own use until the hook returns; traps when there is none left. Not zeroed. */
void *tg_alloc(size_t size, size_t alignment);

/* ---- JSON ---- */

/* The value of the first top-level member `name` replaced by `value` (JSON text), every other byte kept. Absent if
 * `json` is not one valid JSON object (RFC 8259, at most 128 levels deep) or has no such member. `name` is compared
 * with what stands between the quotes, escapes not undone. */
tg_text tg_json_replace(tg_text json, tg_text name, tg_text value);
/* New text: the text as a JSON string with its quotes. */
tg_text tg_json_string(tg_text text);

/* ---- URLs ---- */

/* New text: %XX as its byte. `+` stays, and so does a `%` that begins no escape. */
tg_text tg_url_decode(tg_text text);
/* New text: all but letters, digits and `-._~` as %XX, so that it can stand in any part of a URL. */
tg_text tg_url_encode(tg_text text);

/* ---- Errors ---- */

typedef enum {
  TG_OK,
  /* Of setters. The message is unchanged. */
  TG_INVALID_NAME,  /* not a token; text is the name */
  TG_INVALID_VALUE, /* it can't stand there; text says why */
  TG_OWNED_BY_HOST, /* the host alone sets this field; text is the name */
  TG_TOO_MANY,      /* the message has as many fields as the host allows */
  /* Of bodies. */
  TG_TOO_LARGE,        /* longer than this plugin may read; limit is the limit in bytes */
  TG_TIMED_OUT,        /* no further byte came in time */
  TG_DISCONNECTED,     /* the peer went away; text is what the host saw */
  TG_ALREADY_STREAMED, /* it has gone on and was not kept */
  /* Of settings. */
  TG_SETTING_MISSING, /* text is the key */
  TG_SETTINGS_FAILED, /* the store failed; text says why */
  /* Of the state; text says why. After the last two a write may have been done. */
  TG_STATE_TOO_LARGE,
  TG_STATE_FULL,
  TG_STATE_NOT_A_NUMBER,
  TG_STATE_TIMED_OUT,
  TG_STATE_UNAVAILABLE,
  /* Of outbound requests; text says why. */
  TG_SEND_DENIED,
  TG_SEND_INVALID_REQUEST,
  TG_SEND_UNRESOLVED,
  TG_SEND_UNREACHABLE,
  TG_SEND_TLS,
  TG_SEND_TIMED_OUT,
  TG_SEND_TOO_LARGE,
  TG_SEND_PROTOCOL,
  TG_SEND_TOO_MANY,
} tg_error_kind;

typedef struct {
  tg_error_kind kind;
  tg_text text;
  uint64_t limit;
} tg_error;

/* The error in words, for a log or for tg_fail_request and tg_fail_response. */
tg_text tg_error_message(tg_error error);
/* The contract's word for an error of the state or of an outbound request, such as `not-a-number`; empty for any other. */
tg_text tg_error_name(tg_error_kind kind);

/* Ends tg_forward_request or tg_return_response with the error of a call, if there is one:
 * TG_TRY_REQUEST(tg_request_set_field(name, value)); */
#define TG_TRY_REQUEST(call)                                                                       \
  do {                                                                                             \
    tg_error tg_tried = (call);                                                                    \
    if (tg_tried.kind != TG_OK)                                                                    \
      return tg_fail_request(tg_error_message(tg_tried));                                          \
  } while (0)
#define TG_TRY_RESPONSE(call)                                                                      \
  do {                                                                                             \
    tg_error tg_tried = (call);                                                                    \
    if (tg_tried.kind != TG_OK)                                                                    \
      return tg_fail_response(tg_error_message(tg_tried));                                         \
  } while (0)

/* ---- Messages ---- */

typedef struct {
  tg_text name;
  tg_text value;
} tg_field;

typedef struct {
  tg_text *items;
  size_t count;
} tg_texts;

typedef struct {
  tg_field *items;
  size_t count;
} tg_fields;

/* The request. Field names match in any case; values are bytes and need not be UTF-8. */
tg_text tg_request_method(void);
TG_MUST_USE tg_error tg_request_set_method(tg_text method);
tg_text tg_request_scheme(void);
tg_text tg_request_authority(void);
/* Sets the field `host` that the backend sees. It does not choose another backend. */
TG_MUST_USE tg_error tg_request_set_authority(tg_text authority);
/* Path and query as on the wire. */
tg_text tg_request_target(void);
TG_MUST_USE tg_error tg_request_set_target(tg_text target);
/* The target up to its '?'. */
tg_text tg_request_path(void);
/* Replaces the path, as it is to stand on the wire, and keeps the query. */
TG_MUST_USE tg_error tg_request_set_path(tg_text path);
/* The target behind its first '?'; empty if it has none. */
tg_text tg_request_query(void);
/* The first value of a parameter of the query, decoded (`+` is a space, %XX a byte); absent if there is none. */
tg_text tg_request_query_param(tg_text name);
/* Every parameter of the query in order, decoded. */
tg_fields tg_request_query_params(void);
/* The first cookie of this name as it was sent; absent if there is none. */
tg_text tg_request_cookie(tg_text name);
/* Every cookie. */
tg_fields tg_request_cookies(void);
/* The first value; absent text if there is none. */
tg_text tg_request_field(tg_text name);
tg_texts tg_request_field_values(tg_text name);
tg_fields tg_request_fields(void);
TG_MUST_USE tg_error tg_request_set_field(tg_text name, tg_text value);
/* Several at once, all or none; names that the list doesn't have are left alone. */
TG_MUST_USE tg_error tg_request_set_fields(const tg_field *fields, size_t count);
TG_MUST_USE tg_error tg_request_append_field(tg_text name, tg_text value);
TG_MUST_USE tg_error tg_request_delete_field(tg_text name);
/* Waits for the whole body and leaves it in place. On an error *body is absent. */
TG_MUST_USE tg_error tg_request_body(tg_text *body);
/* Replaces the body. The host sets content-length, removes content-encoding and digests, and weakens etag. A plugin that gives
 * an encoded body sets content-encoding in the same hook. */
void tg_request_set_body(tg_text body);
/* Whether content-encoding says that the body is compressed or encoded otherwise. */
bool tg_request_is_encoded(void);
/* Asks the backend for a body without content-encoding: sets accept-encoding to identity. For plugins that read or change
 * the response's body. */
TG_MUST_USE tg_error tg_request_accept_identity(void);

/* The response. In tg_forward_request it is an empty 200, which becomes the answer when that hook responds. */
uint16_t tg_response_status(void);
TG_MUST_USE tg_error tg_response_set_status(uint16_t status);
tg_text tg_response_field(tg_text name);
tg_texts tg_response_field_values(tg_text name);
tg_fields tg_response_fields(void);
TG_MUST_USE tg_error tg_response_set_field(tg_text name, tg_text value);
TG_MUST_USE tg_error tg_response_set_fields(const tg_field *fields, size_t count);
TG_MUST_USE tg_error tg_response_append_field(tg_text name, tg_text value);
TG_MUST_USE tg_error tg_response_delete_field(tg_text name);
TG_MUST_USE tg_error tg_response_body(tg_text *body);
void tg_response_set_body(tg_text body);
bool tg_response_is_encoded(void);

/* ---- The exchange ---- */

/* The exchange's name in logs. */
tg_text tg_exchange_id(void);
/* `127.0.0.1:50312` */
tg_text tg_exchange_client_address(void);
/* What a plugin left in this exchange; absent if none did. Begin keys with the plugin's name. */
tg_text tg_exchange_note(tg_text key);
void tg_exchange_set_note(tg_text key, tg_text value);

/* ---- Settings and log ---- */

/* A setting of this plugin: a string as it is, anything else as JSON text. Absent if it is not set or the store
 * failed; tg_setting_or_error tells the two apart. */
tg_text tg_setting(tg_text key);
TG_MUST_USE tg_error tg_setting_or_error(tg_text key, tg_text *value);
/* The same, but one that is not set is an error. */
TG_MUST_USE tg_error tg_require_setting(tg_text key, tg_text *value);
/* Every setting; name is the key. None on an error. */
TG_MUST_USE tg_error tg_settings(tg_fields *settings);

typedef enum { TG_TRACE, TG_DEBUG, TG_INFO, TG_WARN, TG_ERROR, TG_CRITICAL } tg_level;

/* One line for the host's log. */
void tg_log(tg_level level, tg_text line);

/* ---- State ---- */

/* Data that outlives an exchange, in the plugin's bucket. It needs the permission `state`. Each function takes effect at one moment,
 * also between hosts that share a Redis server. `ttl_ms` is a time to live in milliseconds; 0 is for ever. */

/* The value of a key; absent if there is none, it has expired, or on an error. */
TG_MUST_USE tg_error tg_state_get(tg_text key, tg_text *value);
TG_MUST_USE tg_error tg_state_set(tg_text key, tg_text value, uint64_t ttl_ms);
/* `was`, which may be NULL, is whether there was such a key. */
TG_MUST_USE tg_error tg_state_delete(tg_text key, bool *was);
/* Adds to a whole number, written in decimal. An absent key counts as 0. The time to live counts from when the key is created. */
TG_MUST_USE tg_error tg_state_increment(tg_text key, int64_t by, uint64_t ttl_ms, int64_t *sum);
/* Replaces a value if it is as expected. Absent text is an absent key; as the replacement it removes the key. */
TG_MUST_USE tg_error tg_state_compare_and_swap(tg_text key, tg_text expected, tg_text replacement, uint64_t ttl_ms,
                                               bool *swapped);
/* Keys that begin with a prefix, in the order of their bytes, behind `after` (which may be absent), at most `limit` and at most 1000. */
TG_MUST_USE tg_error tg_state_keys(tg_text prefix, tg_text after, uint32_t limit, tg_texts *keys);

/* ---- Outbound requests ---- */

/* They need the permission `http`, which lists where requests may go. A function waits for the whole response. Redirects are not
 * followed. */

typedef struct {
  tg_text method;
  tg_text url; /* absolute, with the scheme http or https */
  const tg_field *fields;
  size_t field_count;
  tg_text body;
  uint32_t timeout_ms; /* of the whole call; 0 is the host's */
} tg_outgoing_request;

/* Names of fields are in lower case. */
typedef struct {
  uint16_t status;
  tg_fields fields;
  tg_text body;
  tg_fields trailers;
} tg_incoming_response;

/* A response, or why there is none. */
typedef struct {
  tg_error error;
  tg_incoming_response response;
} tg_sent;

TG_MUST_USE tg_error tg_send(const tg_outgoing_request *request, tg_incoming_response *response);
/* Sends a GET request. */
TG_MUST_USE tg_error tg_get(tg_text url, tg_incoming_response *response);
/* Sends several at the same time. The results, which are `count`, are in the order of the requests. */
void tg_send_all(const tg_outgoing_request *requests, size_t count, tg_sent *results);
/* The first value of a field, by its name in lower case; absent if there is none. */
tg_text tg_incoming_field(const tg_incoming_response *response, tg_text name);

/* ---- Waiting and metrics ---- */

/* Waits without blocking the host; at most 120 seconds in all in a call of a hook. */
void tg_sleep(uint64_t ms);

/* What the host can't record is a warning in its log. A label is a field; labels may be NULL with a count of 0. Don't use a path, an
 * address or an id as a label's value. */

/* For tg_start. `bounds` are the upper bounds of a histogram's buckets; none are the host's. */
void tg_metric_describe(tg_text name, tg_text help, const double *bounds, size_t count);
/* Adds to a counter. */
void tg_metric_add(tg_text name, double by, const tg_field *labels, size_t count);
/* Sets a gauge. */
void tg_metric_set(tg_text name, double value, const tg_field *labels, size_t count);
/* Records an observation in a histogram. */
void tg_metric_observe(tg_text name, double value, const tg_field *labels, size_t count);

/* ---- Events ---- */

/* Events of an event stream (server-sent events), which are the pieces of a body with TG_EVENTS: lines, and the blank line at the
 * end. */

/* The values of the fields `data` with line feeds between them; absent if there is none. */
tg_text tg_event_data(tg_text event);
/* The value of the last field `event`; absent if there is none or it is empty. */
tg_text tg_event_name(tg_text event);
/* New text: the event with other data, its other lines as they are. */
tg_text tg_event_with_data(tg_text event, tg_text data);
/* New text: an event to be sent. `name` may be absent, and must not have line breaks. */
tg_text tg_event_make(tg_text name, tg_text data);

/* ---- Time and chance ---- */

/* Milliseconds since 1970-01-01T00:00:00Z. */
uint64_t tg_now(void);
/* 64 random bits, cryptographically secure. rand() of the C library gives the same numbers in each instance: seed it with
 * srand((unsigned)tg_random()), or call this. */
uint64_t tg_random(void);
/* New text: so many random bytes. */
tg_text tg_random_bytes(size_t count);

/* ---- What a plugin defines ---- */

/* How a hook ends; made by the functions below. A failure goes to the host, where the plugin's `on-failure`
 * decides; its text goes to the host's log. */
typedef struct {
  bool failed;
  bool responds;
  tg_text error;
} tg_verdict;

typedef struct {
  bool failed;
  tg_text error;
} tg_outcome;

/* Go on to the next plugin and the backend. */
TG_MUST_USE static inline tg_verdict tg_forward(void) { return (tg_verdict){.responds = false}; }
/* Answer with the response as it was set. */
TG_MUST_USE tg_verdict tg_respond(void);
/* Sets status, content-type and body of the response, and answers with it: return tg_answer(…); A tg_forward_request that
 * calls this and then returns tg_forward() fails. */
TG_MUST_USE tg_verdict tg_answer(uint16_t status, tg_text content_type, tg_text body);
TG_MUST_USE static inline tg_verdict tg_fail_request(tg_text error) {
  return (tg_verdict){.failed = true, .error = error};
}
TG_MUST_USE static inline tg_outcome tg_done(void) { return (tg_outcome){.failed = false}; }
TG_MUST_USE static inline tg_outcome tg_fail_response(tg_text error) {
  return (tg_outcome){.failed = true, .error = error};
}

/* Called once for each new instance, before the hooks: the place to read the settings. A failure (tg_fail_response) refuses the
 * plugin, or the changed configuration. There is no exchange yet. Without a definition nothing happens. */
tg_outcome tg_start(void);
/* Called before the backend is asked. Without a definition every request goes on. A plugin that defines neither hook is
 * refused when it is loaded. */
tg_verdict tg_forward_request(void);
/* Called when the response's head is there. Without a definition it stays as it is. */
tg_outcome tg_return_response(void);

/* ---- Bodies that flow ---- */

/* How a body is cut into pieces. */
typedef enum {
  TG_BYTES,    /* as it arrives */
  TG_TEXT,     /* never inside a UTF-8 character */
  TG_LINES,    /* with their line ends */
  TG_EVENTS,   /* of an event stream */
  TG_MESSAGES, /* of gRPC, without their prefix; each tg_emit is one message */
} tg_unit;

/* Whether the plugin wants a body; made by the functions below. */
typedef struct {
  bool failed;
  bool wanted;
  tg_unit unit;
  bool decoded;
  tg_text error;
} tg_wish;

/* What becomes of a piece; made by the functions below. */
typedef struct {
  bool failed;
  uint8_t fate;
  tg_text error;
} tg_fate;

/* The body is given in pieces. `decoded`: content-encoding is undone before the plugin and done again behind it. */
TG_MUST_USE static inline tg_wish tg_want(tg_unit unit, bool decoded) {
  return (tg_wish){.wanted = true, .unit = unit, .decoded = decoded};
}
/* The body is left alone. */
TG_MUST_USE static inline tg_wish tg_leave(void) { return (tg_wish){.wanted = false}; }
TG_MUST_USE static inline tg_wish tg_fail_wish(tg_text error) { return (tg_wish){.failed = true, .error = error}; }
/* The piece goes on as it is, after what was emitted. */
TG_MUST_USE static inline tg_fate tg_keep(void) { return (tg_fate){.fate = 0}; }
/* What was emitted goes on in its place, which may be nothing. */
TG_MUST_USE static inline tg_fate tg_replace(void) { return (tg_fate){.fate = 1}; }
/* What was emitted goes on, then the body ends properly. */
TG_MUST_USE static inline tg_fate tg_stop(void) { return (tg_fate){.fate = 2}; }
/* The message ends visibly broken. */
TG_MUST_USE static inline tg_fate tg_fail_piece(tg_text error) { return (tg_fate){.failed = true, .error = error}; }

/* Sends bytes of the body on, in the functions for pieces and for the end. Waits while the receiver is not ready. */
void tg_emit(tg_text data);

/* Makes the plugin rewrite the bodies of responses on their way to the client, or of requests on their way to the backend. To be written
 * once in plugin.c, with three functions:
 *
 *     static tg_wish begin(void);          called when the head is final, before the first piece
 *     static tg_fate piece(tg_text piece); called for each piece
 *     static tg_outcome end(void);         called when the body is complete, and not after tg_stop()
 *
 *     TG_RESPONSE_BODY(begin, piece, end)
 *
 * An instance has one body at a time, so its state can be in static variables; begin resets them. Text lives until the function
 * in hand returns. A plugin that rewrites bodies needs no hook. */
#define TG_RESPONSE_BODY(begin, piece, end) TG_BODY(response, begin, piece, end)
#define TG_REQUEST_BODY(begin, piece, end) TG_BODY(request, begin, piece, end)

#define TG_BODY(side, begin, piece, end)                                                           \
  const bool tg_has_##side##_body = true;                                                          \
  void *tg_export_##side##_body_begin(void);                                                       \
  void *tg_export_##side##_body_piece(const char *data, size_t size);                              \
  void *tg_export_##side##_body_end(void);                                                         \
  __attribute__((export_name("tollgate:proxy/" #side "-body@0.1.0#begin"))) void *                 \
      tg_export_##side##_body_begin(void) {                                                        \
    tg_call_begins();                                                                              \
    return tg_call_ends_with_wish(begin());                                                        \
  }                                                                                                \
  __attribute__((export_name("tollgate:proxy/" #side "-body@0.1.0#piece"))) void *                 \
      tg_export_##side##_body_piece(const char *data, size_t size) {                               \
    tg_call_with_piece_begins();                                                                   \
    return tg_call_ends_with_fate(piece((tg_text){size == 0 ? "" : data, size}));                  \
  }                                                                                                \
  __attribute__((export_name("tollgate:proxy/" #side "-body@0.1.0#end"))) void *                   \
      tg_export_##side##_body_end(void) {                                                          \
    tg_call_begins();                                                                              \
    return tg_call_ends(end());                                                                    \
  }

/* For these macros alone. */
void tg_call_begins(void);
void tg_call_with_piece_begins(void);
void *tg_call_ends(tg_outcome outcome);
void *tg_call_ends_with_wish(tg_wish wish);
void *tg_call_ends_with_fate(tg_fate fate);
extern const bool tg_has_request_body, tg_has_response_body;

#endif
