;; Keeps a contract of the future.
(module
  (memory (export "memory") 1)
  (func (export "tollgate:proxy/interceptor@0.2.0#forward-request") (result i32)
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.2.0#return-response") (result i32)
    (i32.const 128)))
