;; Shows in the response, as `x-count`, which call of forward-request of this instance it was: 1, 2, 3 and so on to 9.
(module
  (import "tollgate:proxy/response@0.1.0" "set-field"
    (func $set_field (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "x-count")
  (data (i32.const 32) "0")
  ;; What the host returns goes to 64; at 128 stands ok, forward.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (i32.store8 (i32.const 32) (i32.add (i32.load8_u (i32.const 32)) (i32.const 1)))
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (call $set_field (i32.const 16) (i32.const 7) (i32.const 32) (i32.const 1) (i32.const 64))
    (i32.const 128)))
