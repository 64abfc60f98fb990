;; Tries to set the framing, which the host must refuse; traps if it doesn't.
(module
  (import "tollgate:proxy/request@0.1.0" "set-field"
    (func $set_request_field (param i32 i32 i32 i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-field"
    (func $set_response_field (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "Content-Length")
  (data (i32.const 32) "transfer-encoding")
  (data (i32.const 56) "7")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $set_request_field (i32.const 16) (i32.const 14) (i32.const 56) (i32.const 1) (i32.const 64))
    (if (i32.eqz (i32.load8_u (i32.const 64))) (then unreachable))
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (call $set_response_field (i32.const 32) (i32.const 17) (i32.const 56) (i32.const 1) (i32.const 64))
    (if (i32.eqz (i32.load8_u (i32.const 64))) (then unreachable))
    (i32.const 128)))
