/* Calls every function of the library and logs what comes back. The plugins of this name in C++ and Zig do the same, and
 * all of them meet the same cases. */

#include "tollgate.h"

#include <stdio.h>

static void tell(const char *what, tg_text text) {
  tg_log(TG_INFO, tg_concat(tg_string(what), TG(": "), tg_is_absent(text) ? TG("absent") : text));
}

static void tell_error(const char *what, tg_error error) {
  tell(what, error.kind == TG_OK ? TG("ok") : tg_error_message(error));
}

static void tell_fields(tg_fields fields) {
  for (size_t i = 0; i < fields.count; i++)
    tell("entry", tg_concat(fields.items[i].name, TG("="), fields.items[i].value));
}

static void tell_values(tg_texts values) {
  for (size_t i = 0; i < values.count; i++)
    tell("value", values.items[i]);
}

static void read_request(void) {
  tell("method", tg_request_method());
  tell("scheme", tg_request_scheme());
  tell("authority", tg_request_authority());
  tell("target", tg_request_target());
  tell("path", tg_request_path());
  tell("X-Twice", tg_request_field(TG("X-Twice")));
  tell("x-empty", tg_request_field(TG("x-empty")));
  tell("x-none", tg_request_field(TG("x-none")));
  tell_values(tg_request_field_values(TG("x-twice")));
  tell_values(tg_request_field_values(TG("x-none")));
  tell_fields(tg_request_fields());
}

static void edit_request(void) {
  tg_field fields[] = {{TG("x-a"), TG("1")}, {TG("x-a"), TG("2")}, {TG("x-b"), TG("\xff")}};
  tg_field wrong[] = {{TG("x-c"), TG("1")}, {TG("\xff"), TG("2")}};
  tell_error("set-method", tg_request_set_method(TG("PUT")));
  tell_error("set-target", tg_request_set_target(TG("/new?z")));
  tell_error("set-authority", tg_request_set_authority(TG("other:81")));
  tell_error("set-fields", tg_request_set_fields(fields, 3));
  tell_error("append-field", tg_request_append_field(TG("x-b"), TG("")));
  tell_error("delete-field", tg_request_delete_field(TG("x-twice")));
  tell_error("wrong method", tg_request_set_method(TG("A B")));
  tell_error("wrong target", tg_request_set_target(TG("/\xff")));
  tell_error("wrong name", tg_request_set_field(TG("\xff"), TG("")));
  tell_error("wrong value", tg_request_set_field(TG("x-c"), TG("a\nb")));
  tell_error("wrong fields", tg_request_set_fields(wrong, 2));
  tell_error("wrong deletion", tg_request_delete_field(TG("a b")));
  tell_error("the host's", tg_request_append_field(TG("te"), TG("a")));
  tell("not UTF-8", tg_request_field(TG("x-b")));
}

static void read_settings(void) {
  tg_text value;
  tg_fields settings;
  tell("setting", tg_setting(TG("list")));
  tell("no setting", tg_setting(TG("none")));
  tell_error("required", tg_require_setting(TG("none"), &value));
  tell_error("settings", tg_settings(&settings));
  tell_fields(settings);
}

/* What the cases in helpers/ ask for. */
static void use_helpers(void) {
  tg_fields params = tg_request_query_params(), cookies = tg_request_cookies();
  tell("query", tg_request_query());
  tell("param a", tg_request_query_param(TG("a")));
  for (size_t i = 0; i < params.count; i++)
    tell("param", tg_concat(params.items[i].name, TG("="), params.items[i].value));
  tell("param b", tg_request_query_param(TG("b")));
  tell("param c", tg_request_query_param(TG("c")));
  tell("param d", tg_request_query_param(TG("d")));
  tell("param ", tg_request_query_param(TG("")));
  tell("param none", tg_request_query_param(TG("none")));
  tell("cookie a", tg_request_cookie(TG("a")));
  tell("cookie none", tg_request_cookie(TG("none")));
  for (size_t i = 0; i < cookies.count; i++)
    tell("cookie", tg_concat(cookies.items[i].name, TG("="), cookies.items[i].value));
  tell("encode", tg_url_encode(TG("a b/\xc3\xbc+%-._~\0")));
  tell("decode", tg_url_decode(TG("%41+%2f%zz%4%")));
  tell("wrong path", tg_request_set_path(TG("/a?b")).kind == TG_OK ? TG("ok") : TG("refused"));
  tell_error("set-path", tg_request_set_path(TG("/new")));
  tell_error("accept-identity", tg_request_accept_identity());
  tell("encoded", tg_request_is_encoded() ? TG("yes") : TG("no"));
  tell("random", tg_random() != tg_random() ? TG("differs") : TG("is the same"));
  tell("random bytes", tg_number(tg_random_bytes(8).size));
  tell("now", tg_now() > 100000000000 ? TG("in milliseconds") : tg_number(tg_now()));
}

static tg_text yes(bool is) { return is ? TG("yes") : TG("no"); }

/* What the case services asks for. */
static void use_services(void) {
  tg_text text;
  tg_error error = tg_state_get(TG("none"), &text);
  tell("get none", text);
  error = tg_state_get(TG("text"), &text);
  tell("get text", text);
  error = tg_state_set(TG("kept"), TG("x"), 0);
  int64_t sum;
  error = tg_state_increment(TG("n"), 5, 0, &sum);
  tell("increment", tg_format("%lld", (long long)sum));
  error = tg_state_increment(TG("n"), -8, 0, &sum);
  tell("increment", tg_format("%lld", (long long)sum));
  error = tg_state_increment(TG("text"), 1, 60000, &sum);
  tell_error("increment text", error);
  bool is;
  error = tg_state_compare_and_swap(TG("text"), TG("hello"), tg_string(NULL), 1500, &is);
  tell("swap", yes(is));
  error = tg_state_compare_and_swap(TG("text"), tg_string(NULL), TG("new"), 1500, &is);
  tell("swap", yes(is));
  error = tg_state_compare_and_swap(TG("text"), TG("no"), TG("x"), 1500, &is);
  tell("swap", yes(is));
  for (int round = 0; round < 2; round++) {
    error = tg_state_delete(TG("kept"), &is);
    tell("delete", yes(is));
  }
  tg_texts keys;
  error = tg_state_keys(TG(""), tg_string(NULL), 10, &keys);
  for (size_t i = 0; i < keys.count; i++)
    tell("key", keys.items[i]);

  tg_incoming_response response;
  error = tg_get(TG("http://example.com/ok"), &response);
  if (error.kind != TG_OK) {
    tell_error("status", error);
    return;
  }
  tell("status", tg_number(response.status));
  tell("x-a", tg_incoming_field(&response, TG("x-a")));
  tell("x-none", tg_incoming_field(&response, TG("x-none")));
  tell("body", response.body);
  tg_field field = {TG("x-b"), TG("2")};
  tg_outgoing_request down = {TG("POST"), TG("http://example.com/down"), &field, 1, TG("b"), 5};
  tell("error", tg_error_name(tg_send(&down, &response).kind));
  tg_outgoing_request both[] = {{.method = TG("GET"), .url = TG("http://example.com/ok")}, down};
  tg_sent sent[2];
  tg_send_all(both, 2, sent);
  for (size_t i = 0; i < 2; i++)
    tell("all", sent[i].error.kind == TG_OK ? tg_number(sent[i].response.status) : tg_error_name(sent[i].error.kind));
  tg_sleep(1);
  tg_field label = {TG("kind"), TG("a")};
  tg_metric_add(TG("served_total"), 2, &label, 1);
}

tg_outcome tg_start(void) {
  if (tg_equal(tg_setting(TG("do")), TG("refuse")))
    return tg_fail_response(TG("setting do is refuse"));
  return tg_done();
}

/* For the cases of bodies that flow. */
static unsigned events;

static tg_wish body_begins(void) {
  tg_text what = tg_setting(TG("do"));
  events = 0;
  if (tg_equal(what, TG("events")))
    return tg_want(TG_EVENTS, true);
  return tg_equal(what, TG("stop")) || tg_equal(what, TG("fail")) ? tg_want(TG_LINES, false) : tg_leave();
}

static tg_fate body_piece(tg_text piece) {
  if (tg_equal(tg_setting(TG("do")), TG("fail")))
    return tg_fail_piece(TG("no such line"));
  if (tg_equal(tg_setting(TG("do")), TG("stop"))) {
    if (!tg_equal(piece, TG("two\n")))
      return tg_keep();
    tg_emit(TG("last"));
    return tg_stop();
  }
  tg_text data = tg_event_data(piece);
  if (tg_is_absent(data))
    return tg_keep();
  tg_emit(tg_event_with_data(piece, tg_concat(tg_number(++events), TG("\n"), data)));
  return tg_replace();
}

static tg_outcome body_ends(void) {
  if (events != 0)
    tg_emit(tg_event_make(tg_string(NULL), TG("end")));
  return tg_done();
}

TG_RESPONSE_BODY(body_begins, body_piece, body_ends)

tg_verdict tg_forward_request(void) {
  tg_text body, what = tg_setting(TG("do"));
  if (tg_equal(what, TG("helpers")))
    use_helpers();
  if (tg_equal(what, TG("services")))
    use_services();
  if (tg_equal(what, TG("forget answer")))
    (void)tg_answer(403, TG("text/plain"), TG("no\n"));
  if (tg_equal(what, TG("print"))) {
    printf("one\n");
    printf("two\nthree");
  }
  if (!tg_is_absent(what))
    return tg_forward();
  for (int level = TG_TRACE; level <= TG_CRITICAL; level++)
    tg_log((tg_level)level, TG("level"));
  tell("id and client",
       tg_exchange_id().size > 0 && tg_find(tg_exchange_client_address(), TG(":")) != SIZE_MAX
           ? TG("there")
           : TG("missing"));
  read_request();
  read_settings();
  tell("note", tg_exchange_note(TG("contract")));
  tg_exchange_set_note(TG("contract"), TG("a\0b\xff"));
  tg_exchange_set_note(TG("contract-empty"), TG(""));
  edit_request();
  if (tg_equal(tg_setting(TG("body")), TG("read"))) {
    tell_error("body", tg_request_body(&body));
    tg_request_set_body(tg_concat(body, TG("!")));
  }
  if (tg_equal(tg_setting(TG("end")), TG("error")))
    return tg_fail_request(TG("a \xff b"));
  if (tg_equal(tg_setting(TG("end")), TG("answer")))
    return tg_answer(418, TG("text/plain"), TG("tea\n"));
  if (tg_equal(tg_setting(TG("end")), TG("wrong answer")))
    return tg_answer(99, TG("text/plain"), TG(""));
  return tg_forward();
}

static void edit_response(void) {
  tg_field fields[] = {{TG("x-r"), TG("1")}, {TG("x-r"), TG("2")}};
  tell_error("set-status", tg_response_set_status(599));
  tell_error("wrong status", tg_response_set_status(600));
  tell_error("set-field", tg_response_set_field(TG("x-s"), TG("\xff")));
  tell_error("set-fields", tg_response_set_fields(fields, 2));
  tell_error("append-field", tg_response_append_field(TG("x-r"), TG("3")));
  tell_error("delete-field", tg_response_delete_field(TG("x-twice")));
  tell_error("the host's", tg_response_set_field(TG("content-length"), TG("1")));
}

tg_outcome tg_return_response(void) {
  tg_text what = tg_setting(TG("do"));
  if (tg_equal(what, TG("helpers")))
    tell("response encoded", tg_response_is_encoded() ? TG("yes") : TG("no"));
  if (tg_equal(what, TG("print")))
    printf("return-response");
  if (!tg_is_absent(what))
    return tg_done();
  tg_text body = {NULL, 0};
  tg_text note = tg_exchange_note(TG("contract"));
  tell("note", tg_equal(note, TG("a\0b\xff")) ? TG("kept") : note);
  tell("empty note", tg_exchange_note(TG("contract-empty")));
  tell("status", tg_number(tg_response_status()));
  tell("x-twice", tg_response_field(TG("x-twice")));
  tell("x-none", tg_response_field(TG("x-none")));
  tell_values(tg_response_field_values(TG("x-twice")));
  tell_fields(tg_response_fields());
  edit_response();
  tell_error("request body", tg_request_body(&body));
  tell("request body", body);
  tell_error("body", tg_response_body(&body));
  tg_response_set_body(tg_concat(body, TG("?")));
  if (tg_equal(tg_setting(TG("end")), TG("late error")))
    return tg_fail_response(TG("late"));
  return tg_done();
}
