/// The contract on the canonical ABI of the component model: each imported function as it is lowered into WebAssembly, and
/// the areas into which the host writes results that don't fit one value.

#ifndef TOLLGATE_ABI_HPP
#define TOLLGATE_ABI_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#define IMPORT(interface, name) [[clang::import_module(interface), clang::import_name(name)]]

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

static_assert(sizeof(void*) == 4, "the contract is bound for wasm32 only");

namespace tollgate::abi {

/// A string or a list<u8>.
struct Bytes {
  const char* data;
  std::size_t size;

  static Bytes of(std::string_view text) { return {text.data(), text.size()}; }
  std::string_view view() const {
    return size == 0 ? std::string_view("") : std::string_view(data, size);
  }
};

struct Field {
  Bytes name;
  Bytes value;
};

template <typename T>
struct List {
  const T* items;
  std::size_t count;

  std::span<const T> span() const {
    return count == 0 ? std::span<const T>() : std::span(items, count);
  }
};

/// option<string> or option<list<u8>>
struct Optional {
  std::uint8_t some;
  Bytes value;

  std::optional<std::string_view> view() const {
    if (!some) return std::nullopt;
    return value.view();
  }
};

/// result<_, field-error>
struct EditResult {
  std::uint8_t failed;
  struct {
    std::uint8_t kind;
    Bytes text;
  } error;
};

/// result<list<u8>, body-error>
struct BodyResult {
  std::uint8_t failed;
  union {
    Bytes body;
    struct {
      std::uint8_t kind;
      union {
        std::uint64_t limit;
        Bytes text;
      } of;
    } error;
  } value;
};

/// An error of the settings; both of its cases hold text.
struct StoreError {
  std::uint8_t kind;
  Bytes text;
};

/// result<option<string>, error>
struct SettingResult {
  std::uint8_t failed;
  union {
    Optional setting;
    StoreError error;
  } value;
};

/// result<list<tuple<string, string>>, error>
struct SettingsResult {
  std::uint8_t failed;
  union {
    List<Field> settings;
    StoreError error;
  } value;
};

/// state-error and send-error: all cases hold text.
struct ServiceError {
  std::uint8_t kind;
  Bytes text;
};

/// result<option<list<u8>>, state-error>, result<bool, …>, result<list<string>, …>, result<_, …>
struct StateResult {
  std::uint8_t failed;
  union {
    Optional value;
    std::uint8_t is;
    List<Bytes> keys;
    ServiceError error;
  } value;
};

/// result<s64, state-error>
struct SumResult {
  std::uint8_t failed;
  union {
    std::int64_t sum;
    ServiceError error;
  } value;
};

/// result<incoming-response, send-error>
struct SendResult {
  std::uint8_t failed;
  union {
    struct {
      std::uint16_t status;
      List<Field> fields;
      Bytes body;
      List<Field> trailers;
    } response;
    ServiceError error;
  } value;
};

/// outgoing-request, in a list
struct Outgoing {
  Bytes method, url;
  List<Field> fields;
  Bytes body;
  std::uint8_t has_timeout;
  std::uint32_t timeout_ms;
};

static_assert(sizeof(StateResult) == 16 && sizeof(SumResult) == 24 && sizeof(SendResult) == 32 && sizeof(Outgoing) == 40);

/// result<verdict, string>, result<option<body-wish>, string>, result<fate, string> or result<_, string>
struct HookResult {
  std::uint8_t failed;
  union {
    std::uint8_t verdict;
    struct {
      std::uint8_t some, unit, decoded;
    } wish;
    Bytes error;
  } value;
};

/// A time of day since 1970.
struct Datetime {
  std::uint64_t seconds;
  std::uint32_t nanoseconds;
};

using GetText = void(Bytes*);
using Find = void(const char*, std::size_t, Optional*);
using FindAll = void(const char*, std::size_t, List<Bytes>*);
using GetFields = void(List<Field>*);
using GetBody = void(BodyResult*);
using EditText = void(const char*, std::size_t, EditResult*);
using EditField = void(const char*, std::size_t, const char*, std::size_t, EditResult*);
using EditFields = void(const Field*, std::size_t, EditResult*);
using GiveBytes = void(const char*, std::size_t);
using Measure = void(const char*, std::size_t, double, const Field*, std::size_t);
using GivePair = void(const char*, std::size_t, const char*, std::size_t);

extern "C" {
IMPORT(REQUEST, "method") GetText tg_request_method;
IMPORT(REQUEST, "set-method") EditText tg_request_set_method;
IMPORT(REQUEST, "scheme") GetText tg_request_scheme;
IMPORT(REQUEST, "authority") GetText tg_request_authority;
IMPORT(REQUEST, "set-authority") EditText tg_request_set_authority;
IMPORT(REQUEST, "target") GetText tg_request_target;
IMPORT(REQUEST, "set-target") EditText tg_request_set_target;
IMPORT(REQUEST, "field") Find tg_request_field;
IMPORT(REQUEST, "field-values") FindAll tg_request_field_values;
IMPORT(REQUEST, "fields") GetFields tg_request_fields;
IMPORT(REQUEST, "set-field") EditField tg_request_set_field;
IMPORT(REQUEST, "set-fields") EditFields tg_request_set_fields;
IMPORT(REQUEST, "append-field") EditField tg_request_append_field;
IMPORT(REQUEST, "delete-field") EditText tg_request_delete_field;
IMPORT(REQUEST, "body") GetBody tg_request_body;
IMPORT(REQUEST, "set-body") GiveBytes tg_request_set_body;

IMPORT(RESPONSE, "status") std::uint32_t tg_response_status();
IMPORT(RESPONSE, "set-status")
void tg_response_set_status(std::uint32_t status, EditResult* area);
IMPORT(RESPONSE, "field") Find tg_response_field;
IMPORT(RESPONSE, "field-values") FindAll tg_response_field_values;
IMPORT(RESPONSE, "fields") GetFields tg_response_fields;
IMPORT(RESPONSE, "set-field") EditField tg_response_set_field;
IMPORT(RESPONSE, "set-fields") EditFields tg_response_set_fields;
IMPORT(RESPONSE, "append-field") EditField tg_response_append_field;
IMPORT(RESPONSE, "delete-field") EditText tg_response_delete_field;
IMPORT(RESPONSE, "body") GetBody tg_response_body;
IMPORT(RESPONSE, "set-body") GiveBytes tg_response_set_body;

IMPORT(EXCHANGE, "id") GetText tg_exchange_id;
IMPORT(EXCHANGE, "client-address") GetText tg_exchange_client_address;
IMPORT(EXCHANGE, "note") Find tg_exchange_note;
IMPORT(EXCHANGE, "set-note") GivePair tg_exchange_set_note;

IMPORT(STORE, "get")
void tg_store_get(const char* key, std::size_t size, SettingResult* area);
IMPORT(STORE, "get-all") void tg_store_get_all(SettingsResult* area);
IMPORT(LOGGING, "log")
void tg_logging_log(std::uint32_t level, const char* context, std::size_t context_size,
                    const char* message, std::size_t message_size);

IMPORT(RANDOM, "get-random-u64") std::uint64_t tg_random_u64();
IMPORT(RANDOM, "get-random-bytes") void tg_random_bytes(std::uint64_t count, Bytes* area);
IMPORT(CLOCK, "now") void tg_clock_now(Datetime* area);

IMPORT(STATE, "get") void tg_state_get(const char* key, std::size_t size, StateResult* area);
IMPORT(STATE, "set")
void tg_state_set(const char* key, std::size_t size, const char* value, std::size_t value_size, std::uint32_t has_ttl,
                  std::uint64_t ttl, StateResult* area);
IMPORT(STATE, "delete") void tg_state_delete(const char* key, std::size_t size, StateResult* area);
IMPORT(STATE, "increment")
void tg_state_increment(const char* key, std::size_t size, std::int64_t by, std::uint32_t has_ttl, std::uint64_t ttl,
                        SumResult* area);
IMPORT(STATE, "compare-and-swap")
void tg_state_swap(const char* key, std::size_t size, std::uint32_t has_expected, const char* expected,
                   std::size_t expected_size, std::uint32_t has_replacement, const char* replacement,
                   std::size_t replacement_size, std::uint32_t has_ttl, std::uint64_t ttl, StateResult* area);
IMPORT(STATE, "keys")
void tg_state_keys(const char* prefix, std::size_t size, std::uint32_t has_after, const char* after,
                   std::size_t after_size, std::uint32_t limit, StateResult* area);

IMPORT(CLIENT, "send")
void tg_client_send(const char* method, std::size_t method_size, const char* url, std::size_t url_size, const Field* fields,
                    std::size_t field_count, const char* body, std::size_t body_size, std::uint32_t has_timeout,
                    std::uint32_t timeout, SendResult* area);
IMPORT(CLIENT, "send-all") void tg_client_send_all(const Outgoing* requests, std::size_t count, List<SendResult>* area);

IMPORT(TIMER, "sleep") void tg_timer_sleep(std::uint64_t ms);

IMPORT(METRICS, "describe")
void tg_metrics_describe(const char* name, std::size_t size, const char* help, std::size_t help_size, const double* bounds,
                         std::size_t count);
IMPORT(METRICS, "add") Measure tg_metrics_add;
IMPORT(METRICS, "set") Measure tg_metrics_set;
IMPORT(METRICS, "observe") Measure tg_metrics_observe;

IMPORT(SINK, "emit") GiveBytes tg_sink_emit;
}

}  // namespace tollgate::abi

#undef IMPORT
#undef REQUEST
#undef RESPONSE
#undef EXCHANGE
#undef STATE
#undef CLIENT
#undef TIMER
#undef METRICS
#undef SINK
#undef STORE
#undef LOGGING
#undef RANDOM
#undef CLOCK

#endif
