//! A guest that makes room for what it waited for gives way meanwhile like any other, and goes on in whatever thread comes.

use std::future::{Future, poll_fn};
use std::pin::pin;

use tokio::task::JoinSet;

use super::ways;
use super::{Body, Exchange, Late, Streaming};
use crate::config::PluginLimits;
use crate::interceptor::{Transform, Verdict};

/// Reads the request's body and sets a field to it. Its `cabi_realloc` takes some ticks, and makes the memory larger.
const SLOW_ROOM: &str = r#"(module
  (import "tollgate:proxy/request@0.1.0" "body" (func $body (param i32)))
  (import "tollgate:proxy/request@0.1.0" "set-field" (func $set (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "x-body")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $turn i32)
    (loop
      (local.set $turn (i32.add (local.get $turn) (i32.const 1)))
      (br_if 0 (i32.lt_u (local.get $turn) (i32.const 160_000_000))))
    (i32.mul (memory.grow (i32.const 1)) (i32.const 65536)))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $body (i32.const 64))
    (call $set (i32.const 16) (i32.const 6) (i32.load (i32.const 72)) (i32.load (i32.const 76)) (i32.const 200))
    (i32.store (i32.const 128) (i32.load8_u (i32.const 64)))
    (i32.store8 (i32.const 132) (i32.const 0))
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i32.store (i32.const 128) (i32.const 0)) (i32.const 128)))"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_guest_that_makes_room_gives_way() {
    for way in ways::all() {
        let plugin = way.plugin(SLOW_ROOM, PluginLimits::default());
        let mut calls = JoinSet::new();
        for _ in 0..6 {
            let plugin = plugin.clone();
            calls.spawn(async move {
                let mut exchange = Box::new(Exchange::blank());
                exchange.request_body = Body::Stream(Streaming::new(Late(0)));
                let mut call = pin!(plugin.forward_request(exchange));
                let mut polls = 0;
                let (exchange, verdict) = poll_fn(|cx| {
                    polls += 1;
                    call.as_mut().poll(cx)
                })
                .await;
                let body = exchange.request.fields.get("x-body").map(<[u8]>::to_vec);
                (verdict, body, polls)
            });
        }
        while let Some(called) = calls.join_next().await {
            let (verdict, body, polls) = called.unwrap();
            assert_eq!(verdict, Ok(Verdict::Forward), "{}", way.name);
            assert_eq!(body.as_deref(), Some(&b"hello"[..]), "{}", way.name);
            // Once to begin, once for the body.
            assert!(polls > 2, "{}: it held its thread", way.name);
        }
    }
}
