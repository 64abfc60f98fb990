;; Lets only those in who have the token of the setting `token`.
(module
  (import "tollgate:proxy/request@0.1.0" "field" (func $request_field (param i32 i32 i32)))
  (import "tollgate:proxy/request@0.1.0" "delete-field" (func $request_delete_field (param i32 i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-field" (func $response_set_field (param i32 i32 i32 i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-status" (func $response_set_status (param i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-body" (func $response_set_body (param i32 i32)))
  (import "wasi:config/store@0.2.0-rc.1" "get" (func $get_setting (param i32 i32 i32)))

  (memory (export "memory") 1)
  ;; 0: where the host writes results

  ;; What the hooks return: ok(forward), ok(respond), and an err for each trouble.
  (data (i32.const 32) "\00\00\00\00" "\00")
  (data (i32.const 48) "\00\00\00\00" "\01")
  (data (i32.const 64) "\01\00\00\00" "\50\00\00\00" "\18\00\00\00") ;; the text at 80 (0x50), 24 bytes
  (data (i32.const 80) "setting token is missing")
  (data (i32.const 112) "\01\00\00\00" "\80\00\00\00" "\07\00\00\00") ;; the text at 128 (0x80), 7 bytes
  (data (i32.const 128) "refused")

  (data (i32.const 144) "token")
  (data (i32.const 160) "authorization")
  (data (i32.const 176) "Bearer ")
  (data (i32.const 192) "www-authenticate")
  (data (i32.const 208) "Bearer")
  (data (i32.const 224) "content-type")
  (data (i32.const 240) "text/plain; charset=utf-8")
  (data (i32.const 272) "token required\n")

  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (local $token i32) (local $token_length i32)
    (global.set $free (i32.const 4096))
    ;; result<option<string>, error>: the case of the option at 4, the text at 8.
    (call $get_setting (i32.const 144) (i32.const 5) (i32.const 0))
    (if (i32.or (i32.load8_u (i32.const 0)) (i32.eqz (i32.load8_u (i32.const 4)))) (then (return (i32.const 64))))
    (local.set $token (i32.load (i32.const 8)))
    (local.set $token_length (i32.load (i32.const 12)))
    (if (i32.eqz (call $has_token (local.get $token) (local.get $token_length))) (then (return (call $refuse))))
    ;; The backend needn't see the token.
    (call $request_delete_field (i32.const 160) (i32.const 13) (i32.const 0))
    (select (i32.const 112) (i32.const 32) (i32.load8_u (i32.const 0))))

  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i32.const 32))

  ;; Whether the request's authorization is "Bearer " and the token.
  (func $has_token (param $token i32) (param $token_length i32) (result i32)
    (local $value i32)
    ;; option<list<u8>>: the case at 0, the bytes at 4.
    (call $request_field (i32.const 160) (i32.const 13) (i32.const 0))
    (if (i32.eqz (i32.load8_u (i32.const 0))) (then (return (i32.const 0))))
    (if (i32.ne (i32.load (i32.const 8)) (i32.add (i32.const 7) (local.get $token_length))) (then (return (i32.const 0))))
    (local.set $value (i32.load (i32.const 4)))
    (i32.and
      (call $same (local.get $value) (i32.const 176) (i32.const 7))
      (call $same (i32.add (local.get $value) (i32.const 7)) (local.get $token) (local.get $token_length))))

  (func $refuse (result i32)
    (call $response_set_status (i32.const 401) (i32.const 0))
    (if (i32.load8_u (i32.const 0)) (then (return (i32.const 112))))
    (call $response_set_field (i32.const 192) (i32.const 16) (i32.const 208) (i32.const 6) (i32.const 0))
    (if (i32.load8_u (i32.const 0)) (then (return (i32.const 112))))
    (call $response_set_field (i32.const 224) (i32.const 12) (i32.const 240) (i32.const 25) (i32.const 0))
    (if (i32.load8_u (i32.const 0)) (then (return (i32.const 112))))
    (call $response_set_body (i32.const 272) (i32.const 15))
    (i32.const 48))

  ;; Whether the bytes at two addresses are the same; takes as long for every wrong token, so that none can be guessed byte by
  ;; byte.
  (func $same (param $one i32) (param $other i32) (param $length i32) (result i32)
    (local $difference i32)
    (loop $next
      (if (local.get $length) (then
        (local.set $length (i32.sub (local.get $length) (i32.const 1)))
        (local.set $difference (i32.or (local.get $difference) (i32.xor
          (i32.load8_u (i32.add (local.get $one) (local.get $length)))
          (i32.load8_u (i32.add (local.get $other) (local.get $length))))))
        (br $next))))
    (i32.eqz (local.get $difference)))

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
