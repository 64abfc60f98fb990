;; Waits for an hour in each forward-request for targets that begin with `/sleep`.
(module
  (import "tollgate:proxy/request@0.1.0" "target" (func $target (param i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 16)
  ;; The subscription: the monotonic clock (1), an hour from now.
  (data (i32.const 256) "\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\00\a0\b8\30\46\03\00\00")
  ;; The target's pointer and length go to 64; at 128 stands ok, forward; the event goes to 512.
  (global $free (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 15)) (i32.const -16)))
    (global.set $free (i32.add (local.get $at) (local.get $size)))
    (local.get $at))
  ;; Whether the target begins with `/s`; the trial's is `/`.
  (func $meant (result i32)
    (call $target (i32.const 64))
    (i32.eq (i32.load8_u (i32.add (i32.load (i32.const 64)) (i32.const 1))) (i32.const 0x73)))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (if (call $meant) (then
      (drop (call $poll (i32.const 256) (i32.const 512) (i32.const 1) (i32.const 600)))))
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i32.const 128)))
