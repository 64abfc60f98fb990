/// Calls every function of the library and logs what comes back. The plugins of this name in C and Zig do the same, and
/// all of them meet the same cases.

#include <cstdio>
#include <iostream>

#include "tollgate.hpp"

using namespace tollgate;
using namespace std::string_view_literals;

static void tell(std::string_view what, std::optional<std::string_view> text) {
  log::info(std::string(what).append(": ").append(text.value_or("absent")));
}

static void tell_edit(std::string_view what, const Edited& edited) {
  tell(what, edited ? "ok" : edited.error().message());
}

static void tell_all(const std::vector<Field>& fields) {
  for (auto& [name, value] : fields) tell("entry", std::string(name).append("=").append(value));
}

static void tell_all(const std::vector<std::string_view>& values) {
  for (auto value : values) tell("value", value);
}

static void read_request() {
  tell("method", request::method());
  tell("scheme", request::scheme());
  tell("authority", request::authority());
  tell("target", request::target());
  tell("path", request::path());
  tell("X-Twice", request::field("X-Twice"));
  tell("x-empty", request::field("x-empty"));
  tell("x-none", request::field("x-none"));
  tell_all(request::field_values("x-twice"));
  tell_all(request::field_values("x-none"));
  tell_all(request::fields());
}

static void edit_request() {
  tell_edit("set-method", request::set_method("PUT"));
  tell_edit("set-target", request::set_target("/new?z"));
  tell_edit("set-authority", request::set_authority("other:81"));
  tell_edit("set-fields", request::set_fields({{"x-a", "1"}, {"x-a", "2"}, {"x-b", "\xff"}}));
  tell_edit("append-field", request::append_field("x-b", ""));
  tell_edit("delete-field", request::delete_field("x-twice"));
  tell_edit("wrong method", request::set_method("A B"));
  tell_edit("wrong target", request::set_target("/\xff"));
  tell_edit("wrong name", request::set_field("\xff", ""));
  tell_edit("wrong value", request::set_field("x-c", "a\nb"));
  tell_edit("wrong fields", request::set_fields({{"x-c", "1"}, {"\xff", "2"}}));
  tell_edit("wrong deletion", request::delete_field("a b"));
  tell_edit("the host's", request::append_field("te", "a"));
  tell("not UTF-8", request::field("x-b"));
}

static void read_settings() {
  tell("setting", settings::get("list"));
  tell("no setting", settings::get("none"));
  auto required = settings::require("none");
  tell("required", required ? "ok" : required.error());
  auto all = settings::all();
  tell("settings", all ? "ok" : all.error());
  tell_all(all.value_or(std::vector<Field>()));
}

/// What the cases in ../c/tests/helpers ask for.
static void use_helpers() {
  tell("query", request::query());
  tell("param a", request::query_param("a"));
  for (auto& [name, value] : request::query_params()) tell("param", name + "=" + value);
  for (auto name : {"b", "c", "d", "", "none"})
    tell(std::string("param ").append(name), request::query_param(name));
  tell("cookie a", request::cookie("a"));
  tell("cookie none", request::cookie("none"));
  for (auto& [name, value] : request::cookies())
    tell("cookie", std::string(name).append("=").append(value));
  tell("encode", url::encode("a b/\xc3\xbc+%-._~\0"sv));
  tell("decode", url::decode("%41+%2f%zz%4%"));
  tell("wrong path", request::set_path("/a?b") ? "ok" : "refused");
  tell_edit("set-path", request::set_path("/new"));
  tell_edit("accept-identity", request::accept_identity());
  tell("encoded", request::is_encoded() ? "yes" : "no");
  tell("random", tollgate::random() != tollgate::random() ? "differs" : "is the same");
  tell("random bytes", std::to_string(random_bytes(8).size()));
  tell("now", now() > 100000000000 ? "in milliseconds" : std::to_string(now()));
}

static std::string_view yes(bool is) { return is ? "yes" : "no"; }

/// What the case services asks for.
static void use_services() {
  tell("get none", state::get("none").value_or(std::nullopt));
  tell("get text", state::get("text").value_or(std::nullopt));
  if (auto set = state::set("kept", "x"); !set) tell("set", words(set.error()));
  for (auto by : {5, -8}) tell("increment", std::to_string(state::increment("n", by).value_or(0)));
  auto text = state::increment("text", 1, Milliseconds(60000));
  tell("increment text", text ? "ok" : words(text.error()));
  auto swap = [](std::optional<std::string_view> expected, std::optional<std::string_view> replacement) {
    tell("swap", yes(state::compare_and_swap("text", expected, replacement, Milliseconds(1500)).value_or(false)));
  };
  swap("hello", std::nullopt);
  swap(std::nullopt, "new");
  swap("no", "x");
  for (int round = 0; round < 2; round++) tell("delete", yes(state::erase("kept").value_or(false)));
  for (auto key : *state::keys()) tell("key", key);

  auto response = client::get("http://example.com/ok");
  if (!response) return tell("status", words(response.error()));
  tell("status", std::to_string(response->status));
  tell("x-a", response->field("x-a"));
  tell("x-none", response->field("x-none"));
  tell("body", response->body);
  client::Request down{"http://example.com/down", "POST", {{"x-b", "2"}}, "b", Milliseconds(5)};
  tell("error", client::send(down).error().name());
  for (auto& sent : client::send_all({{"http://example.com/ok"}, down}))
    tell("all", sent ? std::to_string(sent->status) : std::string(sent.error().name()));
  tollgate::sleep(Milliseconds(1));
  metrics::add("served_total", 2, {{"kind", "a"}});
}

Outcome<void> tollgate::start() {
  if (settings::get("do") == "refuse") return std::unexpected("setting do is refuse");
  return {};
}

/// For the cases of bodies that flow.
class Numbered : public Rewriter {
 public:
  Outcome<std::optional<Wish>> begin() override {
    auto what = settings::get("do");
    if (what == "events") return Wish{Unit::events, true};
    if (what == "stop" || what == "fail") return Wish{Unit::lines};
    return std::nullopt;
  }

  Outcome<Fate> piece(std::string_view piece) override {
    auto what = settings::get("do");
    if (what == "fail") return std::unexpected("no such line");
    if (what == "stop") {
      if (piece != "two\n") return Fate::keep;
      emit("last");
      return Fate::stop;
    }
    auto data = events::data(piece);
    if (!data) return Fate::keep;
    emit(events::with_data(piece, std::to_string(++events_) + "\n" + *data));
    return Fate::replace;
  }

  Outcome<void> end() override {
    if (events_ != 0) emit(events::make("end"));
    return {};
  }

 private:
  int events_ = 0;
};

TOLLGATE_RESPONSE_BODY(Numbered)

/// Does what the setting `do` says, if it is set.
static bool did(std::string_view hook) {
  auto what = settings::get("do");
  bool forwards = hook == "forward-request";
  if (what == "helpers" && forwards) use_helpers();
  if (what == "helpers" && !forwards)
    tell("response encoded", response::is_encoded() ? "yes" : "no");
  if (what == "services" && forwards) use_services();
  if (what == "forget answer" && forwards) (void)answer(403, "text/plain", "no\n");
  if (what == "print" && forwards) std::cout << "one\ntwo\nthree";
  if (what == "print" && !forwards) std::printf("return-response");
  return what.has_value();
}

static std::string_view end() { return settings::get("end").value_or(""); }

Outcome<Verdict> tollgate::forward_request() {
  if (did("forward-request")) return Verdict::forward;
  for (auto level : {log::trace, log::debug, log::info, log::warn, log::error, log::critical})
    level("level");
  bool is_there = !exchange::id().empty() && exchange::client_address().contains(':');
  tell("id and client", is_there ? "there" : "missing");
  read_request();
  read_settings();
  tell("note", exchange::note("contract"));
  exchange::set_note("contract", "a\0b\xff"sv);
  exchange::set_note("contract-empty", "");
  edit_request();
  if (settings::get("body") == "read") {
    auto body = request::body();
    tell("body", body ? "ok" : body.error().message());
    std::pmr::string longer(body.value_or(""), memory());
    request::set_body(longer.append("!"));
  }
  if (end() == "error") return std::unexpected("a \xff b");
  if (end() == "answer") return answer(418, "text/plain", "tea\n");
  if (end() == "wrong answer") return answer(99, "text/plain", "");
  return Verdict::forward;
}

static void edit_response() {
  tell_edit("set-status", response::set_status(599));
  tell_edit("wrong status", response::set_status(600));
  tell_edit("set-field", response::set_field("x-s", "\xff"));
  tell_edit("set-fields", response::set_fields({{"x-r", "1"}, {"x-r", "2"}}));
  tell_edit("append-field", response::append_field("x-r", "3"));
  tell_edit("delete-field", response::delete_field("x-twice"));
  tell_edit("the host's", response::set_field("content-length", "1"));
}

Outcome<void> tollgate::return_response() {
  if (did("return-response")) return {};
  auto note = exchange::note("contract");
  tell("note", note == "a\0b\xff"sv ? "kept" : note);
  tell("empty note", exchange::note("contract-empty"));
  tell("status", std::to_string(response::status()));
  tell("x-twice", response::field("x-twice"));
  tell("x-none", response::field("x-none"));
  tell_all(response::field_values("x-twice"));
  tell_all(response::fields());
  edit_response();
  auto sent = request::body();
  tell("request body", sent ? "ok" : sent.error().message());
  tell("request body", sent ? std::optional(*sent) : std::optional<std::string_view>());
  auto body = response::body();
  tell("body", body ? "ok" : body.error().message());
  response::set_body(std::string(body.value_or("")).append("?"));
  if (end() == "late error") return std::unexpected("late");
  return {};
}
