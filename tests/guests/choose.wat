;; Sends a request to the backend that its field `x-backend` names, and traps afterwards if it has the field `x-trap`. If it can't, it
;; answers with the status 590 and the number of the error. It adds the backend that it found to the field `x-seen` of the request, and
;; sets `x-went-to` of the response to the one that was asked. In the response it can't choose, or it traps.
(module
  (import "tollgate:proxy/backends@0.1.0" "set-backend" (func $choose (param i32 i32 i32)))
  (import "tollgate:proxy/backends@0.1.0" "backend" (func $backend (param i32)))
  (import "tollgate:proxy/request@0.1.0" "field" (func $field (param i32 i32 i32)))
  (import "tollgate:proxy/request@0.1.0" "append-field" (func $append (param i32 i32 i32 i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-field" (func $set (param i32 i32 i32 i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-status" (func $status (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "x-backendx-seenx-went-tox-trapother")
  ;; At 128 stands ok, forward; at 144 ok, respond. What the host returns goes to 64, 96 and 160.
  (data (i32.const 148) "\01")
  (global $next (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (global.get $next)
    (global.set $next (i32.add (global.get $next) (local.get $size))))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (global.set $next (i32.const 4096))
    (call $backend (i32.const 96))
    (call $append (i32.const 25) (i32.const 6) (i32.load (i32.const 96)) (i32.load (i32.const 100)) (i32.const 200))
    (call $field (i32.const 16) (i32.const 9) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then
      (call $choose (i32.load (i32.const 68)) (i32.load (i32.const 72)) (i32.const 160))
      (if (i32.load8_u (i32.const 160)) (then
        (call $status (i32.add (i32.const 590) (i32.load8_u (i32.const 164))) (i32.const 200))
        (return (i32.const 144))))))
    (call $field (i32.const 40) (i32.const 6) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then unreachable))
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (global.set $next (i32.const 4096))
    (call $choose (i32.const 46) (i32.const 5) (i32.const 160))
    (if (i32.ne (i32.add (i32.load8_u (i32.const 160)) (i32.load8_u (i32.const 164))) (i32.const 3)) (then unreachable))
    (call $backend (i32.const 96))
    (call $set (i32.const 31) (i32.const 9) (i32.load (i32.const 96)) (i32.load (i32.const 100)) (i32.const 200))
    (i32.const 128)))
