;; Logs a critical line in forward-request and traps, as libraries do that refuse to go on.
(module
  (import "wasi:logging/logging@0.1.0-draft" "log" (func $log (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "no hook is there\nplugin x: forged")
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $log (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 33))
    unreachable)
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i32.const 128)))
