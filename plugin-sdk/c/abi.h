/* The contract on the canonical ABI of the component model: each imported function as it is lowered into WebAssembly, and the
 * areas into which the host writes results that don't fit one value. Texts and lists in them lie in memory that the host got
 * from cabi_realloc. */

#ifndef TOLLGATE_ABI_H
#define TOLLGATE_ABI_H

#include "tollgate.h"

#define IMPORT(interface, name) __attribute__((import_module(interface), import_name(name))) extern

#define REQUEST "tollgate:proxy/request@0.1.0"
#define RESPONSE "tollgate:proxy/response@0.1.0"
#define EXCHANGE "tollgate:proxy/exchange@0.1.0"
#define STATE "tollgate:proxy/state@0.1.0"
#define CLIENT "tollgate:proxy/client@0.1.0"
#define TIMER "tollgate:proxy/timer@0.1.0"
#define METRICS "tollgate:proxy/metrics@0.1.0"
#define SINK "tollgate:proxy/body-sink@0.1.0"
#define STORE "wasi:config/store@0.2.0-rc.1"
#define LOGGING "wasi:logging/logging@0.1.0-draft"
#define RANDOM "wasi:random/random@0.2.0"
#define CLOCK "wasi:clocks/wall-clock@0.2.0"

_Static_assert(sizeof(void *) == 4, "the contract is bound for wasm32 only");

/* ---- Areas for results ---- */

/* list<tuple<string, list<u8>>>; tg_field has the layout of an item, tg_text that of a string and of a list<u8>. */
_Static_assert(sizeof(tg_text) == 8 && sizeof(tg_field) == 16,
               "texts and fields are laid out as the contract has them");

typedef struct {
  uint8_t some;
  tg_text value;
} optional_text;

/* result<_, field-error> */
typedef struct {
  uint8_t failed;
  struct {
    uint8_t kind;
    tg_text text;
  } error;
} edit_result;

/* result<list<u8>, body-error> */
typedef struct {
  uint8_t failed;
  union {
    tg_text body;
    struct {
      uint8_t kind;
      union {
        uint64_t limit;
        tg_text text;
      } of;
    } error;
  } value;
} body_result;

/* A variant error of the settings; both cases hold text. */
typedef struct {
  uint8_t kind;
  tg_text text;
} store_error;

/* result<option<string>, error> */
typedef struct {
  uint8_t failed;
  union {
    optional_text setting;
    store_error error;
  } value;
} setting_result;

/* result<list<tuple<string, string>>, error> */
typedef struct {
  uint8_t failed;
  union {
    tg_fields settings;
    store_error error;
  } value;
} settings_result;

/* result<verdict, string>, result<option<body-wish>, string>, result<fate, string> and result<_, string> */
typedef struct {
  uint8_t failed;
  union {
    uint8_t responds;
    struct {
      uint8_t some, unit, decoded;
    } wish;
    uint8_t fate;
    tg_text error;
  } value;
} hook_result;

/* state-error and send-error: all cases hold text. */
typedef struct {
  uint8_t kind;
  tg_text text;
} service_error;

/* result<option<list<u8>>, state-error>, result<bool, state-error>, result<list<string>, state-error>, result<_, state-error> */
typedef struct {
  uint8_t failed;
  union {
    optional_text value;
    uint8_t is;
    tg_texts keys;
    service_error error;
  } value;
} state_result;

/* result<s64, state-error> */
typedef struct {
  uint8_t failed;
  union {
    int64_t sum;
    service_error error;
  } value;
} sum_result;

/* result<incoming-response, send-error>; tg_incoming_response has the layout of the record. */
typedef struct {
  uint8_t failed;
  union {
    tg_incoming_response response;
    service_error error;
  } value;
} send_result;

/* outgoing-request, in a list */
typedef struct {
  tg_text method, url;
  const tg_field *fields;
  size_t field_count;
  tg_text body;
  uint8_t has_timeout;
  uint32_t timeout_ms;
} outgoing;

_Static_assert(sizeof(state_result) == 16 && sizeof(sum_result) == 24 && sizeof(send_result) == 32 && sizeof(outgoing) == 40,
               "results of services are laid out as the contract has them");

typedef struct {
  send_result *items;
  size_t count;
} send_results;

/* ---- Imports ---- */

typedef void get_text(tg_text *area);
typedef void get_fields(tg_fields *area);
typedef void get_body(body_result *area);
typedef void by_name(const char *name, size_t size, optional_text *area);
typedef void all_by_name(const char *name, size_t size, tg_texts *area);
typedef void edit_text(const char *data, size_t size, edit_result *area);
typedef void edit_field(const char *name, size_t name_size, const char *value, size_t value_size,
                        edit_result *area);
typedef void edit_fields(const tg_field *items, size_t count, edit_result *area);
typedef void give_bytes(const char *data, size_t size);

IMPORT(REQUEST, "method") get_text request_method;
IMPORT(REQUEST, "set-method") edit_text request_set_method;
IMPORT(REQUEST, "scheme") get_text request_scheme;
IMPORT(REQUEST, "authority") get_text request_authority;
IMPORT(REQUEST, "set-authority") edit_text request_set_authority;
IMPORT(REQUEST, "target") get_text request_target;
IMPORT(REQUEST, "set-target") edit_text request_set_target;
IMPORT(REQUEST, "field") by_name request_field;
IMPORT(REQUEST, "field-values") all_by_name request_field_values;
IMPORT(REQUEST, "fields") get_fields request_fields;
IMPORT(REQUEST, "set-field") edit_field request_set_field;
IMPORT(REQUEST, "set-fields") edit_fields request_set_fields;
IMPORT(REQUEST, "append-field") edit_field request_append_field;
IMPORT(REQUEST, "delete-field") edit_text request_delete_field;
IMPORT(REQUEST, "body") get_body request_body;
IMPORT(REQUEST, "set-body") give_bytes request_set_body;

IMPORT(RESPONSE, "status") uint32_t response_status(void);
IMPORT(RESPONSE, "set-status")
void response_set_status(uint32_t status, edit_result *area);
IMPORT(RESPONSE, "field") by_name response_field;
IMPORT(RESPONSE, "field-values") all_by_name response_field_values;
IMPORT(RESPONSE, "fields") get_fields response_fields;
IMPORT(RESPONSE, "set-field") edit_field response_set_field;
IMPORT(RESPONSE, "set-fields") edit_fields response_set_fields;
IMPORT(RESPONSE, "append-field") edit_field response_append_field;
IMPORT(RESPONSE, "delete-field") edit_text response_delete_field;
IMPORT(RESPONSE, "body") get_body response_body;
IMPORT(RESPONSE, "set-body") give_bytes response_set_body;

IMPORT(EXCHANGE, "id") get_text exchange_id;
IMPORT(EXCHANGE, "client-address") get_text exchange_client_address;
IMPORT(EXCHANGE, "note") by_name exchange_note;
IMPORT(EXCHANGE, "set-note")
void exchange_set_note(const char *key, size_t key_size, const char *value, size_t value_size);

IMPORT(STORE, "get")
void store_get(const char *key, size_t size, setting_result *area);
IMPORT(STORE, "get-all") void store_get_all(settings_result *area);
IMPORT(LOGGING, "log")
void logging_log(uint32_t level, const char *context, size_t context_size, const char *message,
                 size_t message_size);

/* A time of day since 1970. */
typedef struct {
  uint64_t seconds;
  uint32_t nanoseconds;
} datetime;

IMPORT(RANDOM, "get-random-u64") uint64_t random_u64(void);
IMPORT(RANDOM, "get-random-bytes") void random_bytes(uint64_t count, tg_text *area);
IMPORT(CLOCK, "now") void clock_now(datetime *area);

IMPORT(STATE, "get") void state_get(const char *key, size_t size, state_result *area);
IMPORT(STATE, "set")
void state_set(const char *key, size_t size, const char *value, size_t value_size, uint32_t has_ttl, uint64_t ttl, state_result *area);
IMPORT(STATE, "delete") void state_delete(const char *key, size_t size, state_result *area);
IMPORT(STATE, "increment")
void state_increment(const char *key, size_t size, int64_t by, uint32_t has_ttl, uint64_t ttl, sum_result *area);
IMPORT(STATE, "compare-and-swap")
void state_swap(const char *key, size_t size, uint32_t has_expected, const char *expected, size_t expected_size,
                uint32_t has_replacement, const char *replacement, size_t replacement_size, uint32_t has_ttl, uint64_t ttl,
                state_result *area);
IMPORT(STATE, "keys")
void state_keys(const char *prefix, size_t size, uint32_t has_after, const char *after, size_t after_size, uint32_t limit,
                state_result *area);

IMPORT(CLIENT, "send")
void client_send(const char *method, size_t method_size, const char *url, size_t url_size, const tg_field *fields,
                 size_t field_count, const char *body, size_t body_size, uint32_t has_timeout, uint32_t timeout, send_result *area);
IMPORT(CLIENT, "send-all") void client_send_all(const outgoing *requests, size_t count, send_results *area);

IMPORT(TIMER, "sleep") void timer_sleep(uint64_t ms);

typedef void measure(const char *name, size_t size, double value, const tg_field *labels, size_t count);
IMPORT(METRICS, "describe")
void metrics_describe(const char *name, size_t size, const char *help, size_t help_size, const double *bounds, size_t count);
IMPORT(METRICS, "add") measure metrics_add;
IMPORT(METRICS, "set") measure metrics_set;
IMPORT(METRICS, "observe") measure metrics_observe;

IMPORT(SINK, "emit") give_bytes sink_emit;

#endif
