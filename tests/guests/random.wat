;; Shows a random number in the response as sixteen letters in `x-random`, and the time in `x-time` as one letter: `y` if it is
;; after 2020, else `n`.
(module
  (import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))
  (import "wasi:clocks/wall-clock@0.2.0" "now" (func $now (param i32)))
  (import "tollgate:proxy/response@0.1.0" "set-field"
    (func $set_field (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  ;; For the text of an error, which nobody reads.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.const 4096))
  (data (i32.const 16) "x-random")
  (data (i32.const 24) "x-time")
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (local $number i64)
    (local $at i32)
    (local.set $number (call $random))
    (local.set $at (i32.const 32))
    (loop $letter
      (i32.store8 (local.get $at)
        (i32.add (i32.const 97) (i32.wrap_i64 (i64.and (local.get $number) (i64.const 15)))))
      (local.set $number (i64.shr_u (local.get $number) (i64.const 4)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $letter (i32.lt_u (local.get $at) (i32.const 48))))
    (call $set_field (i32.const 16) (i32.const 8) (i32.const 32) (i32.const 16) (i32.const 96))
    (call $now (i32.const 64))
    (i32.store8 (i32.const 48)
      (select (i32.const 121) (i32.const 110) (i64.gt_u (i64.load (i32.const 64)) (i64.const 1577836800))))
    (call $set_field (i32.const 24) (i32.const 6) (i32.const 48) (i32.const 1) (i32.const 96))
    (i32.const 128)))
