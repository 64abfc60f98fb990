;; Replaces the target of every request by `/moved`.
(module
  (import "tollgate:proxy/request@0.1.0" "set-target" (func $set_target (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "/moved")
  ;; What the host returns goes to 64; at 128 stands ok, forward.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $set_target (i32.const 16) (i32.const 6) (i32.const 64))
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i32.const 128)))
