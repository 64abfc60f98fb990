;; Returns an error from forward-request unless it has the setting `greeting`, and traps if that begins with `x`.
(module
  (import "wasi:config/store@0.2.0-rc.1" "get" (func $get (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "greeting")
  (data (i32.const 32) "no greeting")
  ;; At 128 stands ok, forward; at 144 an error with the text above. What the host returns goes to 64.
  (data (i32.const 144) "\01\00\00\00\20\00\00\00\0b\00\00\00")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func $trap_for_x
    (if (i32.eq (i32.load8_u (i32.load (i32.const 72))) (i32.const 0x78)) (then unreachable)))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $get (i32.const 16) (i32.const 8) (i32.const 64))
    ;; Ok, and some.
    (if (i32.and (i32.eqz (i32.load8_u (i32.const 64))) (i32.load8_u (i32.const 68))) (then
      (call $trap_for_x)
      (return (i32.const 128))))
    (i32.const 144))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i32.const 128)))
