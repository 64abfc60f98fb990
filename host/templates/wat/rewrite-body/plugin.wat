;; Replaces every occurrence of the setting `from` by the setting `to` in text and JSON.
(module
  (import "tollgate:proxy/request@0.1.0" "set-field" (func $request_set_field (param i32 i32 i32 i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "field" (func $response_field (param i32 i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "body" (func $response_body (param i32)))
  (import "tollgate:proxy/response@0.1.0" "set-body" (func $response_set_body (param i32 i32)))
  (import "wasi:config/store@0.2.0-rc.1" "get" (func $get_setting (param i32 i32 i32)))

  (memory (export "memory") 1)
  ;; 0: where the host writes results

  ;; What the hooks return: ok, and an err for each trouble.
  (data (i32.const 32) "\00\00\00\00" "\00")
  (data (i32.const 48) "\01\00\00\00" "\40\00\00\00" "\07\00\00\00") ;; the text at 64 (0x40), 7 bytes
  (data (i32.const 64) "refused")
  (data (i32.const 80) "\01\00\00\00" "\60\00\00\00" "\17\00\00\00") ;; the text at 96 (0x60), 23 bytes
  (data (i32.const 96) "setting from is missing")
  (data (i32.const 128) "\01\00\00\00" "\90\00\00\00" "\15\00\00\00") ;; the text at 144 (0x90), 21 bytes
  (data (i32.const 144) "setting to is missing")
  (data (i32.const 176) "\01\00\00\00" "\c0\00\00\00" "\16\00\00\00") ;; the text at 192 (0xc0), 22 bytes
  (data (i32.const 192) "the body can't be read")

  (data (i32.const 224) "accept-encoding")
  (data (i32.const 240) "identity")
  (data (i32.const 256) "content-type")
  (data (i32.const 272) "text/")
  (data (i32.const 288) "application/json")
  (data (i32.const 304) "from")
  (data (i32.const 312) "to")
  (data (i32.const 320) "content-encoding")

  ;; The settings and the body, each as address and length; an address of 0 is a setting that is missing.
  (global $from (mut i32) (i32.const 0))
  (global $from_length (mut i32) (i32.const 0))
  (global $to (mut i32) (i32.const 0))
  (global $to_length (mut i32) (i32.const 0))

  ;; Asks the backend for a body that is not compressed: what return-response reads is as it was sent.
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (global.set $free (i32.const 4096))
    (call $request_set_field (i32.const 224) (i32.const 15) (i32.const 240) (i32.const 8) (i32.const 0))
    (select (i32.const 48) (i32.const 32) (i32.load8_u (i32.const 0))))

  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (global.set $free (i32.const 4096))
    (if (i32.eqz (call $is_text)) (then (return (i32.const 32))))
    ;; A backend that compresses all the same: there is nothing that could be found in such a body.
    (call $response_field (i32.const 320) (i32.const 16) (i32.const 0))
    (if (i32.load8_u (i32.const 0)) (then (return (i32.const 32))))
    (call $setting (i32.const 304) (i32.const 4))
    (global.set $from_length)
    (global.set $from)
    (if (i32.eqz (global.get $from)) (then (return (i32.const 80))))
    (call $setting (i32.const 312) (i32.const 2))
    (global.set $to_length)
    (global.set $to)
    (if (i32.eqz (global.get $to)) (then (return (i32.const 128))))
    ;; result<list<u8>, body-error>: the bytes at 8.
    (call $response_body (i32.const 0))
    (if (i32.load8_u (i32.const 0)) (then (return (i32.const 176))))
    ;; Nothing is found where nothing is looked for.
    (if (global.get $from_length) (then
      (call $rewrite (i32.load (i32.const 8)) (i32.load (i32.const 12)))))
    (i32.const 32))

  ;; Whether the content-type begins with text/ or application/json.
  (func $is_text (result i32)
    (local $type i32) (local $length i32)
    ;; option<list<u8>>: the case at 0, the bytes at 4.
    (call $response_field (i32.const 256) (i32.const 12) (i32.const 0))
    (if (i32.eqz (i32.load8_u (i32.const 0))) (then (return (i32.const 0))))
    (local.set $type (i32.load (i32.const 4)))
    (local.set $length (i32.load (i32.const 8)))
    (i32.or
      (call $begins (local.get $type) (local.get $length) (i32.const 272) (i32.const 5))
      (call $begins (local.get $type) (local.get $length) (i32.const 288) (i32.const 16))))

  ;; The setting of this name as address and length.
  (func $setting (param $key i32) (param $key_length i32) (result i32 i32)
    ;; result<option<string>, error>: the case of the option at 4, the text at 8.
    (call $get_setting (local.get $key) (local.get $key_length) (i32.const 0))
    (if (i32.or (i32.load8_u (i32.const 0)) (i32.eqz (i32.load8_u (i32.const 4)))) (then
      (return (i32.const 0) (i32.const 0))))
    ;; An empty text may stand anywhere, even at 0.
    (if (i32.eqz (i32.load (i32.const 12))) (then (return (i32.const 304) (i32.const 0))))
    (i32.load (i32.const 8))
    (i32.load (i32.const 12)))

  (func $rewrite (param $body i32) (param $length i32)
    (local $found i32) (local $fresh i32) (local $fresh_length i32)
    (local.set $found (call $count (local.get $body) (local.get $length)))
    (if (i32.eqz (local.get $found)) (then (return)))
    (local.set $fresh_length (i32.add (local.get $length)
      (i32.mul (local.get $found) (i32.sub (global.get $to_length) (global.get $from_length)))))
    (local.set $fresh (call $allocate (local.get $fresh_length)))
    (call $replace (local.get $body) (local.get $length) (local.get $fresh))
    (call $response_set_body (local.get $fresh) (local.get $fresh_length)))

  ;; How often `from` is in the body.
  (func $count (param $at i32) (param $left i32) (result i32)
    (local $found i32) (local $step i32)
    (loop $next
      (local.set $step (i32.const 1))
      (if (call $begins (local.get $at) (local.get $left) (global.get $from) (global.get $from_length)) (then
        (local.set $found (i32.add (local.get $found) (i32.const 1)))
        (local.set $step (global.get $from_length))))
      (if (i32.lt_u (local.get $step) (local.get $left)) (then
        (local.set $at (i32.add (local.get $at) (local.get $step)))
        (local.set $left (i32.sub (local.get $left) (local.get $step)))
        (br $next))))
    (local.get $found))

  ;; Copies the body with `to` for every `from`.
  (func $replace (param $at i32) (param $left i32) (param $out i32)
    (loop $next
      (if (local.get $left) (then
        (if (call $begins (local.get $at) (local.get $left) (global.get $from) (global.get $from_length))
          (then
            (memory.copy (local.get $out) (global.get $to) (global.get $to_length))
            (local.set $out (i32.add (local.get $out) (global.get $to_length)))
            (local.set $at (i32.add (local.get $at) (global.get $from_length)))
            (local.set $left (i32.sub (local.get $left) (global.get $from_length))))
          (else
            (i32.store8 (local.get $out) (i32.load8_u (local.get $at)))
            (local.set $out (i32.add (local.get $out) (i32.const 1)))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (local.set $left (i32.sub (local.get $left) (i32.const 1)))))
        (br $next)))))

  ;; Whether some bytes begin with others.
  (func $begins (param $bytes i32) (param $length i32) (param $prefix i32) (param $prefix_length i32) (result i32)
    (if (i32.lt_u (local.get $length) (local.get $prefix_length)) (then (return (i32.const 0))))
    (call $same (local.get $bytes) (local.get $prefix) (local.get $prefix_length)))

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
