;; Traps in its first call of forward-request.
(module
  (memory (export "memory") 1)
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    unreachable)
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i32.const 128)))
