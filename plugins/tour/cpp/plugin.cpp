/// The tour of the contract: the plugin that plugins/tour has in every language, all of which must behave alike.

#include <charconv>

#include "tollgate.hpp"

using namespace tollgate;
using namespace std::chrono_literals;

/// The settings, which are read when an instance starts.
static struct {
  std::string mark;
  std::optional<std::chrono::seconds> window;
  Milliseconds delay{};
  std::optional<std::string> lookup;
} tour;

/// A number in at most five decimal digits.
static std::optional<int> whole(std::string_view text, int least, int most) {
  int number = 0;
  if (text.empty() || text.size() > 5 || text.find_first_not_of("0123456789") != text.npos) return {};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number >= least && number <= most ? std::optional(number) : std::nullopt;
}

Outcome<void> tollgate::start() {
  tour.mark = settings::get("mark").value_or("none");
  if (auto text = settings::get("window")) {
    auto seconds = whole(*text, 1, 86400);
    if (!seconds) return std::unexpected("window: expected whole seconds from 1 to 86400");
    tour.window = std::chrono::seconds(*seconds);
  }
  if (auto text = settings::get("delay")) {
    auto ms = whole(*text, 0, 60000);
    if (!ms) return std::unexpected("delay: expected whole milliseconds from 0 to 60000");
    tour.delay = Milliseconds(*ms);
  }
  if (auto url = settings::get("lookup")) {
    if (!url->starts_with("http://") && !url->starts_with("https://"))
      return std::unexpected("lookup: expected a URL with http or https");
    tour.lookup = *url;
  }
  metrics::describe("tour_responses", "Responses by class of status");
  metrics::describe("tour_stream_events", "Events of a stream", {1, 10, 100, 1000});
  return {};
}

/// How many requests the client has sent in its window, or `unknown`.
static std::string count(std::chrono::seconds window) {
  auto address = exchange::client_address();
  auto host = address.substr(0, address.rfind(':'));
  auto sum = state::increment(std::string("count ").append(host), 1, window);
  if (sum) return std::to_string(*sum);
  log::warn(std::string("count: ").append(sum.error().name()));
  return "unknown";
}

/// What a server says, or `failed`.
static std::string_view look_up(std::string_view url) {
  auto sent = client::send({.url = url, .fields = {{"x-tour", tour.mark}}, .timeout = 2s});
  if (sent && sent->status == 200) return sent->body;
  if (sent)
    log::warn("lookup: status " + std::to_string(sent->status));
  else
    log::warn(std::string("lookup: ").append(sent.error().name()));
  return "failed";
}

Outcome<Verdict> tollgate::forward_request() {
  log::info(
      std::string("forward ").append(request::method()).append(" ").append(request::target()));
  if (!request::set_field("x-tour", tour.mark)) return std::unexpected("x-tour: refused");
  if (request::path() == "/tour")
    return answer(200, "text/plain; charset=utf-8", "tour: " + tour.mark + "\n");
  if (tour.window && !request::set_field("x-tour-count", count(*tour.window)))
    return std::unexpected("x-tour-count: refused");
  if (tour.delay > 0ms) sleep(tour.delay);
  if (tour.lookup && !request::set_field("x-tour-lookup", look_up(*tour.lookup)))
    return std::unexpected("x-tour-lookup: refused");
  return Verdict::forward;
}

/// The value of the member `greeting` becomes the mark.
static void greet() {
  auto body = response::body();
  if (!body) {
    log::warn("body: not available");
    return;
  }
  if (auto replaced = json::replace(*body, "greeting", json::string(tour.mark)))
    response::set_body(*replaced);
}

Outcome<void> tollgate::return_response() {
  if (!response::set_field("x-tour", tour.mark)) return std::unexpected("x-tour: refused");
  auto type = response::field("content-type").value_or("");
  if (type.starts_with("application/json")) greet();
  auto status = response::status();
  auto status_class = std::to_string(status / 100) + "xx";
  metrics::add("tour_responses", 1, {{"class", status_class}});
  log::info("return " + std::to_string(status));
  return {};
}

/// In event streams a greeting becomes the mark.
class Greetings : public Rewriter {
 public:
  Outcome<std::optional<Wish>> begin() override {
    auto type = response::field("content-type").value_or("");
    if (!type.starts_with("text/event-stream")) return std::nullopt;
    return Wish{.unit = Unit::events, .decoded = true};
  }

  Outcome<Fate> piece(std::string_view event) override {
    ++events_;
    auto data = events::data(event);
    if (!data || !data->starts_with("hello")) return Fate::keep;
    emit(events::with_data(event, data->replace(0, 5, tour.mark)));
    return Fate::replace;
  }

  Outcome<void> end() override {
    metrics::observe("tour_stream_events", events_);
    return {};
  }

 private:
  int events_ = 0;
};

TOLLGATE_RESPONSE_BODY(Greetings)
