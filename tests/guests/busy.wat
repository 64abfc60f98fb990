;; Computes for some milliseconds in each forward-request.
(module
  (memory (export "memory") 1)
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (local $left i32)
    (local.set $left (i32.const 8000000))
    (loop $again
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i32.const 128)))
