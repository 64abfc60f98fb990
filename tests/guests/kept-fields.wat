;; Sets status, fields and body of the response in forward-request, then lets the request go on: only `x-kept` may be seen, on
;; an error answer of the host.
(module
  (import "tollgate:proxy/response@0.1.0" "append-field"
    (func $append (param i32 i32 i32 i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-status" (func $set_status (param i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-body" (func $set_body (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "x-kept")
  (data (i32.const 32) "v000")
  (data (i32.const 48) "content-type")
  (data (i32.const 64) "proxy-status")
  (data (i32.const 80) "retry-after")
  (data (i32.const 96) "etag")
  ;; What the host returns goes to 128; at 256 stands ok, forward.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $append (i32.const 16) (i32.const 6) (i32.const 32) (i32.const 4) (i32.const 128))
    (call $append (i32.const 48) (i32.const 12) (i32.const 32) (i32.const 4) (i32.const 128))
    (call $append (i32.const 64) (i32.const 12) (i32.const 32) (i32.const 4) (i32.const 128))
    (call $append (i32.const 80) (i32.const 11) (i32.const 32) (i32.const 4) (i32.const 128))
    (call $append (i32.const 96) (i32.const 4) (i32.const 32) (i32.const 4) (i32.const 128))
    (call $set_status (i32.const 204) (i32.const 128))
    (call $set_body (i32.const 32) (i32.const 4))
    (i32.const 256))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i32.const 256)))
