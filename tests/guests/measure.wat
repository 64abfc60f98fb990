;; Counts each request, and does it wrongly too: a negative number.
(module
  (import "tollgate:proxy/metrics@0.1.0" "add" (func $add (param i32 i32 f64 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "hits")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $add (i32.const 16) (i32.const 4) (f64.const 1) (i32.const 0) (i32.const 0))
    (call $add (i32.const 16) (i32.const 4) (f64.const -1) (i32.const 0) (i32.const 0))
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i32.const 128)))
