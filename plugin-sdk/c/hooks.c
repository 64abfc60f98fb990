/* The exported hooks: what happens before and after the plugin's own. */

#include "abi.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define INTERCEPTOR "tollgate:proxy/interceptor@0.1.0#"

/* A hook that the plugin doesn't define is NULL. */
__attribute__((weak)) tg_verdict tg_forward_request(void);
__attribute__((weak)) tg_outcome tg_return_response(void);
__attribute__((weak)) tg_outcome tg_start(void);

/* Whether the plugin rewrites bodies: TG_REQUEST_BODY and TG_RESPONSE_BODY define these. */
__attribute__((weak)) extern const bool tg_has_request_body, tg_has_response_body;

/* Names that are easily taken for those of the hooks. */
__attribute__((weak)) tg_verdict forward_request(void);
__attribute__((weak)) tg_outcome return_response(void);
__attribute__((weak)) tg_verdict tg_forward_requests(void);
__attribute__((weak)) tg_outcome tg_return_responses(void);
__attribute__((weak)) tg_verdict tg_on_request(void);
__attribute__((weak)) tg_outcome tg_on_response(void);

/* The C library's stdout, which is linked if the plugin prints anything; else there is no such variable, or it is NULL. */
__attribute__((weak)) extern FILE *volatile __stdout_used;

/* Only the host calls these. */
void *tg_cabi_realloc(void *old, size_t old_size, size_t alignment, size_t size);
void *tg_cabi_realloc_adapter(void *old, size_t old_size, size_t alignment, size_t size);
hook_result *tg_export_start(void);
hook_result *tg_export_forward_request(void);
hook_result *tg_export_return_response(void);

/* Whether a call of the plugin runs, and whether the host has taken memory for the piece of a body that it is about to give. */
static bool in_call, has_piece;

EXPORT("cabi_realloc")
void *tg_cabi_realloc(void *old, size_t old_size, size_t alignment, size_t size) {
  if (!in_call && !has_piece) {
    /* What the last call returned has been read. */
    tg_memory_reset();
    has_piece = true;
  }
  return tg_memory_resize(old_size == 0 ? NULL : old, old_size, alignment, size);
}

/* The adapter that stands in for wasi_snapshot_preview1 keeps its state in what this gives, so it must outlive a hook. */
EXPORT("cabi_realloc_adapter")
void *tg_cabi_realloc_adapter(void *old, size_t old_size, size_t alignment, size_t size) {
  void *memory = aligned_alloc(alignment, size);
  if (memory == NULL)
    abort();
  if (old_size != 0) {
    memcpy(memory, old, old_size < size ? old_size : size);
    free(old);
  }
  return memory;
}

/* Whether tg_answer or tg_respond was called in the tg_forward_request that runs. */
static bool answered;

/* Says what is wrong with the plugin and ends the instance. In the first call of a version that keeps it out of service. */
static _Noreturn void refuse(tg_text why) {
  tg_log(TG_CRITICAL, why);
  __builtin_trap();
}

/* A hook under another name would be missed silently. */
static void check_hooks(void) {
  if (tg_forward_request == NULL) {
    if (forward_request != NULL)
      refuse(TG("the function forward_request is no hook: name it tg_forward_request"));
    if (tg_forward_requests != NULL)
      refuse(TG("the function tg_forward_requests is no hook: name it tg_forward_request"));
    if (tg_on_request != NULL)
      refuse(TG("the function tg_on_request is no hook: name it tg_forward_request"));
  }
  if (tg_return_response == NULL) {
    if (return_response != NULL)
      refuse(TG("the function return_response is no hook: name it tg_return_response"));
    if (tg_return_responses != NULL)
      refuse(TG("the function tg_return_responses is no hook: name it tg_return_response"));
    if (tg_on_response != NULL)
      refuse(TG("the function tg_on_response is no hook: name it tg_return_response"));
    if (tg_forward_request == NULL && &tg_has_request_body == NULL && &tg_has_response_body == NULL)
      refuse(TG("the plugin has no hook: define tg_forward_request, tg_return_response or both"));
  }
}

/* What is printed must not wait in a buffer for the next exchange, or be lost in a trap. Runs before the plugin's own
 * constructors. */
__attribute__((constructor(101))) static void unbuffer(void) {
  if (&__stdout_used != NULL && __stdout_used != NULL)
    setvbuf(__stdout_used, NULL, _IONBF, 0);
}

void tg_call_with_piece_begins(void) {
  if (!has_piece)
    tg_memory_reset();
  in_call = true;
  has_piece = false;
}

void tg_call_begins(void) {
  has_piece = false;
  tg_call_with_piece_begins();
}

static void begin(void) {
  check_hooks();
  tg_call_begins();
  answered = false;
}

/* The host reads the result before the next call begins, and only then is the memory of this one freed. */
static hook_result result;

static hook_result *failed(tg_text error) {
  in_call = false;
  result = (hook_result){.failed = 1, .value.error = tg_as_utf8(error)};
  return &result;
}

EXPORT(INTERCEPTOR "forward-request")
hook_result *tg_export_forward_request(void) {
  begin();
  tg_verdict verdict = tg_forward_request == NULL ? tg_forward() : tg_forward_request();
  if (verdict.failed)
    return failed(verdict.error);
  if (answered && !verdict.responds)
    return failed(TG("an answer was made, but the hook returned forward: return the answer"));
  in_call = false;
  result = (hook_result){.value.responds = verdict.responds};
  return &result;
}

EXPORT(INTERCEPTOR "return-response")
hook_result *tg_export_return_response(void) {
  begin();
  tg_outcome outcome = tg_return_response == NULL ? tg_done() : tg_return_response();
  return tg_call_ends(outcome);
}

/* Its errors keep the version out of service, in these words. */
EXPORT("tollgate:proxy/lifecycle@0.1.0#start")
hook_result *tg_export_start(void) {
  begin();
  return tg_call_ends(tg_start == NULL ? tg_done() : tg_start());
}

void *tg_call_ends(tg_outcome outcome) {
  if (outcome.failed)
    return failed(outcome.error);
  in_call = false;
  result = (hook_result){.failed = 0};
  return &result;
}

void *tg_call_ends_with_wish(tg_wish wish) {
  if (wish.failed)
    return failed(wish.error);
  in_call = false;
  result = (hook_result){.value.wish = {wish.wanted, (uint8_t)wish.unit, wish.decoded}};
  return &result;
}

void *tg_call_ends_with_fate(tg_fate fate) {
  if (fate.failed)
    return failed(fate.error);
  in_call = false;
  result = (hook_result){.value.fate = fate.fate};
  return &result;
}

tg_verdict tg_respond(void) {
  answered = true;
  return (tg_verdict){.responds = true};
}

tg_verdict tg_answer(uint16_t status, tg_text content_type, tg_text body) {
  answered = true;
  TG_TRY_REQUEST(tg_response_set_status(status));
  TG_TRY_REQUEST(tg_response_set_field(TG("content-type"), content_type));
  tg_response_set_body(body);
  return tg_respond();
}
