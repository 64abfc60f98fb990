;; Has forward-request and no return-response.
(module
  (memory (export "memory") 1)
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (i32.const 128)))
