;; Loops for ever in return-response for targets that begin with `/loop`.
(module
  (import "tollgate:proxy/request@0.1.0" "target" (func $target (param i32)))
  (memory (export "memory") 1)
  ;; The target's pointer and length go to 64, its text to 1024; at 128 stands ok, forward.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  ;; Whether the target begins with `/loop`; the probe's is `/`.
  (func $meant (result i32)
    (i32.store (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1028) (i32.const 0))
    (call $target (i32.const 64))
    (i32.eq (i32.load (i32.const 1025)) (i32.const 0x706f6f6c)))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (if (call $meant) (then (loop $again (br $again))))
    (i32.const 128)))
