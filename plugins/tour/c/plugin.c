/* The tour of the contract: the plugin that plugins/tour has in every language, all of which must behave alike. */

#include "tollgate.h"

#include <stdlib.h>
#include <string.h>

#define LOOKUP_TIMEOUT_MS 2000
#define MS_PER_SECOND 1000

/* The settings, which are read when an instance starts. */
static tg_text mark, lookup;
static uint64_t window_ms, delay_ms;

/* How many events the stream in hand has had. */
static uint32_t events;

/* A copy that outlives the call; absent text stays absent. */
static tg_text kept(tg_text text) {
  if (tg_is_absent(text))
    return text;
  char *copy = malloc(text.size + 1);
  if (copy == NULL)
    abort();
  memcpy(copy, text.data, text.size);
  return (tg_text){copy, text.size};
}

/* A number in at most five decimal digits. What is not set is 0. */
static bool whole(tg_text text, uint64_t least, uint64_t most, uint64_t *number) {
  *number = 0;
  if (tg_is_absent(text))
    return true;
  if (text.size == 0 || text.size > 5)
    return false;
  for (size_t i = 0; i < text.size; i++) {
    if (text.data[i] < '0' || text.data[i] > '9')
      return false;
    *number = *number * 10 + (uint64_t)(text.data[i] - '0');
  }
  return *number >= least && *number <= most;
}

tg_outcome tg_start(void) {
  static const double bounds[] = {1, 10, 100, 1000};
  tg_text setting = tg_setting(TG("mark"));
  mark = tg_is_absent(setting) ? TG("none") : kept(setting);
  if (!whole(tg_setting(TG("window")), 1, 86400, &window_ms))
    return tg_fail_response(TG("window: expected whole seconds from 1 to 86400"));
  window_ms *= MS_PER_SECOND;
  if (!whole(tg_setting(TG("delay")), 0, 60000, &delay_ms))
    return tg_fail_response(TG("delay: expected whole milliseconds from 0 to 60000"));
  lookup = kept(tg_setting(TG("lookup")));
  if (!tg_is_absent(lookup) && !tg_starts_with(lookup, TG("http://")) && !tg_starts_with(lookup, TG("https://")))
    return tg_fail_response(TG("lookup: expected a URL with http or https"));
  tg_metric_describe(TG("tour_responses"), TG("Responses by class of status"), NULL, 0);
  tg_metric_describe(TG("tour_stream_events"), TG("Events of a stream"), bounds, 4);
  return tg_done();
}

/* A number with its sign. */
static tg_text decimal(int64_t number) {
  return number < 0 ? tg_concat(TG("-"), tg_number(0 - (uint64_t)number)) : tg_number((uint64_t)number);
}

/* How many requests the client has sent in its window, or `unknown`. */
static tg_text count(void) {
  tg_text address = tg_exchange_client_address();
  size_t port = address.size;
  while (port > 0 && address.data[port - 1] != ':')
    port--;
  tg_text key = tg_concat(TG("count "), tg_slice(address, 0, port == 0 ? 0 : port - 1));
  int64_t sum;
  tg_error error = tg_state_increment(key, 1, window_ms, &sum);
  if (error.kind == TG_OK)
    return decimal(sum);
  tg_log(TG_WARN, tg_concat(TG("count: "), tg_error_name(error.kind)));
  return TG("unknown");
}

/* What a server says, or `failed`. */
static tg_text answer_to_lookup(void) {
  tg_field fields[] = {{TG("x-tour"), mark}};
  tg_outgoing_request request = {
      .method = TG("GET"), .url = lookup, .fields = fields, .field_count = 1, .timeout_ms = LOOKUP_TIMEOUT_MS};
  tg_incoming_response response;
  tg_error error = tg_send(&request, &response);
  if (error.kind == TG_OK && response.status == 200)
    return response.body;
  if (error.kind == TG_OK)
    tg_log(TG_WARN, tg_concat(TG("lookup: status "), tg_number(response.status)));
  else
    tg_log(TG_WARN, tg_concat(TG("lookup: "), tg_error_name(error.kind)));
  return TG("failed");
}

tg_verdict tg_forward_request(void) {
  tg_log(TG_INFO, tg_concat(TG("forward "), tg_request_method(), TG(" "), tg_request_target()));
  if (tg_request_set_field(TG("x-tour"), mark).kind != TG_OK)
    return tg_fail_request(TG("x-tour: refused"));
  if (tg_equal(tg_request_path(), TG("/tour")))
    return tg_answer(200, TG("text/plain; charset=utf-8"), tg_concat(TG("tour: "), mark, TG("\n")));
  if (window_ms != 0 && tg_request_set_field(TG("x-tour-count"), count()).kind != TG_OK)
    return tg_fail_request(TG("x-tour-count: refused"));
  if (delay_ms != 0)
    tg_sleep(delay_ms);
  if (!tg_is_absent(lookup) && tg_request_set_field(TG("x-tour-lookup"), answer_to_lookup()).kind != TG_OK)
    return tg_fail_request(TG("x-tour-lookup: refused"));
  return tg_forward();
}

/* The value of the member `greeting` becomes the mark. */
static void greet(void) {
  tg_text body;
  if (tg_response_body(&body).kind != TG_OK) {
    tg_log(TG_WARN, TG("body: not available"));
    return;
  }
  tg_text replaced = tg_json_replace(body, TG("greeting"), tg_json_string(mark));
  if (!tg_is_absent(replaced))
    tg_response_set_body(replaced);
}

tg_outcome tg_return_response(void) {
  if (tg_response_set_field(TG("x-tour"), mark).kind != TG_OK)
    return tg_fail_response(TG("x-tour: refused"));
  if (tg_starts_with(tg_response_field(TG("content-type")), TG("application/json")))
    greet();
  uint16_t status = tg_response_status();
  tg_field class = {TG("class"), tg_concat(tg_number(status / 100), TG("xx"))};
  tg_metric_add(TG("tour_responses"), 1, &class, 1);
  tg_log(TG_INFO, tg_concat(TG("return "), tg_number(status)));
  return tg_done();
}

/* In event streams a greeting becomes the mark. */
static tg_wish begin(void) {
  events = 0;
  tg_text type = tg_response_field(TG("content-type"));
  return tg_starts_with(type, TG("text/event-stream")) ? tg_want(TG_EVENTS, true) : tg_leave();
}

static tg_fate piece(tg_text event) {
  events++;
  tg_text data = tg_event_data(event);
  if (!tg_starts_with(data, TG("hello")))
    return tg_keep();
  tg_emit(tg_event_with_data(event, tg_concat(mark, tg_slice(data, 5, data.size))));
  return tg_replace();
}

static tg_outcome end(void) {
  tg_metric_observe(TG("tour_stream_events"), events, NULL, 0);
  return tg_done();
}

TG_RESPONSE_BODY(begin, piece, end)
