;; Shows its version as `x-mark` and its setting `greeting` as `x-greeting` in the response. Without that setting it can't be
;; started.
(module
  (import "wasi:config/store@0.2.0-rc.1" "get" (func $get (param i32 i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-field"
    (func $set_field (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "x-greeting")
  (data (i32.const 32) "x-mark")
  (data (i32.const 40) "v000")
  (data (i32.const 48) "no greeting")
  ;; At 128 stands ok; at 144 an error with the text above.
  (data (i32.const 144) "\01\00\00\00\30\00\00\00\0b\00\00\00")
  ;; Hands out memory from 4096 on and takes more of it as needed; each hook begins anew.
  (global $next (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (local.get $at))
  ;; Whether there is a greeting; it is at the address in 72 then.
  (func $greeting (result i32)
    (global.set $next (i32.const 4096))
    (call $get (i32.const 18) (i32.const 8) (i32.const 64))
    ;; Ok, and some.
    (i32.and (i32.eqz (i32.load8_u (i32.const 64))) (i32.load8_u (i32.const 68))))
  (func (export "tollgate:proxy/lifecycle@0.1.0#start") (result i32)
    (select (i32.const 128) (i32.const 144) (call $greeting)))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (call $set_field (i32.const 32) (i32.const 6) (i32.const 40) (i32.const 4) (i32.const 96))
    (if (call $greeting) (then
      (call $set_field (i32.const 16) (i32.const 10)
        (i32.load (i32.const 72)) (i32.load (i32.const 76)) (i32.const 96))))
    (i32.const 128)))
