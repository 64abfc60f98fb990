/* The contract's functions as tollgate.h has them; the hooks are in hooks.c. */

#include "abi.h"
#include "memory.h"

/* ---- Results into what tollgate.h has ---- */

/* The host may give any address for an empty text. */
static tg_text present(tg_text text) { return text.data == NULL ? TG("") : text; }

static tg_text text_of(get_text *get) {
  tg_text area;
  get(&area);
  return present(area);
}

static tg_text named(by_name *get, tg_text name) {
  optional_text area;
  tg_text key = tg_as_utf8(name);
  get(key.data, key.size, &area);
  return area.some ? present(area.value) : (tg_text){NULL, 0};
}

static tg_texts all_named(all_by_name *get, tg_text name) {
  tg_texts area;
  tg_text key = tg_as_utf8(name);
  get(key.data, key.size, &area);
  for (size_t i = 0; i < area.count; i++)
    area.items[i] = present(area.items[i]);
  return area;
}

static tg_fields with_present_values(tg_fields fields) {
  for (size_t i = 0; i < fields.count; i++)
    fields.items[i].value = present(fields.items[i].value);
  return fields;
}

static tg_fields fields_of(get_fields *get) {
  tg_fields area;
  get(&area);
  return with_present_values(area);
}

static tg_error edited(const edit_result *area) {
  static const tg_error_kind kinds[] = {TG_INVALID_NAME, TG_INVALID_VALUE, TG_OWNED_BY_HOST,
                                        TG_TOO_MANY};
  if (!area->failed)
    return (tg_error){.kind = TG_OK};
  tg_error_kind kind = kinds[area->error.kind & 3];
  return (tg_error){.kind = kind, .text = kind == TG_TOO_MANY ? TG("") : present(area->error.text)};
}

/* For method, target and authority, which must not silently become another text. */
static tg_error edit_with_text(edit_text *edit, tg_text text) {
  edit_result area;
  if (!tg_is_utf8(text))
    return (tg_error){.kind = TG_INVALID_VALUE, .text = TG("not UTF-8")};
  edit(text.data, text.size, &area);
  return edited(&area);
}

/* A name that is not UTF-8 is no token whatever stands for the bytes, so the host refuses it. */
static tg_error edit_by_name(edit_text *edit, tg_text name) {
  edit_result area;
  tg_text key = tg_as_utf8(name);
  edit(key.data, key.size, &area);
  return edited(&area);
}

static tg_error edit_with_field(edit_field *edit, tg_text name, tg_text value) {
  edit_result area;
  tg_text key = tg_as_utf8(name);
  edit(key.data, key.size, value.data, value.size, &area);
  return edited(&area);
}

static tg_error edit_with_fields(edit_fields *edit, const tg_field *fields, size_t count) {
  edit_result area;
  for (size_t i = 0; i < count; i++)
    if (!tg_is_utf8(fields[i].name))
      return (tg_error){.kind = TG_INVALID_NAME, .text = tg_as_utf8(fields[i].name)};
  edit(fields, count, &area);
  return edited(&area);
}

static tg_error body_of(get_body *get, tg_text *body) {
  body_result area;
  get(&area);
  if (!area.failed) {
    *body = present(area.value.body);
    return (tg_error){.kind = TG_OK};
  }
  *body = (tg_text){NULL, 0};
  switch (area.value.error.kind) {
  case 0:
    return (tg_error){.kind = TG_TOO_LARGE, .limit = area.value.error.of.limit};
  case 1:
    return (tg_error){.kind = TG_TIMED_OUT};
  case 2:
    return (tg_error){.kind = TG_DISCONNECTED, .text = present(area.value.error.of.text)};
  default:
    return (tg_error){.kind = TG_ALREADY_STREAMED};
  }
}

tg_text tg_error_message(tg_error error) {
  switch (error.kind) {
  case TG_OK:
    return TG("no error");
  case TG_INVALID_NAME:
    return tg_concat(TG("not a field name: "), error.text);
  case TG_INVALID_VALUE:
    return tg_concat(TG("invalid value: "), error.text);
  case TG_OWNED_BY_HOST:
    return tg_concat(TG("only the host sets the field "), error.text);
  case TG_TOO_MANY:
    return TG("too many fields");
  case TG_TOO_LARGE:
    return tg_concat(TG("body is longer than "), tg_number(error.limit), TG(" bytes"));
  case TG_TIMED_OUT:
    return TG("body did not come in time");
  case TG_DISCONNECTED:
    return tg_concat(TG("body broke off: "), error.text);
  case TG_ALREADY_STREAMED:
    return TG("body has been streamed already");
  case TG_SETTING_MISSING:
    return tg_concat(TG("setting "), error.text, TG(" is missing"));
  case TG_SETTINGS_FAILED:
    return tg_concat(TG("settings can't be read: "), error.text);
  default:
    /* Of services. */
    return error.text;
  }
}

tg_text tg_error_name(tg_error_kind kind) {
  switch (kind) {
  case TG_STATE_TOO_LARGE:
  case TG_SEND_TOO_LARGE:
    return TG("too-large");
  case TG_STATE_FULL:
    return TG("full");
  case TG_STATE_NOT_A_NUMBER:
    return TG("not-a-number");
  case TG_STATE_TIMED_OUT:
  case TG_SEND_TIMED_OUT:
    return TG("timed-out");
  case TG_STATE_UNAVAILABLE:
    return TG("unavailable");
  case TG_SEND_DENIED:
    return TG("denied");
  case TG_SEND_INVALID_REQUEST:
    return TG("invalid-request");
  case TG_SEND_UNRESOLVED:
    return TG("unresolved");
  case TG_SEND_UNREACHABLE:
    return TG("unreachable");
  case TG_SEND_TLS:
    return TG("tls");
  case TG_SEND_PROTOCOL:
    return TG("protocol");
  case TG_SEND_TOO_MANY:
    return TG("too-many");
  default:
    return TG("");
  }
}

/* ---- The request ---- */

tg_text tg_request_method(void) { return text_of(request_method); }
tg_error tg_request_set_method(tg_text method) {
  return edit_with_text(request_set_method, method);
}
tg_text tg_request_scheme(void) { return text_of(request_scheme); }
tg_text tg_request_authority(void) { return text_of(request_authority); }
tg_error tg_request_set_authority(tg_text authority) {
  return edit_with_text(request_set_authority, authority);
}
tg_text tg_request_target(void) { return text_of(request_target); }
tg_error tg_request_set_target(tg_text target) {
  return edit_with_text(request_set_target, target);
}
tg_text tg_request_path(void) {
  tg_text target = tg_request_target();
  return tg_slice(target, 0, tg_find(target, TG("?")));
}
tg_error tg_request_set_path(tg_text path) {
  if (tg_find(path, TG("?")) != SIZE_MAX || tg_find(path, TG("#")) != SIZE_MAX)
    return (tg_error){.kind = TG_INVALID_VALUE,
                      .text = TG("the path has a ? or #: encode it with tg_url_encode")};
  tg_text target = tg_request_target();
  size_t end = tg_find(target, TG("?"));
  return tg_request_set_target(tg_concat(path, tg_slice(target, end, SIZE_MAX)));
}
tg_text tg_request_query(void) {
  tg_text target = tg_request_target();
  size_t end = tg_find(target, TG("?"));
  return end == SIZE_MAX ? TG("") : tg_slice(target, end + 1, SIZE_MAX);
}
tg_fields tg_request_query_params(void) { return tg_query_pairs(tg_request_query()); }
tg_text tg_request_query_param(tg_text name) {
  return tg_value_of(tg_request_query_params(), name);
}
tg_fields tg_request_cookies(void) { return tg_cookies_of(tg_request_field_values(TG("cookie"))); }
tg_text tg_request_cookie(tg_text name) { return tg_value_of(tg_request_cookies(), name); }
tg_text tg_request_field(tg_text name) { return named(request_field, name); }
tg_texts tg_request_field_values(tg_text name) { return all_named(request_field_values, name); }
tg_fields tg_request_fields(void) { return fields_of(request_fields); }
tg_error tg_request_set_field(tg_text name, tg_text value) {
  return edit_with_field(request_set_field, name, value);
}
tg_error tg_request_set_fields(const tg_field *fields, size_t count) {
  return edit_with_fields(request_set_fields, fields, count);
}
tg_error tg_request_append_field(tg_text name, tg_text value) {
  return edit_with_field(request_append_field, name, value);
}
tg_error tg_request_delete_field(tg_text name) { return edit_by_name(request_delete_field, name); }
tg_error tg_request_body(tg_text *body) { return body_of(request_body, body); }
void tg_request_set_body(tg_text body) { request_set_body(body.data, body.size); }
bool tg_request_is_encoded(void) { return tg_is_coding(tg_request_field(TG("content-encoding"))); }
tg_error tg_request_accept_identity(void) {
  return tg_request_set_field(TG("accept-encoding"), TG("identity"));
}

/* ---- The response ---- */

uint16_t tg_response_status(void) { return (uint16_t)response_status(); }
tg_error tg_response_set_status(uint16_t status) {
  edit_result area;
  response_set_status(status, &area);
  return edited(&area);
}
tg_text tg_response_field(tg_text name) { return named(response_field, name); }
tg_texts tg_response_field_values(tg_text name) { return all_named(response_field_values, name); }
tg_fields tg_response_fields(void) { return fields_of(response_fields); }
tg_error tg_response_set_field(tg_text name, tg_text value) {
  return edit_with_field(response_set_field, name, value);
}
tg_error tg_response_set_fields(const tg_field *fields, size_t count) {
  return edit_with_fields(response_set_fields, fields, count);
}
tg_error tg_response_append_field(tg_text name, tg_text value) {
  return edit_with_field(response_append_field, name, value);
}
tg_error tg_response_delete_field(tg_text name) {
  return edit_by_name(response_delete_field, name);
}
tg_error tg_response_body(tg_text *body) { return body_of(response_body, body); }
void tg_response_set_body(tg_text body) { response_set_body(body.data, body.size); }
bool tg_response_is_encoded(void) {
  return tg_is_coding(tg_response_field(TG("content-encoding")));
}

/* ---- The exchange, settings, log ---- */

tg_text tg_exchange_id(void) { return text_of(exchange_id); }
tg_text tg_exchange_client_address(void) { return text_of(exchange_client_address); }
tg_text tg_exchange_note(tg_text key) { return named(exchange_note, key); }
void tg_exchange_set_note(tg_text key, tg_text value) {
  tg_text name = tg_as_utf8(key);
  exchange_set_note(name.data, name.size, value.data, value.size);
}

tg_error tg_setting_or_error(tg_text key, tg_text *value) {
  setting_result area;
  tg_text name = tg_as_utf8(key);
  store_get(name.data, name.size, &area);
  *value = (tg_text){NULL, 0};
  if (area.failed)
    return (tg_error){.kind = TG_SETTINGS_FAILED, .text = present(area.value.error.text)};
  if (area.value.setting.some)
    *value = present(area.value.setting.value);
  return (tg_error){.kind = TG_OK};
}
tg_text tg_setting(tg_text key) {
  tg_text value;
  (void)tg_setting_or_error(key, &value);
  return value;
}
tg_error tg_require_setting(tg_text key, tg_text *value) {
  tg_error error = tg_setting_or_error(key, value);
  if (error.kind == TG_OK && tg_is_absent(*value))
    return (tg_error){.kind = TG_SETTING_MISSING, .text = key};
  return error;
}
tg_error tg_settings(tg_fields *settings) {
  settings_result area;
  store_get_all(&area);
  *settings = (tg_fields){NULL, 0};
  if (area.failed)
    return (tg_error){.kind = TG_SETTINGS_FAILED, .text = present(area.value.error.text)};
  *settings = with_present_values(area.value.settings);
  return (tg_error){.kind = TG_OK};
}

void tg_log(tg_level level, tg_text line) {
  tg_text message = tg_as_utf8(line);
  logging_log((uint32_t)level, NULL, 0, message.data, message.size);
}

uint64_t tg_now(void) {
  datetime now;
  clock_now(&now);
  return now.seconds * 1000 + now.nanoseconds / 1000000;
}

uint64_t tg_random(void) { return random_u64(); }

tg_text tg_random_bytes(size_t count) {
  tg_text area;
  random_bytes(count, &area);
  return present(area);
}
