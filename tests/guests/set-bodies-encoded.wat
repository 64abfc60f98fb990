;; Replaces the response's body by another encoded one: says so before, and names a new validator after.
(module
  (import "tollgate:proxy/response@0.1.0" "set-body" (func $set_body (param i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-field"
    (func $set_field (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  ;; For the text of an error, which nobody reads.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.const 4096))
  (data (i32.const 16) "content-encoding")
  (data (i32.const 32) "br")
  (data (i32.const 40) "etag")
  (data (i32.const 48) "\"new\"")
  (data (i32.const 64) "not really brotli")
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (call $set_field (i32.const 16) (i32.const 16) (i32.const 32) (i32.const 2) (i32.const 96))
    (call $set_body (i32.const 64) (i32.const 17))
    (call $set_field (i32.const 40) (i32.const 4) (i32.const 48) (i32.const 5) (i32.const 96))
    (i32.const 128)))
