;; Answers GET of one path itself; everything else passes.
(module
  (import "tollgate:proxy/request@0.1.0" "method" (func $request_method (param i32)))
  (import "tollgate:proxy/request@0.1.0" "target" (func $request_target (param i32)))
  (import "tollgate:proxy/response@0.1.0" "set-field" (func $response_set_field (param i32 i32 i32 i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-body" (func $response_set_body (param i32 i32)))
  (import "wasi:config/store@0.2.0-rc.1" "get" (func $get_setting (param i32 i32 i32)))

  (memory (export "memory") 1)
  ;; 0: where the host writes results

  ;; What the hooks return: ok(forward), ok(respond), err.
  (data (i32.const 32) "\00\00\00\00" "\00")
  (data (i32.const 48) "\00\00\00\00" "\01")
  (data (i32.const 64) "\01\00\00\00" "\50\00\00\00" "\07\00\00\00") ;; the text at 80 (0x50), 7 bytes
  (data (i32.const 80) "refused")

  (data (i32.const 96) "GET")
  (data (i32.const 104) "path")
  (data (i32.const 112) "/mock")
  (data (i32.const 120) "body")
  (data (i32.const 128) "{\"mock\":true}")
  (data (i32.const 144) "content-type")
  (data (i32.const 160) "application/json")

  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (global.set $free (i32.const 4096))
    (if (i32.eqz (call $is_get)) (then (return (i32.const 32))))
    (if (i32.eqz (call $is_path (call $setting_or (i32.const 104) (i32.const 4) (i32.const 112) (i32.const 5)))) (then
      (return (i32.const 32))))
    ;; The response is an empty 200 so far.
    (call $response_set_field (i32.const 144) (i32.const 12) (i32.const 160) (i32.const 16) (i32.const 0))
    (if (i32.load8_u (i32.const 0)) (then (return (i32.const 64))))
    (call $response_set_body (call $setting_or (i32.const 120) (i32.const 4) (i32.const 128) (i32.const 13)))
    (i32.const 48))

  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i32.const 32))

  (func $is_get (result i32)
    (call $request_method (i32.const 0))
    (if (i32.ne (i32.load (i32.const 4)) (i32.const 3)) (then (return (i32.const 0))))
    (call $same (i32.load (i32.const 0)) (i32.const 96) (i32.const 3)))

  ;; Whether the target is this path, with a query or without.
  (func $is_path (param $path i32) (param $length i32) (result i32)
    (local $target i32) (local $target_length i32)
    (call $request_target (i32.const 0))
    (local.set $target (i32.load (i32.const 0)))
    (local.set $target_length (i32.load (i32.const 4)))
    (if (i32.gt_u (local.get $length) (local.get $target_length)) (then (return (i32.const 0))))
    (if (i32.eqz (call $same (local.get $target) (local.get $path) (local.get $length))) (then (return (i32.const 0))))
    (if (i32.eq (local.get $length) (local.get $target_length)) (then (return (i32.const 1))))
    (i32.eq (i32.load8_u (i32.add (local.get $target) (local.get $length))) (i32.const 0x3f))) ;; ?

  ;; The setting of this name; if it is not set, what `other` says. Two results: address and length.
  (func $setting_or (param $key i32) (param $key_length i32) (param $other i32) (param $other_length i32) (result i32 i32)
    ;; result<option<string>, error>: the case of the option at 4, the text at 8.
    (call $get_setting (local.get $key) (local.get $key_length) (i32.const 0))
    (if (i32.or (i32.load8_u (i32.const 0)) (i32.eqz (i32.load8_u (i32.const 4)))) (then
      (return (local.get $other) (local.get $other_length))))
    (i32.load (i32.const 8))
    (i32.load (i32.const 12)))

  ;; Whether the bytes at two addresses are the same.
  (func $same (param $one i32) (param $other i32) (param $length i32) (result i32)
    (loop $next
      (if (i32.eqz (local.get $length)) (then (return (i32.const 1))))
      (local.set $length (i32.sub (local.get $length) (i32.const 1)))
      (br_if $next (i32.eq
        (i32.load8_u (i32.add (local.get $one) (local.get $length)))
        (i32.load8_u (i32.add (local.get $other) (local.get $length))))))
    (i32.const 0))

  ;; Memory is given out upwards, and each hook begins anew.
  (global $free (mut i32) (i32.const 4096))

  (func $allocate (param $size i32) (result i32)
    (local $start i32) (local $missing i32)
    (local.set $start (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $start) (local.get $size)))
    (if (i32.lt_u (global.get $free) (local.get $start)) (then unreachable))
    ;; In pages of 64 KiB.
    (local.set $missing (i32.sub
      (i32.add (i32.shr_u (global.get $free) (i32.const 16)) (i32.const 1))
      (memory.size)))
    (if (i32.gt_s (local.get $missing) (i32.const 0)) (then
      (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then unreachable))))
    (local.get $start))

  ;; The host takes memory here.
  (func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $start i32)
    (local.set $start (call $allocate (local.get $size)))
    (memory.copy (local.get $start) (local.get $old)
      (select (local.get $old_size) (local.get $size) (i32.lt_u (local.get $old_size) (local.get $size))))
    (local.get $start)))
