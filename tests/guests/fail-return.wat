;; Changes the response, then returns an error from return-response.
(module
  (import "tollgate:proxy/response@0.1.0" "append-field"
    (func $append_to_response (param i32 i32 i32 i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-body" (func $set_response_body (param i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-status" (func $set_status (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "x-half-done")
  (data (i32.const 32) "spoilt by a failed call")
  (data (i32.const 64) "a secret reason")
  ;; What the host returns goes to 96; at 128 stands ok, at 160 the error.
  (data (i32.const 160) "\01\00\00\00\40\00\00\00\0f\00\00\00")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (call $append_to_response (i32.const 16) (i32.const 11) (i32.const 32) (i32.const 6) (i32.const 96))
    (call $set_status (i32.const 500) (i32.const 96))
    (call $set_response_body (i32.const 32) (i32.const 23))
    (i32.const 160)))
