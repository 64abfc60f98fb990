;; Waits for 20 ms in forward-request, by the clock of WASI.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; At 64 stands a subscription to the monotonic clock (tag at 72, clock at 80, timeout at 88), at 128 its event comes.
  (data (i32.const 80) "\01\00\00\00")
  ;; At 256 stands ok, forward.
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (i64.store (i32.const 88) (i64.const 20_000_000))
    (drop (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 192)))
    (i32.const 256))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32) (i32.const 256)))
