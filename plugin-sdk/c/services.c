/* State, outbound requests, waiting and metrics, as tollgate.h has them. */

#include "abi.h"
#include "memory.h"

static tg_text present(tg_text text) { return text.data == NULL ? TG("") : text; }

static const tg_text absent = {NULL, 0};
static const tg_error none = {.kind = TG_OK};

/* The kinds are in the order of the contract; one of a later contract counts as the last. */
static tg_error service(const service_error *error, tg_error_kind first, tg_error_kind last) {
  tg_error_kind kind = (tg_error_kind)(first + error->kind);
  return (tg_error){.kind = kind > last ? last : kind, .text = present(error->text)};
}

static tg_error kept(const state_result *area) {
  return area->failed ? service(&area->value.error, TG_STATE_TOO_LARGE, TG_STATE_UNAVAILABLE) : none;
}

/* ---- State ---- */

tg_error tg_state_get(tg_text key, tg_text *value) {
  state_result area;
  tg_text name = tg_as_utf8(key);
  state_get(name.data, name.size, &area);
  *value = !area.failed && area.value.value.some ? present(area.value.value.value) : absent;
  return kept(&area);
}

tg_error tg_state_set(tg_text key, tg_text value, uint64_t ttl_ms) {
  state_result area;
  tg_text name = tg_as_utf8(key);
  state_set(name.data, name.size, value.data, value.size, ttl_ms != 0, ttl_ms, &area);
  return kept(&area);
}

tg_error tg_state_delete(tg_text key, bool *was) {
  state_result area;
  tg_text name = tg_as_utf8(key);
  state_delete(name.data, name.size, &area);
  if (was != NULL)
    *was = !area.failed && area.value.is;
  return kept(&area);
}

tg_error tg_state_increment(tg_text key, int64_t by, uint64_t ttl_ms, int64_t *sum) {
  sum_result area;
  tg_text name = tg_as_utf8(key);
  state_increment(name.data, name.size, by, ttl_ms != 0, ttl_ms, &area);
  *sum = area.failed ? 0 : area.value.sum;
  return area.failed ? service(&area.value.error, TG_STATE_TOO_LARGE, TG_STATE_UNAVAILABLE) : none;
}

tg_error tg_state_compare_and_swap(tg_text key, tg_text expected, tg_text replacement, uint64_t ttl_ms, bool *swapped) {
  state_result area;
  tg_text name = tg_as_utf8(key);
  state_swap(name.data, name.size, !tg_is_absent(expected), expected.data, expected.size, !tg_is_absent(replacement),
             replacement.data, replacement.size, ttl_ms != 0, ttl_ms, &area);
  *swapped = !area.failed && area.value.is;
  return kept(&area);
}

tg_error tg_state_keys(tg_text prefix, tg_text after, uint32_t limit, tg_texts *keys) {
  state_result area;
  tg_text begin = tg_as_utf8(prefix), behind = tg_is_absent(after) ? after : tg_as_utf8(after);
  state_keys(begin.data, begin.size, !tg_is_absent(behind), behind.data, behind.size, limit, &area);
  *keys = area.failed ? (tg_texts){NULL, 0} : area.value.keys;
  for (size_t i = 0; i < keys->count; i++)
    keys->items[i] = present(keys->items[i]);
  return kept(&area);
}

/* ---- Outbound requests ---- */

static tg_error received(const send_result *area, tg_incoming_response *response) {
  *response = area->failed ? (tg_incoming_response){.body = TG("")} : area->value.response;
  response->body = present(response->body);
  for (size_t i = 0; i < response->fields.count; i++)
    response->fields.items[i].value = present(response->fields.items[i].value);
  for (size_t i = 0; i < response->trailers.count; i++)
    response->trailers.items[i].value = present(response->trailers.items[i].value);
  return area->failed ? service(&area->value.error, TG_SEND_DENIED, TG_SEND_TOO_MANY) : none;
}

/* Method, URL and names of fields are strings of the contract; what is not UTF-8 in them is not valid whatever stands for it. */
static outgoing lowered(const tg_outgoing_request *request) {
  tg_field *fields = tg_alloc(request->field_count * sizeof *fields, _Alignof(tg_field));
  for (size_t i = 0; i < request->field_count; i++)
    fields[i] = (tg_field){tg_as_utf8(request->fields[i].name), request->fields[i].value};
  return (outgoing){tg_as_utf8(request->method), tg_as_utf8(request->url), fields, request->field_count, request->body,
                    request->timeout_ms != 0, request->timeout_ms};
}

tg_error tg_send(const tg_outgoing_request *request, tg_incoming_response *response) {
  send_result area;
  outgoing out = lowered(request);
  client_send(out.method.data, out.method.size, out.url.data, out.url.size, out.fields, out.field_count, out.body.data,
              out.body.size, out.has_timeout, out.timeout_ms, &area);
  return received(&area, response);
}

tg_error tg_get(tg_text url, tg_incoming_response *response) {
  return tg_send(&(tg_outgoing_request){.method = TG("GET"), .url = url}, response);
}

void tg_send_all(const tg_outgoing_request *requests, size_t count, tg_sent *results) {
  outgoing *out = tg_alloc(count * sizeof *out, _Alignof(outgoing));
  for (size_t i = 0; i < count; i++)
    out[i] = lowered(&requests[i]);
  send_results area;
  client_send_all(out, count, &area);
  for (size_t i = 0; i < count && i < area.count; i++)
    results[i].error = received(&area.items[i], &results[i].response);
}

tg_text tg_incoming_field(const tg_incoming_response *response, tg_text name) {
  return tg_value_of(response->fields, name);
}

/* ---- Waiting, metrics and bodies ---- */

void tg_sleep(uint64_t ms) { timer_sleep(ms); }

void tg_metric_describe(tg_text name, tg_text help, const double *bounds, size_t count) {
  tg_text key = tg_as_utf8(name), text = tg_as_utf8(help);
  metrics_describe(key.data, key.size, text.data, text.size, bounds, count);
}

static void recorded(measure *record, tg_text name, double value, const tg_field *labels, size_t count) {
  tg_text key = tg_as_utf8(name);
  tg_field *pairs = tg_alloc(count * sizeof *pairs, _Alignof(tg_field));
  for (size_t i = 0; i < count; i++)
    pairs[i] = (tg_field){tg_as_utf8(labels[i].name), tg_as_utf8(labels[i].value)};
  record(key.data, key.size, value, pairs, count);
}

void tg_metric_add(tg_text name, double by, const tg_field *labels, size_t count) {
  recorded(metrics_add, name, by, labels, count);
}

void tg_metric_set(tg_text name, double value, const tg_field *labels, size_t count) {
  recorded(metrics_set, name, value, labels, count);
}

void tg_metric_observe(tg_text name, double value, const tg_field *labels, size_t count) {
  recorded(metrics_observe, name, value, labels, count);
}

void tg_emit(tg_text data) { sink_emit(data.data, data.size); }
