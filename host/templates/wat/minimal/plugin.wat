;; Sets a field on every request and every response.
(module
  (import "tollgate:proxy/request@0.1.0" "set-field" (func $set_on_request (param i32 i32 i32 i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-field" (func $set_on_response (param i32 i32 i32 i32 i32)))

  (memory (export "memory") 1)
  (data (i32.const 0) "hello")
  (data (i32.const 8) "\00\00\00\00" "\00")                          ;; what the hooks return: ok(forward)
  (data (i32.const 24) "\01\00\00\00" "\28\00\00\00" "\07\00\00\00") ;; or err, with the text at 40 (0x28), 7 bytes
  (data (i32.const 40) "refused")
  (data (i32.const 64) "x-{{name}}\00")
  ;; 1024: where the host writes results, 2048: and the texts in them

  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048))

  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $set_on_request (i32.const 64) (call $name_length) (i32.const 0) (i32.const 5) (i32.const 1024))
    (call $outcome))

  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (call $set_on_response (i32.const 64) (call $name_length) (i32.const 0) (i32.const 5) (i32.const 1024))
    (call $outcome))

  ;; The field's name ends at a zero byte.
  (func $name_length (result i32) (local $length i32)
    (loop $next
      (if (i32.load8_u offset=64 (local.get $length)) (then
        (local.set $length (i32.add (local.get $length) (i32.const 1)))
        (br $next))))
    (local.get $length))

  ;; The host's result begins with 0 for ok.
  (func $outcome (result i32)
    (select (i32.const 24) (i32.const 8) (i32.load8_u (i32.const 1024)))))
