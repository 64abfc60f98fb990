/* Tests of what needs no host: JSON, text, memory. */

#include "../memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;
static int checks;

static void check_text(int line, tg_text expected, tg_text got) {
  checks++;
  if (tg_equal(expected, got))
    return;
  failures++;
  printf("test.c:%d: expected %s\"%.*s\"\n  got %s\"%.*s\"\n", line, expected.data ? "" : "absent ",
         TG_ARGS(expected), got.data ? "" : "absent ", TG_ARGS(got));
}

static void check_true(int line, const char *what, bool is_true) {
  checks++;
  if (is_true)
    return;
  failures++;
  printf("test.c:%d: not so: %s\n", line, what);
}

#define TEXT(expected, got) check_text(__LINE__, expected, got)
#define TRUE(condition) check_true(__LINE__, #condition, condition)

static const tg_text absent = {NULL, 0};

static tg_text replaced(tg_text json) { return tg_json_replace(json, TG("g"), TG("\"x\"")); }

static void test_replace(void) {
  TEXT(TG("{\"g\":\"x\"}"), replaced(TG("{\"g\":1}")));
  TEXT(TG(" {\t\"a\" : 1.0e+5 ,\r\n\"g\"\n: \"x\" } \n"),
       replaced(TG(" {\t\"a\" : 1.0e+5 ,\r\n\"g\"\n: [{\"g\":2}, \"]\"] } \n")));
  TEXT(TG("{\"a\":{\"g\":1},\"g\":\"x\",\"g\":3}"),
       replaced(TG("{\"a\":{\"g\":1},\"g\":2,\"g\":3}")));
  TEXT(TG("{\"\\u0067\":1,\"g\":\"x\"}"), replaced(TG("{\"\\u0067\":1,\"g\":2}")));
  TEXT(absent, replaced(TG("{\"gg\":1,\"\":2,\"a\":[{\"g\":3}]}")));
  TEXT(absent, replaced(TG("[{\"g\":1}]")));
  TEXT(absent, replaced(absent));
}

static void test_valid(void) {
  static const tg_text values[] = {
      TG_INIT("0"),
      TG_INIT("-0"),
      TG_INIT("10.50E-3"),
      TG_INIT("1e400"),
      TG_INIT("true"),
      TG_INIT("false"),
      TG_INIT("null"),
      TG_INIT("[]"),
      TG_INIT("{}"),
      TG_INIT("[ 1 , [ ] ]"),
      TG_INIT("{\"a\":{\"b\":1 } , \"\":2}"),
      TG_INIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00aF\\ud800\""),
      TG_INIT("\"\x7f\xc2\x80\xed\x9f\xbf\xf4\x8f\xbf\xbf\""),
  };
  for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
    TEXT(tg_concat(TG("{\"a\":"), values[i], TG(",\"g\":\"x\"}")),
         replaced(tg_concat(TG("{\"a\":"), values[i], TG(",\"g\":1}"))));
}

static void test_not_valid(void) {
  static const tg_text values[] = {
      TG_INIT(""),
      TG_INIT("01"),
      TG_INIT("-"),
      TG_INIT("+1"),
      TG_INIT(".5"),
      TG_INIT("1."),
      TG_INIT("1.e5"),
      TG_INIT("1e"),
      TG_INIT("1e+"),
      TG_INIT("0x1"),
      TG_INIT("NaN"),
      TG_INIT("tru"),
      TG_INIT("True"),
      TG_INIT("[1,]"),
      TG_INIT("[,1]"),
      TG_INIT("[1 2]"),
      TG_INIT("[}"),
      TG_INIT("{\"b\":1,}"),
      TG_INIT("{b:1}"),
      TG_INIT("{\"b\" 1}"),
      TG_INIT("{\"b\":}"),
      TG_INIT("{1:2}"),
      TG_INIT("'b'"),
      TG_INIT("\"\\x41\""),
      TG_INIT("\"\\u12g4\""),
      TG_INIT("\"\\"),
      TG_INIT("\"\\\0\""),
      TG_INIT("\"\\u000\0\""),
      TG_INIT("\"\n\""),
      TG_INIT("\"\x1f\""),
      TG_INIT("\"\0\""),
      TG_INIT("\"\xff\""),
      TG_INIT("\"\x80\""),
      TG_INIT("\"\xc0\xaf\""),
      TG_INIT("\"\xe2\x82\""),
      TG_INIT("\"\xed\xa0\x80\""),
      TG_INIT("\"\xf4\x90\x80\x80\""),
      TG_INIT("\"\xf0\x8f\xbf\xbf\""),
      TG_INIT("\"\xe0\x9f\xbf\""),
      TG_INIT("\"b"),
      TG_INIT("\x0c"
              "1"),
  };
  static const tg_text texts[] = {
      TG_INIT(""),
      TG_INIT(" "),
      TG_INIT("{\"g\":1"),
      TG_INIT("{\"g\":1}}"),
      TG_INIT("{\"g\":1} x"),
      TG_INIT("{\"g\":1}\0"),
      TG_INIT("{\"g\":1}{}"),
      TG_INIT("\xef\xbb\xbf{\"g\":1}"),
      TG_INIT("{,\"g\":1}"),
  };
  for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
    TEXT(absent, replaced(tg_concat(TG("{\"g\":1,\"a\":"), values[i], TG("}"))));
  for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
    TEXT(absent, replaced(texts[i]));
}

/* Each beginning ends where its memory ends. */
static void test_truncated(void) {
  tg_text json = TG("{\"a\":[-1.5e+7,\"\\u00e9\xe2\x82\xac\",true,{\"b\":null}],\"g\":1}");
  for (size_t size = 0; size < json.size; size++) {
    char *copy = malloc(size + (size == 0));
    memcpy(copy, json.data, size);
    TEXT(absent, replaced((tg_text){copy, size}));
    free(copy);
  }
}

static tg_text levels(size_t count) {
  char *text = tg_alloc(2 * count, 1);
  memset(text, '[', count);
  memset(text + count, ']', count);
  return (tg_text){text, 2 * count};
}

static void test_depth(void) {
  TEXT(tg_concat(TG("{\"g\":\"x\",\"a\":"), levels(127), TG("}")),
       replaced(tg_concat(TG("{\"g\":1,\"a\":"), levels(127), TG("}"))));
  TEXT(absent, replaced(tg_concat(TG("{\"g\":1,\"a\":"), levels(128), TG("}"))));
}

static void test_string(void) {
  TEXT(TG("\"a\\\"\\\\\\u0000\\u001f\\u0009\x7f/\xc3\xa9\xff\""),
       tg_json_string(TG("a\"\\\0\x1f\t\x7f/\xc3\xa9\xff")));
  TEXT(TG("\"\""), tg_json_string(TG("")));
}

static void test_text(void) {
  TRUE(tg_equal(absent, absent) && !tg_equal(absent, TG("")));
  TRUE(tg_is_absent(tg_string(NULL)) && !tg_is_absent(tg_string("")));
  TRUE(tg_starts_with(TG("abc"), TG("ab")) && tg_starts_with(absent, TG("")));
  TRUE(!tg_starts_with(TG("a"), TG("ab")) && !tg_starts_with(TG("ab"), TG("b")));
  TRUE(tg_find(TG("aab"), TG("ab")) == 1 && tg_find(TG("a"), TG("")) == 0);
  TRUE(tg_find(TG("aba"), TG("ac")) == SIZE_MAX && tg_find(absent, TG("a")) == SIZE_MAX);
  TEXT(TG("b"), tg_slice(TG("abc"), 1, 2));
  TEXT(TG("bc"), tg_slice(TG("abc"), 1, SIZE_MAX));
  TEXT(TG(""), tg_slice(TG("abc"), 7, 9));
  TEXT(TG("xxcxx"), tg_replace_all(TG("abcab"), TG("ab"), TG("xx")));
  TEXT(TG("c"), tg_replace_all(TG("abcab"), TG("ab"), TG("")));
  TEXT(TG("abc"), tg_replace_all(TG("abc"), TG(""), TG("x")));
  TEXT(TG("0"), tg_number(0));
  TEXT(TG("18446744073709551615"), tg_number(UINT64_MAX));
  TEXT(TG("a\0b"), tg_concat(TG("a\0"), absent, TG("b")));
  TEXT(TG("7: ab"), tg_format("%d: %.*s", 7, TG_ARGS(tg_slice(TG("abc"), 0, 2))));
}

static void test_utf8(void) {
  tg_text valid = TG("\xc3\xa9\0\xf4\x8f\xbf\xbf");
  TRUE(tg_is_utf8(valid) && tg_as_utf8(valid).data == valid.data);
  TRUE(!tg_is_utf8(TG("a\xe2\x82")));
  TEXT(TG("a\xef\xbf\xbd"
          "b\xef\xbf\xbd\xef\xbf\xbd"),
       tg_as_utf8(TG("a\xff"
                     "b\xe2\x82")));
}

/* What they do with whole queries and cookies is in helpers/. */
static void test_urls(void) {
  TEXT(TG("%"), tg_url_decode(TG("%")));
  TEXT(TG("%4"), tg_url_decode(TG("%4")));
  TEXT(TG("\0\xff+"), tg_url_decode(TG("%00%fF+")));
  TEXT(TG("%00%FF%2B%25azAZ09"), tg_url_encode(TG("\0\xff+%azAZ09")));
  TEXT(TG(""), tg_url_decode(absent));
  TRUE(tg_query_pairs(absent).count == 0 && tg_query_pairs(TG("&&")).count == 0);
  TRUE(tg_query_pairs(TG("a&a=&b=a")).count == 3);
  TRUE(tg_cookies_of((tg_texts){NULL, 0}).count == 0);
  TRUE(!tg_is_coding(absent) && !tg_is_coding(TG(" ")) && !tg_is_coding(TG(" IDENTITY ")));
  TRUE(tg_is_coding(TG("gzip")) && tg_is_coding(TG("gzip, identity")) &&
       tg_is_coding(TG("identitx")));
}

static void test_memory(void) {
  tg_memory_reset();
  char *small = tg_alloc(3, 1);
  TRUE((uintptr_t)tg_alloc(8, 8) % 8 == 0);
  char *newest = tg_alloc(4, 1);
  memcpy(newest, "abc", 4);
  TRUE(tg_memory_resize(newest, 4, 1, 100) == newest);
  char *moved = tg_memory_resize(newest, 100, 1, 1 << 20);
  TRUE(moved != newest && strcmp(moved, "abc") == 0);
  TRUE(tg_alloc(16, 1) != small);
  memset(moved, 'x', 1 << 20);
  tg_memory_reset();
  TRUE(tg_alloc(3, 1) == small);
}

static bool event_is(tg_text event, tg_text name, tg_text data) {
  return tg_equal(tg_event_name(event), name) && tg_equal(tg_event_data(event), data);
}

static void test_events(void) {
  tg_text none = {NULL, 0};
  TRUE(event_is(TG("data: YHOO\ndata: +2\ndata: 10\n\n"), none, TG("YHOO\n+2\n10")));
  TRUE(event_is(TG("event: add\ndata: 73857293\n\n"), TG("add"), TG("73857293")));
  TRUE(event_is(TG(": test stream\n\n"), none, none));
  TRUE(event_is(TG("data:  third event\n\n"), none, TG(" third event")));
  TRUE(event_is(TG("data\ndata\n\n"), none, TG("\n")));
  TRUE(event_is(TG("data:a\r\ndata:b\rdata:c\n\r\n"), none, TG("a\nb\nc")));
  TRUE(event_is(TG("data : x\ndata:y:z\n dAta: w\nData: v\n\n"), none, TG("y:z")));
  TRUE(event_is(TG("event: a\nevent\n\n"), none, none));
  TRUE(event_is(TG("data: cut"), none, TG("cut")));
  TRUE(event_is(TG(""), none, none));
  TRUE(tg_equal(tg_event_with_data(TG("data: a\n\n"), TG("b")), TG("data: b\n\n")));
  TRUE(tg_equal(tg_event_with_data(TG(": c\r\nid: 1\r\ndata: a\r\nx: y\r\ndata: b\r\n\r\n"), TG("1\n2")),
                TG(": c\r\nid: 1\r\ndata: 1\r\ndata: 2\r\nx: y\r\n\r\n")));
  TRUE(tg_equal(tg_event_with_data(TG("data:a\r\r"), TG("b")), TG("data: b\r\r")));
  TRUE(tg_equal(tg_event_with_data(TG("event: x\n\n"), TG("new")), TG("event: x\ndata: new\n\n")));
  TRUE(tg_equal(tg_event_with_data(TG("data"), TG("new")), TG("data: new\n")));
  TRUE(tg_equal(tg_event_with_data(TG("id: 1"), TG("")), TG("id: 1\ndata: \n")));
  TRUE(tg_equal(tg_event_make(TG("n"), TG("a\r\nb\rc\n")), TG("event: n\ndata: a\ndata: b\ndata: c\ndata: \n\n")));
  TRUE(tg_equal(tg_event_make(none, TG("")), TG("data: \n\n")));
}

int main(void) {
  test_events();
  test_replace();
  test_valid();
  test_not_valid();
  test_truncated();
  test_depth();
  test_string();
  test_text();
  test_utf8();
  test_urls();
  test_memory();
  printf("%d passed, %d failed\n", checks - failures, failures);
  return failures != 0;
}
