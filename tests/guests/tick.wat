;; Has background work, which says `tick v000`, and fails if it has the setting `fail`. Versions differ in the four letters `v000`.
(module
  (import "wasi:logging/logging@0.1.0-draft" "log" (func $log (param i32 i32 i32 i32 i32)))
  (import "wasi:config/store@0.2.0-rc.1" "get" (func $get (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "tick v000")
  (data (i32.const 32) "fail")
  ;; At 128 stands ok, forward; at 144 an error with the text at 32. What the host returns goes to 64.
  (data (i32.const 144) "\01\00\00\00\20\00\00\00\04\00\00\00")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "tollgate:proxy/background@0.1.0#tick") (result i32)
    (call $log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 9))
    (call $get (i32.const 32) (i32.const 4) (i32.const 64))
    (if (i32.load8_u (i32.const 68)) (then (return (i32.const 144))))
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i32.const 128)))
