;; Says a line in each hook, one of them with a line break in it.
(module
  (import "wasi:logging/logging@0.1.0-draft" "log" (func $log (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "on the way out")
  (data (i32.const 32) "on the way back\nERROR forged")
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 14))
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (call $log (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 32) (i32.const 28))
    (i32.const 128)))
