/// Tests of what needs no host: JSON and UTF-8.

#include <cstdio>
#include <source_location>
#include <vector>

#include "../json.hpp"
#include "../url.hpp"
#include "../utf8.hpp"

using namespace std::string_view_literals;
namespace json = tollgate::json;
namespace utf8 = tollgate::utf8;

static int checks;
static int failures;

static void check(std::optional<std::string_view> expected, std::optional<std::string_view> got,
                  std::source_location place = std::source_location::current()) {
  checks++;
  if (expected == got) return;
  failures++;
  auto shown = [](auto& text) { return std::string(text.value_or("nothing")); };
  std::printf("test.cpp:%u: expected %s\n  got %s\n", static_cast<unsigned>(place.line()),
              shown(expected).c_str(), shown(got).c_str());
}

/// `expected` with the member replaced, or nothing.
static void check_replaced(std::optional<std::string_view> expected, std::string_view text,
                           std::source_location place = std::source_location::current()) {
  // A copy that ends where its memory ends.
  std::vector<char> copy(text.begin(), text.end());
  check(expected, json::replace({copy.data(), copy.size()}, "g", "\"x\""), place);
}

static std::string join(std::string_view a, std::string_view b, std::string_view c) {
  return std::string(a).append(b).append(c);
}

static void test_replace() {
  check_replaced("{\"g\":\"x\"}", "{\"g\":1}");
  check_replaced(" {\t\"a\" : 1.0e+5 ,\r\n\"g\"\n: \"x\" } \n",
                 " {\t\"a\" : 1.0e+5 ,\r\n\"g\"\n: [{\"g\":2}, \"]\"] } \n");
  check_replaced("{\"a\":{\"g\":1},\"g\":\"x\",\"g\":3}", "{\"a\":{\"g\":1},\"g\":2,\"g\":3}");
  check_replaced("{\"\\u0067\":1,\"g\":\"x\"}", "{\"\\u0067\":1,\"g\":2}");
  check_replaced(std::nullopt, "{\"gg\":1,\"\":2,\"a\":[{\"g\":3}]}");
  check_replaced(std::nullopt, "[{\"g\":1}]");
}

static void test_valid() {
  for (auto value : {"0"sv, "-0"sv, "10.50E-3"sv, "1e400"sv, "true"sv, "false"sv, "null"sv, "[]"sv,
                     "{}"sv, "[ 1 , [ ] ]"sv, "{\"a\":{\"b\":1 } , \"\":2}"sv,
                     "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00aF\\ud800\""sv,
                     "\"\x7f\xc2\x80\xed\x9f\xbf\xf4\x8f\xbf\xbf\""sv})
    check_replaced(join("{\"a\":", value, ",\"g\":\"x\"}"), join("{\"a\":", value, ",\"g\":1}"));
}

static void test_not_valid() {
  for (auto value : {""sv,
                     "01"sv,
                     "-"sv,
                     "+1"sv,
                     ".5"sv,
                     "1."sv,
                     "1.e5"sv,
                     "1e"sv,
                     "1e+"sv,
                     "0x1"sv,
                     "NaN"sv,
                     "tru"sv,
                     "True"sv,
                     "[1,]"sv,
                     "[,1]"sv,
                     "[1 2]"sv,
                     "[}"sv,
                     "{\"b\":1,}"sv,
                     "{b:1}"sv,
                     "{\"b\" 1}"sv,
                     "{\"b\":}"sv,
                     "{1:2}"sv,
                     "'b'"sv,
                     "\"\\x41\""sv,
                     "\"\\u12g4\""sv,
                     "\"\\"sv,
                     "\"\\\0\""sv,
                     "\"\\u000\0\""sv,
                     "\"\n\""sv,
                     "\"\x1f\""sv,
                     "\"\0\""sv,
                     "\"\xff\""sv,
                     "\"\x80\""sv,
                     "\"\xc0\xaf\""sv,
                     "\"\xe2\x82\""sv,
                     "\"\xed\xa0\x80\""sv,
                     "\"\xf4\x90\x80\x80\""sv,
                     "\"\xf0\x8f\xbf\xbf\""sv,
                     "\"\xe0\x9f\xbf\""sv,
                     "\"b"sv,
                     "\f1"sv})
    check_replaced(std::nullopt, join("{\"g\":1,\"a\":", value, "}"));
  for (auto text : {""sv, " "sv, "{\"g\":1"sv, "{\"g\":1}}"sv, "{\"g\":1} x"sv, "{\"g\":1}\0"sv,
                    "{\"g\":1}{}"sv, "\xef\xbb\xbf{\"g\":1}"sv, "{,\"g\":1}"sv})
    check_replaced(std::nullopt, text);
}

static void test_truncated() {
  auto text = "{\"a\":[-1.5e+7,\"\\u00e9\xe2\x82\xac\",true,{\"b\":null}],\"g\":1}"sv;
  for (std::size_t size = 0; size < text.size(); size++)
    check_replaced(std::nullopt, text.substr(0, size));
}

static void test_depth() {
  auto levels = [](std::size_t count) { return std::string(count, '[').append(count, ']'); };
  check_replaced(join("{\"g\":\"x\",\"a\":", levels(127), "}"),
                 join("{\"g\":1,\"a\":", levels(127), "}"));
  check_replaced(std::nullopt, join("{\"g\":1,\"a\":", levels(128), "}"));
}

static void test_string() {
  check("\"a\\\"\\\\\\u0000\\u001f\\u0009\x7f/\xc3\xa9\xff\""sv,
        json::string("a\"\\\0\x1f\t\x7f/\xc3\xa9\xff"sv));
  check("\"\"", json::string(""));
}

static void test_utf8() {
  auto valid = "\xc3\xa9\0\xf4\x8f\xbf\xbf"sv;
  check(valid, valid.substr(0, utf8::prefix(valid)));
  check(valid, utf8::mended(valid));
  check("a", "a\xe2\x82"sv.substr(0, utf8::prefix("a\xe2\x82")));
  check("a\uFFFDb\uFFFD\uFFFD", utf8::mended("a\xff"
                                             "b\xe2\x82"));
}

/// What they do with whole queries and cookies is in ../c/tests/helpers.
static void test_url() {
  namespace url = tollgate::url;
  auto number = [](const auto& list) { return std::to_string(list.size()); };
  check("%", url::decode("%"));
  check("%4", url::decode("%4"));
  check("\0\xff+"sv, url::decode("%00%fF+"));
  check("%00%FF%2B%25azAZ09", url::encode("\0\xff+%azAZ09"sv));
  check("0", number(url::query_params("")));
  check("0", number(url::query_params("&&")));
  check("3", number(url::query_params("a&a=&b=a")));
  check("0", number(url::cookies("")));
  for (auto value : {"", " ", " IDENTITY ", "identity"})
    check("plain", url::is_coding(value) ? value : "plain");
  for (auto value : {"gzip", "gzip, identity", "identitx"})
    check("coding", url::is_coding(value) ? "coding" : value);
}

int main() {
  test_replace();
  test_valid();
  test_not_valid();
  test_truncated();
  test_depth();
  test_string();
  test_utf8();
  test_url();
  std::printf("%d passed, %d failed\n", checks - failures, failures);
  return failures != 0;
}
