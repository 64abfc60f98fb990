;; Prints without a line end in each hook, and in mid-word before it traps for `/trap` or writes far too much for `/flood`.
;; The last letter of what it prints says what its standard output is: 2 is a terminal (`character-device` in WASI preview 1).
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $stat (param i32 i32) (result i32)))
  (import "tollgate:proxy/request@0.1.0" "target" (func $target (param i32)))
  (memory (export "memory") 8)
  (global $free (mut i32) (i32.const 4096))
  (data (i32.const 16) "one\ntwo ")
  (data (i32.const 32) "broken: in mid-")
  (data (i32.const 64) "back again")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.sub (i32.add (global.get $free) (local.get 2)) (i32.const 1))
      (i32.sub (i32.const 0) (local.get 2))))
    (global.set $free (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func $print (param $fd i32) (param $at i32) (param $length i32)
    (i32.store (i32.const 512) (local.get $at))
    (i32.store (i32.const 516) (local.get $length))
    (drop (call $write (local.get $fd) (i32.const 512) (i32.const 1) (i32.const 520))))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (local $count i32)
    (call $target (i32.const 256))
    ;; The second letter of the target.
    (if (i32.gt_u (i32.load (i32.const 260)) (i32.const 1))
      (then
        (if (i32.eq (i32.load8_u (i32.add (i32.load (i32.const 256)) (i32.const 1))) (i32.const 116))
          (then
            (call $print (i32.const 2) (i32.const 32) (i32.const 15))
            (unreachable)))
        (if (i32.eq (i32.load8_u (i32.add (i32.load (i32.const 256)) (i32.const 1))) (i32.const 102))
          (then
            (memory.fill (i32.const 262144) (i32.const 120) (i32.const 65536))
            (local.set $count (i32.const 320))
            (loop $again
              (call $print (i32.const 1) (i32.const 262144) (i32.const 65536))
              (local.set $count (i32.sub (local.get $count) (i32.const 1)))
              (br_if $again (local.get $count)))))))
    (drop (call $stat (i32.const 1) (i32.const 600)))
    (i32.store8 (i32.const 24) (i32.add (i32.load8_u (i32.const 600)) (i32.const 48)))
    (call $print (i32.const 1) (i32.const 16) (i32.const 9))
    (i32.const 1024))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (call $print (i32.const 2) (i32.const 64) (i32.const 10))
    (i32.const 1024)))
