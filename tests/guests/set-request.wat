;; Replaces the request's body.
(module
  (import "tollgate:proxy/request@0.1.0" "set-body" (func $set_body (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "a new request body")
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $set_body (i32.const 16) (i32.const 18))
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i32.const 128)))
