;; A tour of what a plugin can do, the same in every language.
;;
;; It is also a tour of the canonical ABI, which says how the types of the contract (wit/) look from inside a module:
;;   - a string or a list is two numbers: the address of its first byte (of its first element), and its length;
;;   - a result that is not one number is written by the host to an address that the plugin gives as the last parameter,
;;     and by the plugin to an address that its function returns;
;;   - a variant (option, result) is a byte that says which case it is, and behind it, aligned, what the case holds;
;;   - memory for strings and lists that the host returns is taken from the function cabi_realloc.
;; tollgate makes a component of the module by the names of its imports and exports.
(module
  (import "tollgate:proxy/request@0.1.0" "method" (func $request_method (param $result i32)))
  (import "tollgate:proxy/request@0.1.0" "target" (func $request_target (param $result i32)))
  (import "tollgate:proxy/request@0.1.0" "set-field"
    (func $request_set_field (param $name i32) (param $name_length i32) (param $value i32) (param $value_length i32)
      (param $result i32)))
  (import "tollgate:proxy/response@0.1.0" "status" (func $response_status (result i32)))
  (import "tollgate:proxy/response@0.1.0" "field"
    (func $response_field (param $name i32) (param $name_length i32) (param $result i32)))
  (import "tollgate:proxy/response@0.1.0" "set-field"
    (func $response_set_field (param $name i32) (param $name_length i32) (param $value i32) (param $value_length i32)
      (param $result i32)))
  (import "tollgate:proxy/response@0.1.0" "body" (func $response_body (param $result i32)))
  (import "tollgate:proxy/response@0.1.0" "set-body" (func $response_set_body (param $body i32) (param $length i32)))
  (import "tollgate:proxy/exchange@0.1.0" "client-address" (func $client_address (param $result i32)))
  (import "tollgate:proxy/state@0.1.0" "increment"
    (func $increment (param $key i32) (param $key_length i32) (param $by i64) (param $has_ttl i32) (param $ttl i64) (param $result i32)))
  (import "tollgate:proxy/client@0.1.0" "send"
    (func $send (param $method i32) (param $method_length i32) (param $uri i32) (param $uri_length i32)
      (param $fields i32) (param $field_count i32) (param $body i32) (param $body_length i32)
      (param $has_timeout i32) (param $timeout i32) (param $result i32)))
  (import "tollgate:proxy/timer@0.1.0" "sleep" (func $sleep (param $ms i64)))
  (import "tollgate:proxy/metrics@0.1.0" "describe"
    (func $describe (param $name i32) (param $name_length i32) (param $help i32) (param $help_length i32)
      (param $buckets i32) (param $bucket_count i32)))
  (import "tollgate:proxy/metrics@0.1.0" "add"
    (func $add (param $name i32) (param $name_length i32) (param $by f64) (param $labels i32) (param $label_count i32)))
  (import "tollgate:proxy/metrics@0.1.0" "observe"
    (func $observe (param $name i32) (param $name_length i32) (param $value f64) (param $labels i32) (param $label_count i32)))
  (import "tollgate:proxy/body-sink@0.1.0" "emit" (func $emit (param $data i32) (param $length i32)))
  (import "wasi:config/store@0.2.0-rc.1" "get" (func $get_setting (param $key i32) (param $key_length i32) (param $result i32)))
  (import "wasi:logging/logging@0.1.0-draft" "log"
    (func $log (param $level i32) (param $context i32) (param $context_length i32) (param $message i32)
      (param $message_length i32)))

  ;; The memory: constants, then the settings, then what a call is given and makes.
  (memory (export "memory") 1)

  ;; 0 to 31: where the host writes its results.
  (global $result i32 (i32.const 0))

  ;; What the hooks return. forward-request: result<verdict, string>, so the case (0 ok, 1 err), three bytes of padding,
  ;; and the verdict (0 forward, 1 respond), or address and length of the text. return-response: the same without a verdict.
  (global $forward i32 (i32.const 32))
  (data (i32.const 32) "\00\00\00\00" "\00")
  (global $respond i32 (i32.const 48))
  (data (i32.const 48) "\00\00\00\00" "\01")
  (global $refused i32 (i32.const 64))
  (data (i32.const 64) "\01\00\00\00" "\50\00\00\00" "\0f\00\00\00") ;; 0x50 is 80
  (data (i32.const 80) "x-tour: refused")
  (global $wrong_window i32 (i32.const 1120))
  (data (i32.const 1120) "\01\00\00\00" "\c0\04\00\00" "\2e\00\00\00")
  (data (i32.const 1216) "window: expected whole seconds from 1 to 86400")
  (global $wrong_delay i32 (i32.const 1136))
  (data (i32.const 1136) "\01\00\00\00" "\00\05\00\00" "\32\00\00\00")
  (data (i32.const 1280) "delay: expected whole milliseconds from 0 to 60000")
  (global $wrong_lookup i32 (i32.const 1152))
  (data (i32.const 1152) "\01\00\00\00" "\40\05\00\00" "\29\00\00\00")
  (data (i32.const 1344) "lookup: expected a URL with http or https")
  (global $count_refused i32 (i32.const 1168))
  (data (i32.const 1168) "\01\00\00\00" "\80\05\00\00" "\15\00\00\00")
  (data (i32.const 1408) "x-tour-count: refused")
  (global $lookup_refused i32 (i32.const 1184))
  (data (i32.const 1184) "\01\00\00\00" "\a0\05\00\00" "\16\00\00\00")
  (data (i32.const 1440) "x-tour-lookup: refused")

  ;; The same for bodies. begin: result<option<body-wish>, string>, so the case, padding, the case of the option, the unit (3 events)
  ;; and whether the body is decoded; `$forward` is a wish for nothing. piece: result<fate, string>.
  (global $events_decoded i32 (i32.const 1200))
  (data (i32.const 1200) "\00\00\00\00" "\01\03\01")
  (global $keep i32 (i32.const 32))
  (global $replace_piece i32 (i32.const 48))

  (data (i32.const 96) "x-tour")
  (data (i32.const 112) "content-type")
  (data (i32.const 128) "text/plain; charset=utf-8")
  (data (i32.const 160) "application/json")
  (data (i32.const 176) "mark")
  (data (i32.const 192) "none")
  (data (i32.const 208) "greeting")
  (data (i32.const 224) "/tour")
  (data (i32.const 240) "tour: ")
  (data (i32.const 256) "forward ")
  (data (i32.const 272) "return ")
  (data (i32.const 288) "body: not available")
  (data (i32.const 320) "true")
  (data (i32.const 328) "false")
  (data (i32.const 336) "null")
  (data (i32.const 344) "0123456789abcdef")
  (data (i32.const 384) "window")
  (data (i32.const 400) "delay")
  (data (i32.const 416) "lookup")
  (data (i32.const 432) "http://")
  (data (i32.const 448) "https://")
  (data (i32.const 464) "count ")
  (data (i32.const 480) "count: ")
  (data (i32.const 496) "unknown")
  (data (i32.const 512) "failed")
  (data (i32.const 528) "lookup: ")
  (data (i32.const 544) "lookup: status ")
  (data (i32.const 560) "x-tour-count")
  (data (i32.const 576) "x-tour-lookup")
  (data (i32.const 592) "GET")
  (data (i32.const 608) "tour_responses")
  (data (i32.const 624) "tour_stream_events")
  (data (i32.const 656) "Responses by class of status")
  (data (i32.const 688) "Events of a stream")
  (data (i32.const 720) "class")
  (data (i32.const 736) "2xx")
  ;; A list of one label, class=2xx: address and length of name and value.
  (data (i32.const 752) "\d0\02\00\00" "\05\00\00\00" "\e0\02\00\00" "\03\00\00\00")
  ;; The bounds of a histogram's buckets as 64-bit floating-point numbers: 1, 10, 100, 1000.
  (data (i32.const 768)
    "\00\00\00\00\00\00\f0\3f"
    "\00\00\00\00\00\00\24\40"
    "\00\00\00\00\00\00\59\40"
    "\00\00\00\00\00\40\8f\40")
  (data (i32.const 800) "text/event-stream")
  (data (i32.const 832) "data")
  (data (i32.const 848) "hello")
  (data (i32.const 864) "data: ")
  (data (i32.const 880) "\0a")

  ;; The names of the cases of state-error, in their order; sixteen bytes each, of which the first is the length.
  (global $state_errors i32 (i32.const 896))
  (data (i32.const 896) "\09too-large")
  (data (i32.const 912) "\04full")
  (data (i32.const 928) "\0cnot-a-number")
  (data (i32.const 944) "\09timed-out")
  (data (i32.const 960) "\0bunavailable")

  ;; The names of the cases of send-error, in their order; sixteen bytes each, of which the first is the length.
  (global $send_errors i32 (i32.const 976))
  (data (i32.const 976) "\06denied")
  (data (i32.const 992) "\0finvalid-request")
  (data (i32.const 1008) "\0aunresolved")
  (data (i32.const 1024) "\0bunreachable")
  (data (i32.const 1040) "\03tls")
  (data (i32.const 1056) "\09timed-out")
  (data (i32.const 1072) "\09too-large")
  (data (i32.const 1088) "\08protocol")
  (data (i32.const 1104) "\08too-many")

  (global $info i32 (i32.const 2))
  (global $warn i32 (i32.const 3))

  ;; ---------------------------------------------------------------------------------------------------------------------
  ;; Memory is given out upwards, and each hook begins anew behind the settings: nothing else is kept from one hook to the next, so
  ;; nothing need ever be freed, and the memory grows no larger than the largest exchange needs.

  (global $heap (mut i32) (i32.const 4096))
  (global $free (mut i32) (i32.const 4096))

  (func $allocate (param $size i32) (result i32)
    (local $start i32) (local $missing i32)
    ;; The next multiple of eight, which fits every type.
    (local.set $start (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $start) (local.get $size)))
    ;; Addresses have no sign, and the sum may not pass the last one.
    (if (i32.lt_u (global.get $free) (local.get $start)) (then unreachable))
    (local.set $missing (i32.sub (call $pages (global.get $free)) (memory.size)))
    (if (i32.gt_s (local.get $missing) (i32.const 0)) (then
      (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then unreachable))))
    (local.get $start))

  ;; How many pages of 64 KiB hold that many bytes.
  (func $pages (param $bytes i32) (result i32)
    (i32.add (i32.shr_u (local.get $bytes) (i32.const 16))
      (i32.ne (i32.and (local.get $bytes) (i32.const 0xffff)) (i32.const 0))))

  ;; The host takes memory here. It may ask for more room for what it has; then the bytes move.
  (func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $start i32)
    (local.set $start (call $allocate (local.get $size)))
    (memory.copy (local.get $start) (local.get $old)
      (select (local.get $old_size) (local.get $size) (i32.lt_u (local.get $old_size) (local.get $size))))
    (local.get $start))

  ;; ---------------------------------------------------------------------------------------------------------------------
  ;; Text is put together where $out points, which is in memory that was allocated for it.

  (global $out (mut i32) (i32.const 0))

  (func $put (param $text i32) (param $length i32)
    (memory.copy (global.get $out) (local.get $text) (local.get $length))
    (global.set $out (i32.add (global.get $out) (local.get $length))))

  (func $put_byte (param $byte i32)
    (i32.store8 (global.get $out) (local.get $byte))
    (global.set $out (i32.add (global.get $out) (i32.const 1))))

  ;; Whether the bytes at two addresses are the same.
  (func $same (param $one i32) (param $other i32) (param $length i32) (result i32)
    (block $differ
      (loop $next
        (if (i32.eqz (local.get $length)) (then (return (i32.const 1))))
        (br_if $differ (i32.ne (i32.load8_u (local.get $one)) (i32.load8_u (local.get $other))))
        (local.set $one (i32.add (local.get $one) (i32.const 1)))
        (local.set $other (i32.add (local.get $other) (i32.const 1)))
        (local.set $length (i32.sub (local.get $length) (i32.const 1)))
        (br $next)))
    (i32.const 0))

  ;; ---------------------------------------------------------------------------------------------------------------------
  ;; The settings, which are read when an instance starts.

  (global $mark (mut i32) (i32.const 192))
  (global $mark_length (mut i32) (i32.const 4))
  ;; In milliseconds; 0 is none.
  (global $window (mut i64) (i64.const 0))
  (global $delay (mut i64) (i64.const 0))
  ;; 0 is none.
  (global $lookup (mut i32) (i32.const 0))
  (global $lookup_length (mut i32) (i32.const 0))

  (func (export "tollgate:proxy/lifecycle@0.1.0#start") (result i32)
    (local $number i32)
    (global.set $free (global.get $heap))
    (if (call $setting (i32.const 176) (i32.const 4)) (then
      (global.set $mark (i32.load (i32.const 8)))
      (global.set $mark_length (i32.load (i32.const 12)))))
    (if (call $setting (i32.const 384) (i32.const 6)) (then
      (local.set $number (call $whole (i32.load (i32.const 8)) (i32.load (i32.const 12))))
      (if (i32.eqz (call $is_between (local.get $number) (i32.const 1) (i32.const 86400)))
        (then (return (global.get $wrong_window))))
      (global.set $window (i64.mul (i64.extend_i32_u (local.get $number)) (i64.const 1000)))))
    (if (call $setting (i32.const 400) (i32.const 5)) (then
      (local.set $number (call $whole (i32.load (i32.const 8)) (i32.load (i32.const 12))))
      (if (i32.eqz (call $is_between (local.get $number) (i32.const 0) (i32.const 60000)))
        (then (return (global.get $wrong_delay))))
      (global.set $delay (i64.extend_i32_u (local.get $number)))))
    (if (call $setting (i32.const 416) (i32.const 6)) (then
      (global.set $lookup (i32.load (i32.const 8)))
      (global.set $lookup_length (i32.load (i32.const 12)))
      (if (i32.eqz (i32.or
          (call $begins_with (global.get $lookup) (global.get $lookup_length) (i32.const 432) (i32.const 7))
          (call $begins_with (global.get $lookup) (global.get $lookup_length) (i32.const 448) (i32.const 8))))
        (then (return (global.get $wrong_lookup))))))
    (call $describe (i32.const 608) (i32.const 14) (i32.const 656) (i32.const 28) (i32.const 0) (i32.const 0))
    (call $describe (i32.const 624) (i32.const 18) (i32.const 688) (i32.const 18) (i32.const 768) (i32.const 4))
    ;; What was taken so far stays.
    (global.set $heap (global.get $free))
    (global.get $forward))

  ;; Whether a setting is there. `get` returns result<option<string>, error>: 0 the case of the result, 4 the case of the option,
  ;; 8 address, 12 length. A host that can't read its settings has said so in its own log; go on without.
  (func $setting (param $key i32) (param $length i32) (result i32)
    (call $get_setting (local.get $key) (local.get $length) (global.get $result))
    (i32.and (i32.eqz (i32.load8_u (i32.const 0))) (i32.load8_u (i32.const 4))))

  ;; A number in at most five decimal digits; -1 if it is none, which as a number without sign is larger than any.
  (func $whole (param $text i32) (param $length i32) (result i32)
    (local $end i32) (local $digit i32) (local $number i32)
    (if (i32.eqz (call $is_between (local.get $length) (i32.const 1) (i32.const 5))) (then (return (i32.const -1))))
    (local.set $end (i32.add (local.get $text) (local.get $length)))
    (loop $next
      (local.set $digit (i32.sub (i32.load8_u (local.get $text)) (i32.const 0x30)))
      (if (i32.gt_u (local.get $digit) (i32.const 9)) (then (return (i32.const -1))))
      (local.set $number (i32.add (i32.mul (local.get $number) (i32.const 10)) (local.get $digit)))
      (local.set $text (i32.add (local.get $text) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $text) (local.get $end))))
    (local.get $number))

  (func $begins_with (param $text i32) (param $length i32) (param $start i32) (param $start_length i32) (result i32)
    (if (i32.lt_u (local.get $length) (local.get $start_length)) (then (return (i32.const 0))))
    (call $same (local.get $text) (local.get $start) (local.get $start_length)))

  ;; ---------------------------------------------------------------------------------------------------------------------
  ;; The hooks.

  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (local $target i32) (local $target_length i32)
    (global.set $free (global.get $heap))
    (call $request_target (global.get $result))
    (local.set $target (i32.load (i32.const 0)))
    (local.set $target_length (i32.load (i32.const 4)))
    (call $log_request (local.get $target) (local.get $target_length))
    ;; result<_, field-error>: 0 the case. Why it was refused doesn't matter here.
    (call $request_set_field (i32.const 96) (i32.const 6) (global.get $mark) (global.get $mark_length) (global.get $result))
    (if (i32.load8_u (i32.const 0)) (then (return (global.get $refused))))
    (if (i32.eq (call $path_length (local.get $target) (local.get $target_length)) (i32.const 5)) (then
      (if (call $same (local.get $target) (i32.const 224) (i32.const 5)) (then
        (return (call $answer))))))
    (if (i64.ne (global.get $window) (i64.const 0)) (then
      (if (call $count) (then (return (global.get $count_refused))))))
    (if (i64.ne (global.get $delay) (i64.const 0)) (then (call $sleep (global.get $delay))))
    (if (global.get $lookup) (then
      (if (call $look_up) (then (return (global.get $lookup_refused))))))
    (global.get $forward))

  ;; Sets x-tour-count to how many requests the client has sent in its window, or to `unknown`. 1 if the host refuses the field.
  (func $count (result i32)
    (local $address i32) (local $length i32) (local $key i32) (local $text i32)
    (call $client_address (global.get $result))
    (local.set $address (i32.load (i32.const 0)))
    (local.set $length (i32.load (i32.const 4)))
    ;; Without its port.
    (loop $shorter
      (if (local.get $length) (then
        (local.set $length (i32.sub (local.get $length) (i32.const 1)))
        (br_if $shorter (i32.ne (i32.load8_u (i32.add (local.get $address) (local.get $length))) (i32.const 0x3a))))))
    (local.set $key (call $allocate (i32.add (i32.const 6) (local.get $length))))
    (global.set $out (local.get $key))
    (call $put (i32.const 464) (i32.const 6)) ;; count
    (call $put (local.get $address) (local.get $length))
    (call $increment (local.get $key) (i32.sub (global.get $out) (local.get $key)) (i64.const 1) (i32.const 1) (global.get $window)
      (global.get $result))
    ;; result<s64, state-error>: 0 the case, 8 the sum, or the case of the error; at 8 because a 64-bit number must be aligned.
    (if (i32.load8_u (i32.const 0)) (then
      (call $log_reason (i32.const 480) (i32.const 7) (global.get $state_errors) (i32.load8_u (i32.const 8)))
      (call $request_set_field (i32.const 560) (i32.const 12) (i32.const 496) (i32.const 7) (global.get $result))
      (return (i32.load8_u (i32.const 0)))))
    (local.set $text (call $allocate (i32.const 20)))
    (global.set $out (local.get $text))
    (call $put_number (i64.load (i32.const 8)))
    (call $request_set_field (i32.const 560) (i32.const 12) (local.get $text) (i32.sub (global.get $out) (local.get $text))
      (global.get $result))
    (i32.load8_u (i32.const 0)))

  ;; Sets x-tour-lookup to what a server says, or to `failed`. 1 if the host refuses the field.
  (func $look_up (result i32)
    (local $fields i32)
    ;; A list of one field: address and length of name and value.
    (local.set $fields (call $allocate (i32.const 16)))
    (i32.store (local.get $fields) (i32.const 96))
    (i32.store offset=4 (local.get $fields) (i32.const 6))
    (i32.store offset=8 (local.get $fields) (global.get $mark))
    (i32.store offset=12 (local.get $fields) (global.get $mark_length))
    ;; The record's parts are parameters. At most 2000 ms.
    (call $send (i32.const 592) (i32.const 3) (global.get $lookup) (global.get $lookup_length) (local.get $fields) (i32.const 1)
      (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 2000) (global.get $result))
    ;; result<incoming-response, send-error>: 0 the case; 4 the status, 16 address and 20 length of the body; or 4 the case of the error.
    (block $failed
      (if (i32.load8_u (i32.const 0)) (then
        (call $log_reason (i32.const 528) (i32.const 8) (global.get $send_errors) (i32.load8_u (i32.const 4)))
        (br $failed)))
      (if (i32.ne (i32.load16_u (i32.const 4)) (i32.const 200)) (then
        (call $log_number (global.get $warn) (i32.const 544) (i32.const 15) (i32.load16_u (i32.const 4)))
        (br $failed)))
      (call $request_set_field (i32.const 576) (i32.const 13) (i32.load (i32.const 16)) (i32.load (i32.const 20)) (global.get $result))
      (return (i32.load8_u (i32.const 0))))
    (call $request_set_field (i32.const 576) (i32.const 13) (i32.const 512) (i32.const 6) (global.get $result))
    (i32.load8_u (i32.const 0)))

  ;; Logs a text and the name of an error's case.
  (func $log_reason (param $text i32) (param $length i32) (param $names i32) (param $case i32)
    (local $line i32)
    (local.set $names (i32.add (local.get $names) (i32.mul (local.get $case) (i32.const 16))))
    (local.set $line (call $allocate (i32.add (local.get $length) (i32.const 15))))
    (global.set $out (local.get $line))
    (call $put (local.get $text) (local.get $length))
    (call $put (i32.add (local.get $names) (i32.const 1)) (i32.load8_u (local.get $names)))
    (call $log_line (global.get $warn) (local.get $line)))

  ;; Logs a text and a number.
  (func $log_number (param $level i32) (param $text i32) (param $length i32) (param $number i32)
    (local $line i32)
    (local.set $line (call $allocate (i32.add (local.get $length) (i32.const 20))))
    (global.set $out (local.get $line))
    (call $put (local.get $text) (local.get $length))
    (call $put_number (i64.extend_i32_u (local.get $number)))
    (call $log_line (local.get $level) (local.get $line)))

  ;; Puts a number in decimal, which takes twenty bytes at most.
  (func $put_number (param $number i64)
    (if (i64.lt_s (local.get $number) (i64.const 0)) (then
      (call $put_byte (i32.const 0x2d))
      (local.set $number (i64.sub (i64.const 0) (local.get $number)))))
    (call $put_digits (local.get $number)))

  ;; Without a sign, so that the smallest number has a positive one too.
  (func $put_digits (param $number i64)
    (if (i64.ge_u (local.get $number) (i64.const 10)) (then
      (call $put_digits (i64.div_u (local.get $number) (i64.const 10)))))
    (call $put_byte (i32.add (i32.const 0x30) (i32.wrap_i64 (i64.rem_u (local.get $number) (i64.const 10))))))

  (func $log_request (param $target i32) (param $target_length i32)
    (local $method i32) (local $method_length i32) (local $line i32)
    (call $request_method (global.get $result))
    (local.set $method (i32.load (i32.const 0)))
    (local.set $method_length (i32.load (i32.const 4)))
    (local.set $line (call $allocate
      (i32.add (i32.const 9) (i32.add (local.get $method_length) (local.get $target_length)))))
    (global.set $out (local.get $line))
    (call $put (i32.const 256) (i32.const 8)) ;; forward
    (call $put (local.get $method) (local.get $method_length))
    (call $put_byte (i32.const 0x20))
    (call $put (local.get $target) (local.get $target_length))
    (call $log_line (global.get $info) (local.get $line)))

  ;; Logs from an address to where $out is. The context is empty.
  (func $log_line (param $level i32) (param $line i32)
    (call $log (local.get $level) (i32.const 0) (i32.const 0)
      (local.get $line) (i32.sub (global.get $out) (local.get $line))))

  ;; How many bytes of the target stand in front of its question mark.
  (func $path_length (param $target i32) (param $length i32) (result i32)
    (local $at i32)
    (loop $next
      (if (i32.lt_u (local.get $at) (local.get $length)) (then
        (if (i32.ne (i32.load8_u (i32.add (local.get $target) (local.get $at))) (i32.const 0x3f)) (then
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $next))))))
    (local.get $at))

  ;; The response is an empty 200 so far.
  (func $answer (result i32)
    (local $body i32)
    (call $response_set_field (i32.const 112) (i32.const 12) (i32.const 128) (i32.const 25) (global.get $result))
    (if (i32.load8_u (i32.const 0)) (then (return (global.get $refused))))
    (local.set $body (call $allocate (i32.add (global.get $mark_length) (i32.const 7))))
    (global.set $out (local.get $body))
    (call $put (i32.const 240) (i32.const 6)) ;; tour:
    (call $put (global.get $mark) (global.get $mark_length))
    (call $put_byte (i32.const 0x0a))
    (call $response_set_body (local.get $body) (i32.sub (global.get $out) (local.get $body)))
    (global.get $respond))

  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (local $status i32)
    (global.set $free (global.get $heap))
    (call $response_set_field (i32.const 96) (i32.const 6) (global.get $mark) (global.get $mark_length) (global.get $result))
    (if (i32.load8_u (i32.const 0)) (then (return (global.get $refused))))
    (if (call $has_type (i32.const 160) (i32.const 16)) (then (call $greet)))
    (local.set $status (call $response_status))
    ;; The label is 2xx or another digit.
    (i32.store8 (i32.const 736) (i32.add (i32.const 0x30) (i32.div_u (local.get $status) (i32.const 100))))
    (call $add (i32.const 608) (i32.const 14) (f64.const 1) (i32.const 752) (i32.const 1))
    (call $log_number (global.get $info) (i32.const 272) (i32.const 7) (local.get $status)) ;; return
    (global.get $forward))

  ;; Whether the field content-type begins with a text. option<list<u8>>: 0 the case, 4 address, 8 length.
  (func $has_type (param $start i32) (param $length i32) (result i32)
    (call $response_field (i32.const 112) (i32.const 12) (global.get $result))
    (if (i32.eqz (i32.load8_u (i32.const 0))) (then (return (i32.const 0))))
    (call $begins_with (i32.load (i32.const 4)) (i32.load (i32.const 8)) (local.get $start) (local.get $length)))

  ;; Puts the mark into the body's member `greeting`. result<list<u8>, body-error>: 0 the case, 8 address, 12 length; at 8
  ;; and not at 4, because an error may hold a 64-bit number.
  (func $greet
    (call $response_body (global.get $result))
    (if (i32.load8_u (i32.const 0)) (then
      (call $log (global.get $warn) (i32.const 0) (i32.const 0) (i32.const 288) (i32.const 19))
      (return)))
    (call $replace (i32.load (i32.const 8)) (i32.load (i32.const 12))))

  ;; ---------------------------------------------------------------------------------------------------------------------
  ;; The body of a response, if it is an event stream. An instance has one body at a time.

  ;; How many events it has had.
  (global $events (mut i32) (i32.const 0))

  (func (export "tollgate:proxy/response-body@0.1.0#begin") (result i32)
    (global.set $free (global.get $heap))
    (global.set $events (i32.const 0))
    (if (call $has_type (i32.const 800) (i32.const 17)) (then (return (global.get $events_decoded))))
    (global.get $forward))

  ;; The event is in memory that the host has taken before, so memory is given back when the call ends, not when it begins.
  (func (export "tollgate:proxy/response-body@0.1.0#piece") (param $event i32) (param $length i32) (result i32)
    (local $end i32) (local $fresh i32) (local $fate i32)
    (global.set $events (i32.add (global.get $events) (i32.const 1)))
    (local.set $end (i32.add (local.get $event) (local.get $length)))
    (local.set $fate (global.get $keep))
    (if (call $greets (local.get $event) (local.get $end)) (then
      ;; Each byte of the event takes two at most, and each of the mark eight: a line break becomes another with `data: ` behind it.
      (local.set $fresh (call $allocate (i32.add (i32.const 16)
        (i32.add (i32.mul (local.get $length) (i32.const 2)) (i32.mul (global.get $mark_length) (i32.const 8))))))
      (global.set $out (local.get $fresh))
      (call $put_event (local.get $event) (local.get $end))
      (call $emit (local.get $fresh) (i32.sub (global.get $out) (local.get $fresh)))
      (local.set $fate (global.get $replace_piece))))
    (global.set $free (global.get $heap))
    (local.get $fate))

  (func (export "tollgate:proxy/response-body@0.1.0#end") (result i32)
    (call $observe (i32.const 624) (i32.const 18) (f64.convert_i32_u (global.get $events)) (i32.const 0) (i32.const 0))
    (global.get $forward))

  ;; Whether the data of an event, which are the values of its lines `data`, begin with hello.
  (func $greets (param $at i32) (param $end i32) (result i32)
    (local $text_end i32) (local $value i32)
    (loop $next
      (if (i32.eq (local.get $at) (local.get $end)) (then (return (i32.const 0))))
      (local.set $text_end (call $line_end (local.get $at) (local.get $end)))
      (local.set $value (call $data_value (local.get $at) (local.get $text_end)))
      (local.set $at (call $next_line (local.get $text_end) (local.get $end)))
      (br_if $next (i32.eqz (local.get $value))))
    (call $begins_with (local.get $value) (i32.sub (local.get $text_end) (local.get $value)) (i32.const 848) (i32.const 5)))

  ;; Puts an event with the mark in the place of its hello. All lines of data stand where the first one was, or at a blank line before
  ;; it, and have the line end of that place.
  (func $put_event (param $event i32) (param $end i32)
    (local $at i32) (local $text_end i32) (local $next i32) (local $is_data i32) (local $written i32)
    (local $break i32) (local $break_length i32)
    (local.set $at (local.get $event))
    (local.set $break (i32.const 880)) ;; line feed
    (local.set $break_length (i32.const 1))
    (loop $each
      (if (i32.eq (local.get $at) (local.get $end)) (then (return)))
      (local.set $text_end (call $line_end (local.get $at) (local.get $end)))
      (local.set $next (call $next_line (local.get $text_end) (local.get $end)))
      (if (i32.ne (local.get $next) (local.get $text_end)) (then
        (local.set $break (local.get $text_end))
        (local.set $break_length (i32.sub (local.get $next) (local.get $text_end)))))
      (local.set $is_data (i32.ne (call $data_value (local.get $at) (local.get $text_end)) (i32.const 0)))
      (if (i32.and (i32.or (local.get $is_data) (i32.eq (local.get $at) (local.get $text_end))) (i32.eqz (local.get $written))) (then
        (call $put_data (local.get $event) (local.get $end) (local.get $break) (local.get $break_length))
        (local.set $written (i32.const 1))))
      (if (i32.eqz (local.get $is_data)) (then
        (call $put (local.get $at) (i32.sub (local.get $next) (local.get $at)))))
      (local.set $at (local.get $next))
      (br $each)))

  ;; Puts all lines of data of an event. The first begins with the mark instead of hello.
  (func $put_data (param $at i32) (param $end i32) (param $break i32) (param $break_length i32)
    (local $text_end i32) (local $value i32) (local $is_later i32)
    (loop $next
      (if (i32.eq (local.get $at) (local.get $end)) (then (return)))
      (local.set $text_end (call $line_end (local.get $at) (local.get $end)))
      (local.set $value (call $data_value (local.get $at) (local.get $text_end)))
      (if (local.get $value) (then
        (call $put (i32.const 864) (i32.const 6)) ;; data:
        (if (i32.eqz (local.get $is_later)) (then
          (call $put_mark (local.get $break) (local.get $break_length))
          (local.set $value (i32.add (local.get $value) (i32.const 5)))
          (local.set $is_later (i32.const 1))))
        (call $put (local.get $value) (i32.sub (local.get $text_end) (local.get $value)))
        (call $put (local.get $break) (local.get $break_length))))
      (local.set $at (call $next_line (local.get $text_end) (local.get $end)))
      (br $next)))

  ;; Puts the mark. A line break in it would end the field, so each of its lines becomes a field.
  (func $put_mark (param $break i32) (param $break_length i32)
    (local $at i32) (local $end i32) (local $text_end i32)
    (local.set $at (global.get $mark))
    (local.set $end (i32.add (global.get $mark) (global.get $mark_length)))
    (loop $next
      (local.set $text_end (call $line_end (local.get $at) (local.get $end)))
      (call $put (local.get $at) (i32.sub (local.get $text_end) (local.get $at)))
      (local.set $at (call $next_line (local.get $text_end) (local.get $end)))
      (if (i32.ne (local.get $at) (local.get $text_end)) (then
        (call $put (local.get $break) (local.get $break_length))
        (call $put (i32.const 864) (i32.const 6)) ;; data:
        (br $next)))))

  ;; Where the line that begins here ends: at a CR, an LF, or the end.
  (func $line_end (param $at i32) (param $end i32) (result i32)
    (local $byte i32)
    (block $found
      (loop $next
        (br_if $found (i32.eq (local.get $at) (local.get $end)))
        (local.set $byte (i32.load8_u (local.get $at)))
        (br_if $found (i32.or (i32.eq (local.get $byte) (i32.const 0x0d)) (i32.eq (local.get $byte) (i32.const 0x0a))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (local.get $at))

  ;; Where the line behind a line's end begins. The line break is a CR, an LF, both, or none at the end.
  (func $next_line (param $at i32) (param $end i32) (result i32)
    (if (i32.eq (local.get $at) (local.get $end)) (then (return (local.get $end))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (if (i32.eq (local.get $at) (local.get $end)) (then (return (local.get $end))))
    ;; An LF behind a CR belongs to it.
    (i32.add (local.get $at) (i32.and
      (i32.eq (i32.load8_u (i32.sub (local.get $at) (i32.const 1))) (i32.const 0x0d))
      (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x0a)))))

  ;; Where the value of a line `data` begins, behind the colon and one space; 0 if the line has another name, or none.
  (func $data_value (param $at i32) (param $end i32) (result i32)
    (local $value i32)
    (if (i32.eqz (call $begins_with (local.get $at) (i32.sub (local.get $end) (local.get $at)) (i32.const 832) (i32.const 4)))
      (then (return (i32.const 0))))
    (local.set $value (i32.add (local.get $at) (i32.const 4)))
    (if (i32.eq (local.get $value) (local.get $end)) (then (return (local.get $end))))
    (if (i32.ne (i32.load8_u (local.get $value)) (i32.const 0x3a)) (then (return (i32.const 0))))
    (local.set $value (i32.add (local.get $value) (i32.const 1)))
    (if (i32.eq (local.get $value) (local.get $end)) (then (return (local.get $end))))
    (i32.add (local.get $value) (i32.eq (i32.load8_u (local.get $value)) (i32.const 0x20))))

  ;; ---------------------------------------------------------------------------------------------------------------------
  ;; Replacing one value in JSON, every other byte as it was.

  ;; Where the value of the first top-level member `greeting` stands; 0 if there is none, which is no address of a body.
  (global $value_start (mut i32) (i32.const 0))
  (global $value_end (mut i32) (i32.const 0))

  (func $replace (param $body i32) (param $length i32)
    (local $end i32) (local $fresh i32)
    (local.set $end (i32.add (local.get $body) (local.get $length)))
    (if (i32.eqz (call $is_utf8 (local.get $body) (local.get $end))) (then (return)))
    (if (i32.eqz (call $json_text (local.get $body) (local.get $end))) (then (return)))
    (if (i32.eqz (global.get $value_start)) (then (return)))
    ;; Each byte of the mark takes six at most: \u001f.
    (local.set $fresh (call $allocate
      (i32.add (local.get $length) (i32.add (i32.const 2) (i32.mul (global.get $mark_length) (i32.const 6))))))
    (global.set $out (local.get $fresh))
    (call $put (local.get $body) (i32.sub (global.get $value_start) (local.get $body)))
    (call $put_quoted (global.get $mark) (i32.add (global.get $mark) (global.get $mark_length)))
    (call $put (global.get $value_end) (i32.sub (local.get $end) (global.get $value_end)))
    (call $response_set_body (local.get $fresh) (i32.sub (global.get $out) (local.get $fresh))))

  ;; Puts a text as a JSON string: a backslash in front of quotes and backslashes, control characters as \u00xx.
  (func $put_quoted (param $at i32) (param $end i32)
    (local $byte i32)
    (call $put_byte (i32.const 0x22))
    (loop $next
      (if (i32.lt_u (local.get $at) (local.get $end)) (then
        (local.set $byte (i32.load8_u (local.get $at)))
        (if (i32.lt_u (local.get $byte) (i32.const 0x20))
          (then (call $put_control (local.get $byte)))
          (else
            (if (i32.or (i32.eq (local.get $byte) (i32.const 0x22)) (i32.eq (local.get $byte) (i32.const 0x5c)))
              (then (call $put_byte (i32.const 0x5c))))
            (call $put_byte (local.get $byte))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next))))
    (call $put_byte (i32.const 0x22)))

  (func $put_control (param $byte i32)
    (call $put_byte (i32.const 0x5c)) ;; \
    (call $put_byte (i32.const 0x75)) ;; u
    (call $put_byte (i32.const 0x30)) ;; 0
    (call $put_byte (i32.const 0x30)) ;; 0
    (call $put (i32.add (i32.const 344) (i32.shr_u (local.get $byte) (i32.const 4))) (i32.const 1))
    (call $put (i32.add (i32.const 344) (i32.and (local.get $byte) (i32.const 15))) (i32.const 1)))

  ;; ---------------------------------------------------------------------------------------------------------------------
  ;; A scanner for JSON (RFC 8259). Each function takes what it is named after from where $at is, and says whether it was
  ;; there: 1 or 0. After a 0 nothing else counts.

  (global $at (mut i32) (i32.const 0))
  (global $end (mut i32) (i32.const 0))
  ;; How many objects and arrays are open; more than 128 count as not valid, which also bounds the recursion here.
  (global $depth (mut i32) (i32.const 0))

  ;; The whole of it is one value and white space around.
  (func $json_text (param $start i32) (param $end i32) (result i32)
    (global.set $at (local.get $start))
    (global.set $end (local.get $end))
    (global.set $depth (i32.const 0))
    (global.set $value_start (i32.const 0))
    (if (i32.eqz (call $value)) (then (return (i32.const 0))))
    (call $skip_space)
    (i32.eq (global.get $at) (global.get $end)))

  ;; The byte where we are; -1 behind the last.
  (func $peek (result i32)
    (if (i32.ge_u (global.get $at) (global.get $end)) (then (return (i32.const -1))))
    (i32.load8_u (global.get $at)))

  (func $skip
    (global.set $at (i32.add (global.get $at) (i32.const 1))))

  ;; Takes this byte if it is next.
  (func $take (param $byte i32) (result i32)
    (if (i32.ne (call $peek) (local.get $byte)) (then (return (i32.const 0))))
    (call $skip)
    (i32.const 1))

  (func $skip_space
    (loop $next
      (if (call $is_space (call $peek)) (then
        (call $skip)
        (br $next)))))

  (func $is_space (param $byte i32) (result i32)
    (i32.or
      (i32.or (i32.eq (local.get $byte) (i32.const 0x20)) (i32.eq (local.get $byte) (i32.const 0x09)))
      (i32.or (i32.eq (local.get $byte) (i32.const 0x0a)) (i32.eq (local.get $byte) (i32.const 0x0d)))))

  (func $value (result i32)
    (local $byte i32)
    (call $skip_space)
    (local.set $byte (call $peek))
    (if (i32.eq (local.get $byte) (i32.const 0x7b)) (then (return (call $object))))
    (if (i32.eq (local.get $byte) (i32.const 0x5b)) (then (return (call $array))))
    (if (i32.eq (local.get $byte) (i32.const 0x22)) (then (return (call $string))))
    (if (i32.eq (local.get $byte) (i32.const 0x74)) (then (return (call $word (i32.const 320) (i32.const 4)))))
    (if (i32.eq (local.get $byte) (i32.const 0x66)) (then (return (call $word (i32.const 328) (i32.const 5)))))
    (if (i32.eq (local.get $byte) (i32.const 0x6e)) (then (return (call $word (i32.const 336) (i32.const 4)))))
    (call $number))

  ;; Goes one level down, after the bracket that opens it.
  (func $descend (result i32)
    (call $skip)
    (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
    (call $skip_space)
    (i32.le_u (global.get $depth) (i32.const 128)))

  ;; Takes the bracket that closes a level.
  (func $ascend (param $bracket i32) (result i32)
    (global.set $depth (i32.sub (global.get $depth) (i32.const 1)))
    (call $take (local.get $bracket)))

  (func $object (result i32)
    (if (i32.eqz (call $descend)) (then (return (i32.const 0))))
    (if (i32.ne (call $peek) (i32.const 0x7d)) (then
      (loop $next
        (if (i32.eqz (call $member)) (then (return (i32.const 0))))
        (call $skip_space)
        (br_if $next (call $take (i32.const 0x2c))))))
    (call $ascend (i32.const 0x7d)))

  (func $array (result i32)
    (if (i32.eqz (call $descend)) (then (return (i32.const 0))))
    (if (i32.ne (call $peek) (i32.const 0x5d)) (then
      (loop $next
        (if (i32.eqz (call $value)) (then (return (i32.const 0))))
        (call $skip_space)
        (br_if $next (call $take (i32.const 0x2c))))))
    (call $ascend (i32.const 0x5d)))

  (func $member (result i32)
    (local $name i32) (local $is_wanted i32) (local $start i32)
    (call $skip_space)
    (local.set $name (global.get $at))
    (if (i32.eqz (call $string)) (then (return (i32.const 0))))
    (local.set $is_wanted (call $is_greeting (local.get $name)))
    (call $skip_space)
    (if (i32.eqz (call $take (i32.const 0x3a))) (then (return (i32.const 0))))
    (call $skip_space)
    (local.set $start (global.get $at))
    (if (i32.eqz (call $value)) (then (return (i32.const 0))))
    (if (local.get $is_wanted) (then
      (global.set $value_start (local.get $start))
      (global.set $value_end (global.get $at))))
    (i32.const 1))

  ;; Whether the name from an address to here is the first "greeting" of the top: ten bytes with its quotes.
  (func $is_greeting (param $name i32) (result i32)
    (if (i32.ne (global.get $depth) (i32.const 1)) (then (return (i32.const 0))))
    (if (global.get $value_start) (then (return (i32.const 0))))
    (if (i32.ne (i32.sub (global.get $at) (local.get $name)) (i32.const 10)) (then (return (i32.const 0))))
    (call $same (i32.add (local.get $name) (i32.const 1)) (i32.const 208) (i32.const 8)))

  (func $string (result i32)
    (local $byte i32)
    (if (i32.eqz (call $take (i32.const 0x22))) (then (return (i32.const 0))))
    (loop $next
      (local.set $byte (call $peek))
      ;; Control characters, and -1 for the end.
      (if (i32.lt_s (local.get $byte) (i32.const 0x20)) (then (return (i32.const 0))))
      (call $skip)
      (if (i32.eq (local.get $byte) (i32.const 0x22)) (then (return (i32.const 1))))
      (if (i32.eq (local.get $byte) (i32.const 0x5c)) (then
        (if (i32.eqz (call $escape)) (then (return (i32.const 0))))))
      (br $next))
    unreachable)

  ;; What stands behind a backslash.
  (func $escape (result i32)
    (local $byte i32)
    (local.set $byte (call $peek))
    (if (i32.eq (local.get $byte) (i32.const -1)) (then (return (i32.const 0))))
    (call $skip)
    (if (i32.eq (local.get $byte) (i32.const 0x75)) (then
      (return (i32.and
        (i32.and (call $hex_digit) (call $hex_digit))
        (i32.and (call $hex_digit) (call $hex_digit))))))
    (call $is_escape (local.get $byte)))

  ;; " \ / b f n r t
  (func $is_escape (param $byte i32) (result i32)
    (i32.or
      (i32.or
        (i32.or (i32.eq (local.get $byte) (i32.const 0x22)) (i32.eq (local.get $byte) (i32.const 0x5c)))
        (i32.or (i32.eq (local.get $byte) (i32.const 0x2f)) (i32.eq (local.get $byte) (i32.const 0x62))))
      (i32.or
        (i32.or (i32.eq (local.get $byte) (i32.const 0x66)) (i32.eq (local.get $byte) (i32.const 0x6e)))
        (i32.or (i32.eq (local.get $byte) (i32.const 0x72)) (i32.eq (local.get $byte) (i32.const 0x74))))))

  (func $hex_digit (result i32)
    (local $byte i32)
    (if (call $digit) (then (return (i32.const 1))))
    ;; a to f; the bit 0x20 tells small letters from capitals. One comparison serves for both ends: what is below a wraps
    ;; around and is very large.
    (local.set $byte (i32.or (call $peek) (i32.const 0x20)))
    (if (i32.gt_u (i32.sub (local.get $byte) (i32.const 0x61)) (i32.const 5)) (then (return (i32.const 0))))
    (call $skip)
    (i32.const 1))

  (func $word (param $word i32) (param $length i32) (result i32)
    (if (i32.lt_u (i32.sub (global.get $end) (global.get $at)) (local.get $length)) (then (return (i32.const 0))))
    (if (i32.eqz (call $same (global.get $at) (local.get $word) (local.get $length))) (then (return (i32.const 0))))
    (global.set $at (i32.add (global.get $at) (local.get $length)))
    (i32.const 1))

  ;; A minus, an integer without leading zeros, a fraction, an exponent.
  (func $number (result i32)
    (drop (call $take (i32.const 0x2d)))
    (if (i32.eqz (call $take (i32.const 0x30))) (then
      (if (i32.eqz (call $digits)) (then (return (i32.const 0))))))
    (if (call $take (i32.const 0x2e)) (then
      (if (i32.eqz (call $digits)) (then (return (i32.const 0))))))
    (if (i32.eqz (i32.or (call $take (i32.const 0x65)) (call $take (i32.const 0x45)))) (then (return (i32.const 1))))
    (if (i32.eqz (call $take (i32.const 0x2b))) (then (drop (call $take (i32.const 0x2d)))))
    (call $digits))

  (func $digits (result i32)
    (if (i32.eqz (call $digit)) (then (return (i32.const 0))))
    (loop $next (br_if $next (call $digit)))
    (i32.const 1))

  (func $digit (result i32)
    (if (i32.gt_u (i32.sub (call $peek) (i32.const 0x30)) (i32.const 9)) (then (return (i32.const 0))))
    (call $skip)
    (i32.const 1))

  ;; ---------------------------------------------------------------------------------------------------------------------
  ;; UTF-8 (RFC 3629): nothing overlong, no surrogates, nothing above U+10FFFF.

  (func $is_utf8 (param $at i32) (param $end i32) (result i32)
    (local $length i32)
    (loop $next
      (if (i32.eq (local.get $at) (local.get $end)) (then (return (i32.const 1))))
      (local.set $length (call $sequence_length (local.get $at) (local.get $end)))
      (local.set $at (i32.add (local.get $at) (local.get $length)))
      (br_if $next (local.get $length)))
    (i32.const 0))

  ;; How many bytes the character has that begins here; 0 if none does. The first byte gives the length, and some first bytes
  ;; leave the second less room.
  (func $sequence_length (param $at i32) (param $end i32) (result i32)
    (local $first i32) (local $length i32) (local $low i32) (local $high i32)
    (local.set $first (i32.load8_u (local.get $at)))
    (if (i32.lt_u (local.get $first) (i32.const 0x80)) (then (return (i32.const 1))))
    (if (i32.or (i32.lt_u (local.get $first) (i32.const 0xc2)) (i32.gt_u (local.get $first) (i32.const 0xf4)))
      (then (return (i32.const 0))))
    (local.set $length (i32.add (i32.const 2) (i32.add
      (i32.ge_u (local.get $first) (i32.const 0xe0)) (i32.ge_u (local.get $first) (i32.const 0xf0)))))
    (if (i32.lt_u (i32.sub (local.get $end) (local.get $at)) (local.get $length)) (then (return (i32.const 0))))
    (local.set $low (i32.const 0x80))
    (local.set $high (i32.const 0xbf))
    (if (i32.eq (local.get $first) (i32.const 0xe0)) (then (local.set $low (i32.const 0xa0))))
    (if (i32.eq (local.get $first) (i32.const 0xed)) (then (local.set $high (i32.const 0x9f))))
    (if (i32.eq (local.get $first) (i32.const 0xf0)) (then (local.set $low (i32.const 0x90))))
    (if (i32.eq (local.get $first) (i32.const 0xf4)) (then (local.set $high (i32.const 0x8f))))
    (if (i32.eqz (call $is_between (i32.load8_u offset=1 (local.get $at)) (local.get $low) (local.get $high)))
      (then (return (i32.const 0))))
    (if (i32.ge_u (local.get $length) (i32.const 3)) (then
      (if (i32.eqz (call $is_between (i32.load8_u offset=2 (local.get $at)) (i32.const 0x80) (i32.const 0xbf)))
        (then (return (i32.const 0))))))
    (if (i32.eq (local.get $length) (i32.const 4)) (then
      (if (i32.eqz (call $is_between (i32.load8_u offset=3 (local.get $at)) (i32.const 0x80) (i32.const 0xbf)))
        (then (return (i32.const 0))))))
    (local.get $length))

  (func $is_between (param $byte i32) (param $low i32) (param $high i32) (result i32)
    (i32.and (i32.ge_u (local.get $byte) (local.get $low)) (i32.le_u (local.get $byte) (local.get $high)))))
