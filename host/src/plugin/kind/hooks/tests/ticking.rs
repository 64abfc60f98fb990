//! Background work, whichever way a plugin is linked: which instance it runs on, and what ends it.

use super::ways::{self, call_both};
use super::{CONTRACTS, Exchange, REALLOC, hooks_of, hosts, prepare};
use crate::config::PluginLimits;
use crate::interceptor::InterceptError;
use crate::metrics::{MetricValue, Metrics};

/// A guest that counts its ticks by instance, in the gauge `nth`, and then does as told. In the exchange in hand nothing is left of
/// the last tick, or it traps.
fn ticking(tick: &str) -> String {
    format!(
        r#"(module
  (import "tollgate:proxy/metrics@0.1.0" "set" (func $set (param i32 i32 f64 i32 i32)))
  (import "tollgate:proxy/request@0.1.0" "field" (func $field (param i32 i32 i32)))
  (import "tollgate:proxy/request@0.1.0" "set-field" (func $set_field (param i32 i32 i32 i32 i32)))
  {REALLOC}
  (global $ticks (mut i32) (i32.const 0))
  (data (i32.const 16) "nthnot now")
  (func $fine (result i32) (i32.store8 (i32.const 128) (i32.const 0)) (i32.const 128))
  (func $fails (result i32)
    (i32.store8 (i32.const 128) (i32.const 1))
    (i32.store (i32.const 132) (i32.const 19)) (i32.store (i32.const 136) (i32.const 7)) (i32.const 128))
  (func (export "tollgate:proxy/background@0.1.0#tick") (result i32)
    (global.set $ticks (i32.add (global.get $ticks) (i32.const 1)))
    (call $set (i32.const 16) (i32.const 3) (f64.convert_i32_u (global.get $ticks)) (i32.const 0) (i32.const 0))
    (call $field (i32.const 16) (i32.const 3) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then unreachable))
    (call $set_field (i32.const 16) (i32.const 3) (i32.const 16) (i32.const 3) (i32.const 64))
    {tick})
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (if (global.get $ticks) (then unreachable))
    (i64.store (i32.const 128) (i64.const 0)) (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32) (call $fine)))"#
    )
}

fn nth(metrics: &Metrics) -> f64 {
    match metrics.snapshot()[0].series[0].value {
        MetricValue::Gauge(nth) => nth,
        ref other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_runs_on_an_instance_of_its_own() {
    for way in ways::all() {
        let plugin = way.plugin(&ticking("(call $fine)"), PluginLimits::default());
        assert!(
            plugin.has_background() && !plugin.can_wait(),
            "{}",
            way.name
        );
        let mut kept = None;
        for expected in [1.0, 2.0, 3.0] {
            plugin.tick(&mut kept).await.unwrap();
            assert_eq!(nth(way.services().metrics()), expected, "{}", way.name);
            let (_, forward, back) = call_both(&plugin, Exchange::blank()).await;
            assert!(forward.is_ok() && back.is_ok(), "{}: {forward:?}", way.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_has_the_limits_of_any_call_and_an_instance_that_is_unsound_goes() {
    let trapped =
        InterceptError::Trapped("wasm trap: wasm `unreachable` instruction executed".to_owned());
    for (tick, error, goes_on) in [
        (
            "(call $fails)",
            InterceptError::Returned("not now".to_owned()),
            true,
        ),
        ("unreachable", trapped, false),
        (
            "(loop (br 0)) unreachable",
            InterceptError::Deadline { limit_ms: 50 },
            false,
        ),
    ] {
        for way in ways::all() {
            let limits = PluginLimits {
                deadline: std::time::Duration::from_millis(50),
                ..PluginLimits::default()
            };
            let plugin = way.plugin(&ticking(tick), limits);
            let mut kept = None;
            for expected in [1.0, if goes_on { 2.0 } else { 1.0 }] {
                let result = plugin.tick(&mut kept).await;
                assert_eq!(result, Err(error.clone()), "{}", way.name);
                assert_eq!(kept.is_some(), goes_on, "{}", way.name);
                assert_eq!(nth(way.services().metrics()), expected, "{}", way.name);
            }
        }
    }
    // No more calls than an instance may serve.
    let way = &ways::all()[0];
    let limits = PluginLimits {
        max_calls: 2,
        ..PluginLimits::default()
    };
    let plugin = way.plugin(&ticking("(call $fine)"), limits);
    let mut kept = None;
    for expected in [1.0, 2.0, 1.0] {
        plugin.tick(&mut kept).await.unwrap();
        assert_eq!(nth(way.services().metrics()), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_does_none() {
    for host in hosts(CONTRACTS, None) {
        let guest = prepare(&host, "p", ticking("unreachable").as_bytes())
            .unwrap()
            .guest;
        assert!(hooks_of(&guest.link()).has_background());
        assert_eq!(host.resources.services.metrics().snapshot(), []);
        let none = prepare(&host, "q", super::one().as_bytes()).unwrap().guest;
        assert!(!hooks_of(&none.link()).has_background());
    }
}
