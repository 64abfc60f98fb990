;; Answers each request with what `count-state` has counted in the bucket that both share; 404 if that is nothing. An error of the
;; state is its own error.
(module
  (import "tollgate:proxy/state@0.1.0" "get" (func $get (param i32 i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-status" (func $status (param i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-body" (func $body (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "count")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $get (i32.const 16) (i32.const 5) (i32.const 256))
    (if (i32.load8_u (i32.const 256)) (then
      (i32.store (i32.const 128) (i32.const 1))
      (i32.store (i32.const 132) (i32.load (i32.const 264)))
      (i32.store (i32.const 136) (i32.load (i32.const 268)))
      (return (i32.const 128))))
    (if (i32.load8_u (i32.const 260))
      (then
        (call $status (i32.const 200) (i32.const 64))
        (call $body (i32.load (i32.const 264)) (i32.load (i32.const 268))))
      (else (call $status (i32.const 404) (i32.const 64))))
    (i32.store (i32.const 128) (i32.const 0))
    (i32.store (i32.const 132) (i32.const 1))
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i64.store (i32.const 128) (i64.const 0))
    (i32.const 128)))
