;; Exports forward-request with a result that the contract does not have.
(module
  (memory (export "memory") 1)
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i64)
    (i64.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i32.const 128)))
