/// State, outbound requests, waiting and metrics.

#include <algorithm>
#include <iterator>

#include "abi.hpp"
#include "memory.hpp"
#include "tollgate.hpp"

namespace tollgate {
namespace {

/// The kinds are in the order of the contract.
std::unexpected<StateError> state_error(const abi::ServiceError& error) {
  return std::unexpected(StateError{static_cast<StateError::Kind>(error.kind), error.text.view()});
}

std::uint64_t ms(Milliseconds time) { return time.count() < 0 ? 0 : static_cast<std::uint64_t>(time.count()); }

/// In the arena, as the host reads it after this has returned.
abi::List<abi::Field> lowered(const std::vector<Field>& fields) {
  auto* list = std::pmr::polymorphic_allocator<abi::Field>(&arena()).allocate(fields.size());
  for (std::size_t i = 0; i < fields.size(); i++)
    list[i] = {abi::Bytes::of(as_utf8(fields[i].name)), abi::Bytes::of(fields[i].value)};
  return {list, fields.size()};
}

std::vector<Field> lifted(const abi::List<abi::Field>& list) {
  std::vector<Field> fields;
  fields.reserve(list.count);
  for (auto& field : list.span()) fields.push_back({field.name.view(), field.value.view()});
  return fields;
}

client::Sent received(const abi::SendResult& area) {
  if (area.failed) {
    auto& error = area.value.error;
    return std::unexpected(SendError{static_cast<SendError::Kind>(error.kind), error.text.view()});
  }
  auto& response = area.value.response;
  return client::Response{response.status, lifted(response.fields), response.body.view(), lifted(response.trailers)};
}

abi::Outgoing lowered(const client::Request& request) {
  auto timeout = std::min<std::uint64_t>(ms(request.timeout), UINT32_MAX);
  return {abi::Bytes::of(as_utf8(request.method)), abi::Bytes::of(as_utf8(request.url)), lowered(request.fields),
          abi::Bytes::of(request.body),            timeout != 0,                         static_cast<std::uint32_t>(timeout)};
}

void record(abi::Measure* measure, std::string_view name, double value, const std::vector<Field>& labels) {
  std::vector<Field> pairs;
  for (auto& label : labels) pairs.push_back({label.name, as_utf8(label.value)});
  auto list = lowered(pairs);
  auto key = as_utf8(name);
  measure(key.data(), key.size(), value, list.items, list.count);
}

}  // namespace

std::string_view StateError::name() const {
  constexpr std::string_view names[] = {"too-large", "full", "not-a-number", "timed-out", "unavailable"};
  auto at = static_cast<std::size_t>(kind);
  return at < std::size(names) ? names[at] : "unknown";
}

std::string_view SendError::name() const {
  constexpr std::string_view names[] = {"denied",    "invalid-request", "unresolved", "unreachable", "tls",
                                        "timed-out", "too-large",       "protocol",   "too-many"};
  auto at = static_cast<std::size_t>(kind);
  return at < std::size(names) ? names[at] : "unknown";
}

namespace state {

Kept<std::optional<std::string_view>> get(std::string_view key) {
  abi::StateResult area;
  auto name = as_utf8(key);
  abi::tg_state_get(name.data(), name.size(), &area);
  if (area.failed) return state_error(area.value.error);
  return area.value.value.view();
}

Kept<void> set(std::string_view key, std::string_view value, Milliseconds ttl) {
  abi::StateResult area;
  auto name = as_utf8(key);
  abi::tg_state_set(name.data(), name.size(), value.data(), value.size(), ms(ttl) != 0, ms(ttl), &area);
  if (area.failed) return state_error(area.value.error);
  return {};
}

Kept<bool> erase(std::string_view key) {
  abi::StateResult area;
  auto name = as_utf8(key);
  abi::tg_state_delete(name.data(), name.size(), &area);
  if (area.failed) return state_error(area.value.error);
  return area.value.is != 0;
}

Kept<std::int64_t> increment(std::string_view key, std::int64_t by, Milliseconds ttl) {
  abi::SumResult area;
  auto name = as_utf8(key);
  abi::tg_state_increment(name.data(), name.size(), by, ms(ttl) != 0, ms(ttl), &area);
  if (area.failed) return state_error(area.value.error);
  return area.value.sum;
}

Kept<bool> compare_and_swap(std::string_view key, std::optional<std::string_view> expected,
                            std::optional<std::string_view> replacement, Milliseconds ttl) {
  abi::StateResult area;
  auto name = as_utf8(key);
  auto before = expected.value_or(""), after = replacement.value_or("");
  abi::tg_state_swap(name.data(), name.size(), expected.has_value(), before.data(), before.size(), replacement.has_value(),
                     after.data(), after.size(), ms(ttl) != 0, ms(ttl), &area);
  if (area.failed) return state_error(area.value.error);
  return area.value.is != 0;
}

Kept<std::vector<std::string_view>> keys(std::string_view prefix, std::optional<std::string_view> after,
                                         std::uint32_t limit) {
  abi::StateResult area;
  auto begin = as_utf8(prefix), behind = as_utf8(after.value_or(""));
  abi::tg_state_keys(begin.data(), begin.size(), after.has_value(), behind.data(), behind.size(), limit, &area);
  if (area.failed) return state_error(area.value.error);
  std::vector<std::string_view> keys;
  for (auto& key : area.value.keys.span()) keys.push_back(key.view());
  return keys;
}

}  // namespace state

namespace client {

std::optional<std::string_view> Response::field(std::string_view name) const {
  for (auto& field : fields)
    if (field.name == name) return field.value;
  return std::nullopt;
}

Sent send(const Request& request) {
  abi::SendResult area;
  auto out = lowered(request);
  abi::tg_client_send(out.method.data, out.method.size, out.url.data, out.url.size, out.fields.items, out.fields.count,
                      out.body.data, out.body.size, out.has_timeout, out.timeout_ms, &area);
  return received(area);
}

Sent get(std::string_view url) { return send({.url = url}); }

std::vector<Sent> send_all(const std::vector<Request>& requests) {
  std::vector<abi::Outgoing> out;
  for (auto& request : requests) out.push_back(lowered(request));
  abi::List<abi::SendResult> area;
  abi::tg_client_send_all(out.data(), out.size(), &area);
  std::vector<Sent> sent;
  for (auto& result : area.span()) sent.push_back(received(result));
  return sent;
}

}  // namespace client

void sleep(Milliseconds time) { abi::tg_timer_sleep(ms(time)); }

namespace metrics {

void describe(std::string_view name, std::string_view help, const std::vector<double>& bounds) {
  auto key = as_utf8(name), text = as_utf8(help);
  abi::tg_metrics_describe(key.data(), key.size(), text.data(), text.size(), bounds.data(), bounds.size());
}

void add(std::string_view name, double by, const std::vector<Field>& labels) {
  record(abi::tg_metrics_add, name, by, labels);
}

void set(std::string_view name, double value, const std::vector<Field>& labels) {
  record(abi::tg_metrics_set, name, value, labels);
}

void observe(std::string_view name, double value, const std::vector<Field>& labels) {
  record(abi::tg_metrics_observe, name, value, labels);
}

}  // namespace metrics

void emit(std::string_view data) { abi::tg_sink_emit(data.data(), data.size()); }

}  // namespace tollgate
