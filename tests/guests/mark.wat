;; Adds `x-mark: v000` to the request and to the response. Versions differ in the four letters `v000`.
(module
  (import "tollgate:proxy/request@0.1.0" "append-field"
    (func $append_to_request (param i32 i32 i32 i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "append-field"
    (func $append_to_response (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "x-mark")
  (data (i32.const 32) "v000")
  ;; What the host returns goes to 64; at 128 stands ok, forward.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $append_to_request (i32.const 16) (i32.const 6) (i32.const 32) (i32.const 4) (i32.const 64))
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (call $append_to_response (i32.const 16) (i32.const 6) (i32.const 32) (i32.const 4) (i32.const 64))
    (i32.const 128)))
