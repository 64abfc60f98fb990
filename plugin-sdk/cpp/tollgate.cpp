/// The contract's functions as C++ has them; the hooks are in hooks.cpp.

#include "tollgate.hpp"

#include <algorithm>

#include "abi.hpp"
#include "memory.hpp"
#include "utf8.hpp"

namespace tollgate {
namespace {

std::string_view get(abi::GetText* get) {
  abi::Bytes area;
  get(&area);
  return area.view();
}

std::optional<std::string_view> find(abi::Find* find, std::string_view name) {
  abi::Optional area;
  auto key = as_utf8(name);
  find(key.data(), key.size(), &area);
  return area.view();
}

std::vector<std::string_view> find_all(abi::FindAll* find, std::string_view name) {
  abi::List<abi::Bytes> area;
  auto key = as_utf8(name);
  find(key.data(), key.size(), &area);
  std::vector<std::string_view> values;
  values.reserve(area.count);
  for (auto& value : area.span()) values.push_back(value.view());
  return values;
}

std::vector<Field> fields_of(const abi::List<abi::Field>& list) {
  std::vector<Field> fields;
  fields.reserve(list.count);
  for (auto& field : list.span()) fields.push_back({field.name.view(), field.value.view()});
  return fields;
}

std::vector<Field> get_fields(abi::GetFields* get) {
  abi::List<abi::Field> area;
  get(&area);
  return fields_of(area);
}

Edited edited(const abi::EditResult& area) {
  if (!area.failed) return {};
  auto kind = static_cast<FieldError::Kind>(area.error.kind);
  bool has_text = kind != FieldError::Kind::too_many;
  return std::unexpected(FieldError{kind, has_text ? area.error.text.view() : ""});
}

/// For method, target and authority, which must not silently become another text.
Edited edit_text(abi::EditText* edit, std::string_view text) {
  if (utf8::prefix(text) != text.size())
    return std::unexpected(FieldError{FieldError::Kind::invalid_value, "not UTF-8"});
  abi::EditResult area;
  edit(text.data(), text.size(), &area);
  return edited(area);
}

/// A name that is not UTF-8 is no token whatever stands for the bytes, so the host refuses it.
Edited edit_by_name(abi::EditText* edit, std::string_view name) {
  return edit_text(edit, as_utf8(name));
}

Edited edit_field(abi::EditField* edit, std::string_view name, std::string_view value) {
  abi::EditResult area;
  auto key = as_utf8(name);
  edit(key.data(), key.size(), value.data(), value.size(), &area);
  return edited(area);
}

Edited edit_fields(abi::EditFields* edit, const std::vector<Field>& fields) {
  std::vector<abi::Field> list;
  list.reserve(fields.size());
  for (auto& field : fields)
    list.push_back({abi::Bytes::of(as_utf8(field.name)), abi::Bytes::of(field.value)});
  abi::EditResult area;
  edit(list.data(), list.size(), &area);
  return edited(area);
}

Body get_body(abi::GetBody* get) {
  abi::BodyResult area;
  get(&area);
  if (!area.failed) return area.value.body.view();
  auto& error = area.value.error;
  auto kind = static_cast<BodyError::Kind>(error.kind);
  BodyError read{kind, "", 0};
  if (kind == BodyError::Kind::too_large) read.limit = error.of.limit;
  if (kind == BodyError::Kind::disconnected) read.text = error.of.text.view();
  return std::unexpected(read);
}

SettingsError unreadable(const abi::StoreError& error) {
  return std::string("settings can't be read: ").append(error.text.view());
}

enum class Level : std::uint32_t { trace, debug, info, warn, error, critical };

void write(Level level, std::string_view line) {
  auto message = as_utf8(line);
  abi::tg_logging_log(static_cast<std::uint32_t>(level), "", 0, message.data(), message.size());
}

}  // namespace

std::string FieldError::message() const {
  switch (kind) {
    case Kind::invalid_name:
      return std::string("not a field name: ").append(text);
    case Kind::invalid_value:
      return std::string("invalid value: ").append(text);
    case Kind::owned_by_host:
      return std::string("only the host sets the field ").append(text);
    case Kind::too_many:
      return "too many fields";
  }
  return "unknown error";
}

std::string BodyError::message() const {
  switch (kind) {
    case Kind::too_large:
      return "body is longer than " + std::to_string(limit) + " bytes";
    case Kind::timed_out:
      return "body did not come in time";
    case Kind::disconnected:
      return std::string("body broke off: ").append(text);
    case Kind::already_streamed:
      return "body has been streamed already";
  }
  return "unknown error";
}

namespace request {
std::string_view method() { return get(abi::tg_request_method); }
Edited set_method(std::string_view method) { return edit_text(abi::tg_request_set_method, method); }
std::string_view scheme() { return get(abi::tg_request_scheme); }
std::string_view authority() { return get(abi::tg_request_authority); }
Edited set_authority(std::string_view authority) {
  return edit_text(abi::tg_request_set_authority, authority);
}
std::string_view target() { return get(abi::tg_request_target); }
Edited set_target(std::string_view target) { return edit_text(abi::tg_request_set_target, target); }
std::string_view path() {
  auto whole = target();
  return whole.substr(0, whole.find('?'));
}
Edited set_path(std::string_view path) {
  if (path.find_first_of("?#") != path.npos)
    return std::unexpected(FieldError{FieldError::Kind::invalid_value,
                                      "the path has a ? or #: encode it with url::encode"});
  auto whole = target();
  auto end = std::min(whole.find('?'), whole.size());
  return set_target(std::string(path).append(whole.substr(end)));
}
std::string_view query() {
  auto whole = target();
  auto end = whole.find('?');
  return end == whole.npos ? "" : whole.substr(end + 1);
}
std::optional<std::string> query_param(std::string_view name) {
  for (auto& [found, value] : query_params())
    if (found == name) return value;
  return std::nullopt;
}
std::vector<std::pair<std::string, std::string>> query_params() {
  return url::query_params(query());
}
std::optional<std::string_view> cookie(std::string_view name) {
  for (auto& [found, value] : cookies())
    if (found == name) return value;
  return std::nullopt;
}
std::vector<Field> cookies() {
  std::vector<Field> all;
  for (auto field : field_values("cookie"))
    for (auto [name, value] : url::cookies(field)) all.push_back({name, value});
  return all;
}
std::optional<std::string_view> field(std::string_view name) {
  return find(abi::tg_request_field, name);
}
std::vector<std::string_view> field_values(std::string_view name) {
  return find_all(abi::tg_request_field_values, name);
}
std::vector<Field> fields() { return get_fields(abi::tg_request_fields); }
Edited set_field(std::string_view name, std::string_view value) {
  return edit_field(abi::tg_request_set_field, name, value);
}
Edited set_fields(const std::vector<Field>& fields) {
  return edit_fields(abi::tg_request_set_fields, fields);
}
Edited append_field(std::string_view name, std::string_view value) {
  return edit_field(abi::tg_request_append_field, name, value);
}
Edited delete_field(std::string_view name) {
  return edit_by_name(abi::tg_request_delete_field, name);
}
Body body() { return get_body(abi::tg_request_body); }
void set_body(std::string_view body) { abi::tg_request_set_body(body.data(), body.size()); }
bool is_encoded() { return url::is_coding(field("content-encoding").value_or("")); }
Edited accept_identity() { return set_field("accept-encoding", "identity"); }
}  // namespace request

namespace response {
std::uint16_t status() { return static_cast<std::uint16_t>(abi::tg_response_status()); }
Edited set_status(std::uint16_t status) {
  abi::EditResult area;
  abi::tg_response_set_status(status, &area);
  return edited(area);
}
std::optional<std::string_view> field(std::string_view name) {
  return find(abi::tg_response_field, name);
}
std::vector<std::string_view> field_values(std::string_view name) {
  return find_all(abi::tg_response_field_values, name);
}
std::vector<Field> fields() { return get_fields(abi::tg_response_fields); }
Edited set_field(std::string_view name, std::string_view value) {
  return edit_field(abi::tg_response_set_field, name, value);
}
Edited set_fields(const std::vector<Field>& fields) {
  return edit_fields(abi::tg_response_set_fields, fields);
}
Edited append_field(std::string_view name, std::string_view value) {
  return edit_field(abi::tg_response_append_field, name, value);
}
Edited delete_field(std::string_view name) {
  return edit_by_name(abi::tg_response_delete_field, name);
}
Body body() { return get_body(abi::tg_response_body); }
void set_body(std::string_view body) { abi::tg_response_set_body(body.data(), body.size()); }
bool is_encoded() { return url::is_coding(field("content-encoding").value_or("")); }
}  // namespace response

namespace exchange {
std::string_view id() { return get(abi::tg_exchange_id); }
std::string_view client_address() { return get(abi::tg_exchange_client_address); }
std::optional<std::string_view> note(std::string_view key) {
  return find(abi::tg_exchange_note, key);
}
void set_note(std::string_view key, std::string_view value) {
  auto name = as_utf8(key);
  abi::tg_exchange_set_note(name.data(), name.size(), value.data(), value.size());
}
}  // namespace exchange

namespace settings {
std::optional<std::string_view> get(std::string_view key) {
  return try_get(key).value_or(std::nullopt);
}
std::expected<std::optional<std::string_view>, SettingsError> try_get(std::string_view key) {
  abi::SettingResult area;
  auto name = as_utf8(key);
  abi::tg_store_get(name.data(), name.size(), &area);
  if (area.failed) return std::unexpected(unreadable(area.value.error));
  return area.value.setting.view();
}
std::expected<std::string_view, SettingsError> require(std::string_view key) {
  auto value = try_get(key);
  if (!value) return std::unexpected(value.error());
  if (!*value) return std::unexpected(std::string("setting ").append(key).append(" is missing"));
  return **value;
}
std::expected<std::vector<Field>, SettingsError> all() {
  abi::SettingsResult area;
  abi::tg_store_get_all(&area);
  if (area.failed) return std::unexpected(unreadable(area.value.error));
  return fields_of(area.value.settings);
}
}  // namespace settings

namespace log {
void trace(std::string_view line) { write(Level::trace, line); }
void debug(std::string_view line) { write(Level::debug, line); }
void info(std::string_view line) { write(Level::info, line); }
void warn(std::string_view line) { write(Level::warn, line); }
void error(std::string_view line) { write(Level::error, line); }
void critical(std::string_view line) { write(Level::critical, line); }
}  // namespace log

std::int64_t now() {
  abi::Datetime now;
  abi::tg_clock_now(&now);
  return static_cast<std::int64_t>(now.seconds * 1000 + now.nanoseconds / 1000000);
}

std::uint64_t random() { return abi::tg_random_u64(); }

std::string random_bytes(std::size_t count) {
  abi::Bytes area;
  abi::tg_random_bytes(count, &area);
  return std::string(area.view());
}

}  // namespace tollgate
