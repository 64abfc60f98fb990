/// Plugins for tollgate, the HTTP proxy, in C++23: the contract tollgate:proxy@0.1.0.
///
/// A plugin defines `tollgate::forward_request`, `tollgate::return_response` or both, and calls what else is here. What
/// each function promises stands in wit/.
///
/// Every std::string_view that comes from here lives until the hook in hand returns, and so does what `memory()` gives.
/// What must live longer goes into a std::string or into a note.
///
/// Exceptions are off: what can fail returns std::expected, and a mistake that the standard library finds (or memory that
/// has run out) traps after a line in the host's log.

#ifndef TOLLGATE_HPP
#define TOLLGATE_HPP

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events.hpp"
#include "json.hpp"
#include "url.hpp"

namespace tollgate {

/// A field's name and value; the value is bytes and need not be UTF-8.
struct Field {
  std::string_view name;
  std::string_view value;
};

/// Why a part of a message could not be changed. Nothing was changed.
struct FieldError {
  enum class Kind : std::uint8_t {
    invalid_name,   ///< Not a token; text is the name.
    invalid_value,  ///< It can't stand there; text says why.
    owned_by_host,  ///< The host alone sets this field; text is the name.
    too_many,       ///< The message has as many fields as the host allows.
  };
  Kind kind;
  std::string_view text;

  /// In words.
  std::string message() const;
};

/// Why a body can't be had.
struct BodyError {
  enum class Kind : std::uint8_t {
    too_large,         ///< Longer than this plugin may read.
    timed_out,         ///< No further byte came in time.
    disconnected,      ///< The peer went away; text is what the host saw.
    already_streamed,  ///< It has gone on to its receiver and was not kept.
  };
  Kind kind;
  std::string_view text;
  /// In bytes, of a body that is too large.
  std::uint64_t limit;

  /// In words.
  std::string message() const;
};

/// Why a setting can't be had: it is not set, or the host's store failed. In words.
using SettingsError = std::string;

using Edited = std::expected<void, FieldError>;
using Body = std::expected<std::string_view, BodyError>;

/// An error in words, for `std::unexpected` in a hook.
inline std::string words(const FieldError& error) { return error.message(); }
inline std::string words(const BodyError& error) { return error.message(); }
inline std::string words(std::string error) { return error; }

/// Ends the hook with the error of a call, if there is one: `TOLLGATE_TRY(request::set_field(name, value));`
#define TOLLGATE_TRY(call)                                                        \
  do {                                                                            \
    if (auto tollgate_tried = (call); !tollgate_tried)                            \
      return std::unexpected(tollgate::words(std::move(tollgate_tried).error())); \
  } while (0)

/// Memory until the hook returns, for containers of std::pmr.
std::pmr::memory_resource* memory();

/// The request. Names of fields match in any case.
namespace request {
std::string_view method();
[[nodiscard]] Edited set_method(std::string_view method);
/// `http` or `https`.
std::string_view scheme();
/// The host and port that the client asked for; empty when it sent none.
std::string_view authority();
/// Sets the field `host` that the backend sees. It does not choose another backend.
[[nodiscard]] Edited set_authority(std::string_view authority);
/// Path and query as on the wire.
std::string_view target();
[[nodiscard]] Edited set_target(std::string_view target);
/// The target up to its `?`.
std::string_view path();
/// Replaces the path, as it is to stand on the wire, and keeps the query.
[[nodiscard]] Edited set_path(std::string_view path);
/// The target behind its first `?`; empty if it has none.
std::string_view query();
/// The first value of a parameter of the query, decoded: `+` is a space, `%XX` a byte.
std::optional<std::string> query_param(std::string_view name);
/// The names and values of all parameters of the query in order, decoded.
std::vector<std::pair<std::string, std::string>> query_params();
/// The first cookie of this name as it was sent.
std::optional<std::string_view> cookie(std::string_view name);
/// Every cookie.
std::vector<Field> cookies();

/// The first value.
std::optional<std::string_view> field(std::string_view name);
std::vector<std::string_view> field_values(std::string_view name);
std::vector<Field> fields();
/// Makes this the only value of the field.
[[nodiscard]] Edited set_field(std::string_view name, std::string_view value);
/// Sets several fields, all or none; names that the list doesn't have are left alone.
[[nodiscard]] Edited set_fields(const std::vector<Field>& fields);
[[nodiscard]] Edited append_field(std::string_view name, std::string_view value);
[[nodiscard]] Edited delete_field(std::string_view name);

/// Waits for the whole body and leaves it in place.
[[nodiscard]] Body body();
/// Replaces the body. The host sets `content-length`, removes `content-encoding` and digests, and weakens `etag`. A plugin
/// that gives an encoded body sets `content-encoding` in the same hook.
void set_body(std::string_view body);
/// Whether `content-encoding` says that the body is compressed or encoded otherwise.
bool is_encoded();
/// Asks the backend for a body without `content-encoding`: sets `accept-encoding` to `identity`. For plugins that read or
/// change the response's body.
[[nodiscard]] Edited accept_identity();
}  // namespace request

/// The response. In `forward_request` it is an empty 200, which becomes the answer when that hook responds.
namespace response {
std::uint16_t status();
/// 200 to 599.
[[nodiscard]] Edited set_status(std::uint16_t status);

std::optional<std::string_view> field(std::string_view name);
std::vector<std::string_view> field_values(std::string_view name);
std::vector<Field> fields();
[[nodiscard]] Edited set_field(std::string_view name, std::string_view value);
[[nodiscard]] Edited set_fields(const std::vector<Field>& fields);
[[nodiscard]] Edited append_field(std::string_view name, std::string_view value);
[[nodiscard]] Edited delete_field(std::string_view name);

[[nodiscard]] Body body();
void set_body(std::string_view body);
bool is_encoded();
}  // namespace response

/// Information about the current exchange, and notes, which hold data during the exchange.
namespace exchange {
/// Its name in logs.
std::string_view id();
/// `127.0.0.1:50312`
std::string_view client_address();
/// What a plugin left in this exchange. Begin keys with the plugin's name.
std::optional<std::string_view> note(std::string_view key);
void set_note(std::string_view key, std::string_view value);
}  // namespace exchange

/// The plugin's own settings: a string as it is, anything else as JSON text.
namespace settings {
/// Nothing when it is not set; also when the store failed, which `try_get` tells apart.
std::optional<std::string_view> get(std::string_view key);
std::expected<std::optional<std::string_view>, SettingsError> try_get(std::string_view key);
/// One that must be set.
std::expected<std::string_view, SettingsError> require(std::string_view key);
/// All of them; `name` is the key.
std::expected<std::vector<Field>, SettingsError> all();
}  // namespace settings

/// Lines for the host's log.
namespace log {
void trace(std::string_view line);
void debug(std::string_view line);
void info(std::string_view line);
void warn(std::string_view line);
void error(std::string_view line);
void critical(std::string_view line);
}  // namespace log

/// Why the state could not be read or written; text says it in words.
struct StateError {
  enum class Kind : std::uint8_t {
    too_large,     ///< The key or the value is longer than allowed. Nothing was changed.
    full,          ///< The bucket may not hold more. Nothing was changed.
    not_a_number,  ///< The value is not a whole number, or would not fit into 64 bits. Nothing was changed.
    timed_out,     ///< The store did not answer in time. A write may have been done.
    unavailable,   ///< The store cannot be used at the moment. A write may have been done.
  };
  Kind kind;
  std::string_view text;

  /// The contract's word, such as `not-a-number`.
  std::string_view name() const;
};

/// Why there is no response to an outbound request; text says it in words.
struct SendError {
  enum class Kind : std::uint8_t {
    denied,           ///< The plugin has no permission for this destination, or for its address.
    invalid_request,  ///< The request is not valid.
    unresolved,       ///< The name of the host could not be resolved.
    unreachable,      ///< Nobody answers there.
    tls,              ///< TLS failed.
    timed_out,        ///< It took too long.
    too_large,        ///< Request or response are larger than allowed.
    protocol,         ///< The peer broke the protocol, or ended the connection too early.
    too_many,         ///< Too many calls, or plugins call one another in a circle.
  };
  Kind kind;
  std::string_view text;

  /// The contract's word, such as `timed-out`.
  std::string_view name() const;
};

inline std::string words(const StateError& error) { return std::string(error.text); }
inline std::string words(const SendError& error) { return std::string(error.text); }

template <typename T>
using Kept = std::expected<T, StateError>;

/// A time to live or a limit; 0 is none.
using Milliseconds = std::chrono::milliseconds;

/// Data that outlives an exchange, in the plugin's bucket. It needs the permission `state`. Each function takes effect at one moment, also
/// between hosts that share a Redis server. A time to live of 0 is for ever.
namespace state {
/// The value of a key; nothing if there is none or it has expired.
[[nodiscard]] Kept<std::optional<std::string_view>> get(std::string_view key);
[[nodiscard]] Kept<void> set(std::string_view key, std::string_view value, Milliseconds ttl = {});
/// Removes a key. False if there was none.
[[nodiscard]] Kept<bool> erase(std::string_view key);
/// Adds to a whole number, written in decimal, and gives the sum. An absent key counts as 0. The time to live counts from when the key is
/// created.
[[nodiscard]] Kept<std::int64_t> increment(std::string_view key, std::int64_t by = 1, Milliseconds ttl = {});
/// Replaces a value if it is as expected. Nothing is an absent key; as the replacement it removes the key. False if it was not as
/// expected.
[[nodiscard]] Kept<bool> compare_and_swap(std::string_view key, std::optional<std::string_view> expected,
                                          std::optional<std::string_view> replacement, Milliseconds ttl = {});
/// Keys that begin with a prefix, in the order of their bytes, behind `after`, at most `limit` and at most 1000.
[[nodiscard]] Kept<std::vector<std::string_view>> keys(std::string_view prefix = "", std::optional<std::string_view> after = {},
                                                       std::uint32_t limit = 1000);
}  // namespace state

/// Outbound requests. They need the permission `http`, which lists where requests may go. A function waits for the whole response; a
/// response with any status is one. Redirects are not followed.
namespace client {
struct Request {
  std::string_view url;  ///< Absolute, with the scheme http or https.
  std::string_view method = "GET";
  std::vector<Field> fields = {};
  std::string_view body = "";
  Milliseconds timeout = {};  ///< Of the whole call; 0 is the host's.
};

struct Response {
  std::uint16_t status;
  std::vector<Field> fields;  ///< Names in lower case.
  std::string_view body;
  std::vector<Field> trailers;

  /// The first value of a field, by its name in lower case.
  std::optional<std::string_view> field(std::string_view name) const;
};

using Sent = std::expected<Response, SendError>;

[[nodiscard]] Sent send(const Request& request);
/// Sends a GET request.
[[nodiscard]] Sent get(std::string_view url);
/// Sends several at the same time. The results are in the order of the requests.
[[nodiscard]] std::vector<Sent> send_all(const std::vector<Request>& requests);
}  // namespace client

/// Waits without blocking the host; at most 120 seconds in all in a call of a hook.
void sleep(Milliseconds time);

/// What a plugin counts and measures. What the host can't record is a warning in its log. Don't use a path, an address or an id as a
/// label's value.
namespace metrics {
/// For `start`. The bounds are the upper bounds of a histogram's buckets; none are the host's.
void describe(std::string_view name, std::string_view help, const std::vector<double>& bounds = {});
/// Adds to a counter.
void add(std::string_view name, double by = 1, const std::vector<Field>& labels = {});
/// Sets a gauge.
void set(std::string_view name, double value, const std::vector<Field>& labels = {});
/// Records an observation in a histogram.
void observe(std::string_view name, double value, const std::vector<Field>& labels = {});
}  // namespace metrics

/// Milliseconds since 1970-01-01T00:00:00Z.
std::int64_t now();

/// 64 random bits, cryptographically secure. `rand()` and a default engine of `<random>` give the same numbers in each
/// instance: seed them with this.
std::uint64_t random();
/// So many random bytes.
std::string random_bytes(std::size_t count);

/// What `forward_request` decides.
enum class [[nodiscard]] Verdict : std::uint8_t {
  forward,  ///< Go on to the next plugin and the backend.
  respond,  ///< Answer with the response as it was set.
};

/// The result of a hook: a verdict, or an error text for the log, after which `on-failure` applies.
template <typename T>
using Outcome = std::expected<T, std::string>;

/// Sets status, content-type and body of the response, and answers with it: `return answer(…);` A hook that calls this and
/// then returns `Verdict::forward` fails.
[[nodiscard]] Outcome<Verdict> answer(std::uint16_t status, std::string_view content_type,
                                      std::string_view body);

/// Defined by the plugin; called once for each new instance, before the hooks: the place to read the settings. An error refuses the plugin,
/// or the changed configuration. There is no exchange yet. Without a definition nothing happens.
Outcome<void> start();

/// Defined by the plugin; called before the backend is asked. Without a definition every request goes on. A plugin that
/// defines neither hook is refused when it is loaded.
Outcome<Verdict> forward_request();

/// Defined by the plugin; called when the response's head is there. Without a definition it stays as it is.
Outcome<void> return_response();

/// How a body is cut into pieces.
enum class Unit : std::uint8_t {
  bytes,     ///< As it arrives.
  text,      ///< As it arrives, but never inside a UTF-8 character.
  lines,     ///< Lines with their line ends.
  events,    ///< Events of an event stream: see events.hpp.
  messages,  ///< gRPC messages without their prefix. Each `emit` is one message.
};

/// That a plugin wants a body, and how. `decoded`: `content-encoding` is undone before the plugin and done again behind it.
struct Wish {
  Unit unit = Unit::bytes;
  bool decoded = false;
};

/// What becomes of a piece of a body.
enum class [[nodiscard]] Fate : std::uint8_t {
  keep,     ///< It goes on as it is, after what was emitted.
  replace,  ///< What was emitted goes on in its place, which may be nothing.
  stop,     ///< What was emitted goes on, then the body ends properly.
};

/// Sends bytes of a body on, in a Rewriter. Waits while the receiver is not ready.
void emit(std::string_view data);

/// Rewrites one body. There is a new object for each body, so its members are the state. If a function returns an error, the message ends
/// visibly broken; in `begin` nothing was sent yet, and the plugin's `on-failure` decides.
class Rewriter {
 public:
  virtual ~Rewriter() = default;
  /// Called when the head is final, before the first piece. Nothing leaves this body alone.
  virtual Outcome<std::optional<Wish>> begin() = 0;
  /// Called for each piece.
  virtual Outcome<Fate> piece(std::string_view piece) = 0;
  /// Called when the body is complete, and not after `Fate::stop`: may emit what is left.
  virtual Outcome<void> end() { return {}; }
};

/// What the macros below export.
class BodyExport {
 public:
  explicit BodyExport(std::unique_ptr<Rewriter> (*make)());
  void* begin();
  void* piece(const char* data, std::size_t size);
  void* end();

 private:
  std::unique_ptr<Rewriter> (*make_)();
  std::unique_ptr<Rewriter> body_;
};

}  // namespace tollgate

/// Makes the plugin rewrite the bodies of responses on their way to the client, or of requests on their way to the backend, by a class that
/// derives from tollgate::Rewriter. To be written once, outside of namespaces. A plugin that rewrites bodies needs no hook.
#define TOLLGATE_RESPONSE_BODY(Class) TOLLGATE_BODY(response, Class)
#define TOLLGATE_REQUEST_BODY(Class) TOLLGATE_BODY(request, Class)

#define TOLLGATE_BODY(side, Class)                                                                 \
  static tollgate::BodyExport tollgate_##side##_body(                                              \
      []() -> std::unique_ptr<tollgate::Rewriter> { return std::make_unique<Class>(); });          \
  extern "C" {                                                                                     \
  void* tg_export_##side##_body_begin();                                                           \
  void* tg_export_##side##_body_piece(const char* data, std::size_t size);                         \
  void* tg_export_##side##_body_end();                                                             \
  [[clang::export_name("tollgate:proxy/" #side "-body@0.1.0#begin")]] void*                        \
      tg_export_##side##_body_begin() {                                                            \
    return tollgate_##side##_body.begin();                                                         \
  }                                                                                                \
  [[clang::export_name("tollgate:proxy/" #side "-body@0.1.0#piece")]] void*                        \
      tg_export_##side##_body_piece(const char* data, std::size_t size) {                          \
    return tollgate_##side##_body.piece(data, size);                                               \
  }                                                                                                \
  [[clang::export_name("tollgate:proxy/" #side "-body@0.1.0#end")]] void*                          \
      tg_export_##side##_body_end() {                                                              \
    return tollgate_##side##_body.end();                                                           \
  }                                                                                                \
  }

#endif
