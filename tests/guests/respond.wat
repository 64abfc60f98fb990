;; Answers 403 by itself.
(module
  (import "tollgate:proxy/response@0.1.0" "set-status" (func $set_status (param i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-field"
    (func $set_field (param i32 i32 i32 i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-body" (func $set_body (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "x-gate")
  (data (i32.const 24) "closed")
  (data (i32.const 32) "not today")
  ;; What the host returns goes to 64; at 128 stands ok, forward; at 160 ok, respond.
  (data (i32.const 164) "\01")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $set_status (i32.const 403) (i32.const 64))
    (call $set_field (i32.const 16) (i32.const 6) (i32.const 24) (i32.const 6) (i32.const 64))
    (call $set_body (i32.const 32) (i32.const 9))
    (i32.const 160))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i32.const 128)))
