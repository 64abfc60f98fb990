;; Sets the field `x-{{name}}: hello` on every request and every response.
(module
  (import "tollgate:proxy/request@0.1.0" "set-field"
    (func $set_on_request (param i32 i32 i32 i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-field"
    (func $set_on_response (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "x-{{name}}\00")
  (data (i32.const 128) "hello")
  ;; What the host returns goes to 160; at 256 stands ok, forward.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func $length (result i32) (local $end i32)
    (local.set $end (i32.const 16))
    (loop $next
      (local.set $end (i32.add (local.get $end) (i32.const 1)))
      (br_if $next (i32.load8_u (local.get $end))))
    (i32.sub (local.get $end) (i32.const 16)))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $set_on_request (i32.const 16) (call $length) (i32.const 128) (i32.const 5) (i32.const 160))
    (i32.const 256))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (call $set_on_response (i32.const 16) (call $length) (i32.const 128) (i32.const 5) (i32.const 160))
    (i32.const 256)))
