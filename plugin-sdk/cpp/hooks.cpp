/// The exported hooks: what happens before and after the plugin's own.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "abi.hpp"
#include "memory.hpp"
#include "tollgate.hpp"

#define EXPORT(name) [[clang::export_name(name)]]
#define INTERCEPTOR "tollgate:proxy/interceptor@0.1.0#"

// A hook that the plugin doesn't define is null.
namespace tollgate {
[[gnu::weak]] Outcome<Verdict> forward_request();
[[gnu::weak]] Outcome<void> return_response();
[[gnu::weak]] Outcome<void> start();
}  // namespace tollgate

// Functions that are easily taken for hooks.
[[gnu::weak]] tollgate::Outcome<tollgate::Verdict> forward_request();
[[gnu::weak]] tollgate::Outcome<void> return_response();
[[gnu::weak]] tollgate::Outcome<tollgate::Verdict> c_forward_request() __asm__(
    "tg_forward_request");
[[gnu::weak]] tollgate::Outcome<void> c_return_response() __asm__("tg_return_response");

/// The C library's stdout, which is linked if the plugin prints anything; else there is no such variable, or it is null.
extern "C" {
[[gnu::weak]] extern std::FILE* volatile __stdout_used;
}

namespace tollgate {
namespace {

/// Whether `answer` was called in the `forward_request` that runs.
bool answered;

/// How many bodies the plugin rewrites: those of requests, of responses, or both.
int bodies;

/// Says what is wrong with the plugin and ends the instance. In the first call of a version that keeps it out of service.
[[noreturn]] void refuse(std::string_view why) {
  log::critical(why);
  __builtin_trap();
}

/// A hook under another name would be missed silently.
void check_hooks() {
  if (forward_request == nullptr && (::forward_request != nullptr || c_forward_request != nullptr))
    refuse("the function forward_request is no hook: define tollgate::forward_request");
  if (return_response == nullptr && (::return_response != nullptr || c_return_response != nullptr))
    refuse("the function return_response is no hook: define tollgate::return_response");
  if (forward_request == nullptr && return_response == nullptr && bodies == 0)
    refuse(
        "the plugin has no hook: define tollgate::forward_request, tollgate::return_response or "
        "both");
}

/// What is printed must not wait in a buffer for the next exchange, or be lost in a trap. Runs before the plugin's own
/// constructors.
[[gnu::constructor(101)]] void unbuffer() {
  if (&__stdout_used != nullptr && __stdout_used != nullptr)
    std::setvbuf(__stdout_used, nullptr, _IONBF, 0);
}

/// Whether a call of the plugin runs, and whether the host has taken memory for the piece of a body that it is about to give.
bool in_call, has_piece;

void begin_with_piece() {
  if (!has_piece) arena().release();
  in_call = true;
  has_piece = false;
}

void begin() {
  check_hooks();
  has_piece = false;
  begin_with_piece();
  answered = false;
}

/// The host reads it before the next call begins.
abi::HookResult result;

abi::HookResult* failed(std::string_view error) {
  in_call = false;
  // The error's own string ends with the hook; the host reads a copy.
  result = {1, {.error = abi::Bytes::of(as_utf8(in_arena(error)))}};
  return &result;
}

abi::HookResult* ended(const Outcome<void>& outcome) {
  if (!outcome) return failed(outcome.error());
  in_call = false;
  result = {0, {.verdict = 0}};
  return &result;
}

constexpr std::string_view not_begun = "the host gave a piece of a body that had not begun";

}  // namespace

BodyExport::BodyExport(std::unique_ptr<Rewriter> (*make)()) : make_(make) { bodies++; }

void* BodyExport::begin() {
  tollgate::begin();
  body_ = nullptr;
  auto body = make_();
  auto wish = body->begin();
  if (!wish) return failed(wish.error());
  in_call = false;
  result = {0, {.wish = {0, 0, 0}}};
  if (*wish) {
    body_ = std::move(body);
    result.value.wish = {1, static_cast<std::uint8_t>((*wish)->unit), (*wish)->decoded};
  }
  return &result;
}

void* BodyExport::piece(const char* data, std::size_t size) {
  begin_with_piece();
  if (body_ == nullptr) return failed(not_begun);
  auto fate = body_->piece(size == 0 ? std::string_view("") : std::string_view(data, size));
  if (!fate || *fate == Fate::stop) body_ = nullptr;
  if (!fate) return failed(fate.error());
  in_call = false;
  result = {0, {.verdict = static_cast<std::uint8_t>(*fate)}};
  return &result;
}

void* BodyExport::end() {
  tollgate::begin();
  if (body_ == nullptr) return failed(not_begun);
  auto outcome = body_->end();
  body_ = nullptr;
  return ended(outcome);
}

Outcome<Verdict> answer(std::uint16_t status, std::string_view content_type,
                        std::string_view body) {
  answered = true;
  TOLLGATE_TRY(response::set_status(status));
  TOLLGATE_TRY(response::set_field("content-type", content_type));
  response::set_body(body);
  return Verdict::respond;
}

}  // namespace tollgate

using namespace tollgate;

// Only the host calls these.
extern "C" {
void* tg_cabi_realloc(void* old, std::size_t old_size, std::size_t alignment, std::size_t size);
void* tg_cabi_realloc_adapter(void* old, std::size_t old_size, std::size_t alignment,
                              std::size_t size);
abi::HookResult* tg_export_forward_request();
abi::HookResult* tg_export_return_response();
abi::HookResult* tg_export_start();

EXPORT("cabi_realloc")
void* tg_cabi_realloc(void* old, std::size_t old_size, std::size_t alignment, std::size_t size) {
  if (!in_call && !has_piece) {
    // What the last call returned has been read.
    arena().release();
    has_piece = true;
  }
  void* memory = arena().allocate(size, alignment);
  if (old_size != 0) std::memcpy(memory, old, std::min(old_size, size));
  return memory;
}

/// The adapter that stands in for wasi_snapshot_preview1 keeps its state in what this gives, so it must outlive a hook.
EXPORT("cabi_realloc_adapter")
void* tg_cabi_realloc_adapter(void* old, std::size_t old_size, std::size_t alignment,
                              std::size_t size) {
  void* memory = std::aligned_alloc(alignment, size);
  if (memory == nullptr) __builtin_trap();
  if (old_size != 0) {
    std::memcpy(memory, old, std::min(old_size, size));
    std::free(old);
  }
  return memory;
}

EXPORT(INTERCEPTOR "forward-request")
abi::HookResult* tg_export_forward_request() {
  begin();
  Outcome<Verdict> outcome = Verdict::forward;
  if (tollgate::forward_request != nullptr) outcome = tollgate::forward_request();
  if (!outcome) return failed(outcome.error());
  if (answered && *outcome == Verdict::forward)
    return failed("an answer was made, but the hook returned forward: return the answer");
  in_call = false;
  result = {0, {.verdict = static_cast<std::uint8_t>(*outcome)}};
  return &result;
}

/// Its errors keep the version out of service, in these words.
EXPORT("tollgate:proxy/lifecycle@0.1.0#start")
abi::HookResult* tg_export_start() {
  begin();
  Outcome<void> outcome;
  if (tollgate::start != nullptr) outcome = tollgate::start();
  return ended(outcome);
}

EXPORT(INTERCEPTOR "return-response")
abi::HookResult* tg_export_return_response() {
  begin();
  Outcome<void> outcome;
  if (tollgate::return_response != nullptr) outcome = tollgate::return_response();
  return ended(outcome);
}
}
