//! What a plugin may export beside its hooks, whichever way it is linked.

use super::ways::{self, call_both};
use super::{CONTRACTS, Exchange, REALLOC, host, hosts, prepare};
use crate::config::PluginLimits;
use crate::plugin::kind::hooks::Contracts;
use crate::plugin::load;

/// A guest whose first hook traps unless it was started once.
fn started(start: &str) -> String {
    format!(
        r#"(module {REALLOC}
  (global $starts (mut i32) (i32.const 0))
  (data (i32.const 16) "no such colour")
  (func $fine (result i32) (i32.store8 (i32.const 128) (i32.const 0)) (i32.const 128))
  (func $refused (result i32)
    (i32.store8 (i32.const 128) (i32.const 1))
    (i32.store (i32.const 132) (i32.const 16)) (i32.store (i32.const 136) (i32.const 14)) (i32.const 128))
  (func (export "tollgate:proxy/lifecycle@0.1.0#start") (result i32)
    (global.set $starts (i32.add (global.get $starts) (i32.const 1)))
    {start})
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (if (i32.ne (global.get $starts) (i32.const 1)) (then unreachable))
    (call $fine))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32) (call $fine)))"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_started_once_before_its_calls() {
    for way in ways::all() {
        let plugin = way.plugin(&started("(call $fine)"), PluginLimits::default());
        for _ in 0..2 {
            let (_, forward, back) = call_both(&plugin, Exchange::blank()).await;
            assert!(forward.is_ok() && back.is_ok(), "{}: {forward:?}", way.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_started_is_refused_in_its_own_words() {
    for (start, expected) in [
        (
            "(call $refused)",
            "its lifecycle.start returned an error: no such colour",
        ),
        (
            "unreachable",
            "it can't be started: it trapped: wasm trap: wasm `unreachable`",
        ),
        (
            "(loop (br 0)) unreachable",
            "it can't be started: it took more than 1000 ms of CPU time",
        ),
    ] {
        for host in hosts(CONTRACTS, None) {
            let error = prepare(&host, "p", started(start).as_bytes()).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_instance_that_cannot_be_started_fails_its_call() {
    for way in ways::all() {
        let plugin = way.plugin(&started("(call $refused)"), PluginLimits::default());
        let (_, forward, _) = call_both(&plugin, Exchange::blank()).await;
        assert_eq!(
            forward.unwrap_err().to_string(),
            "could not be started: lifecycle.start returned an error: no such colour",
            "{}",
            way.name
        );
    }
}

#[test]
fn an_interface_is_exported_whole_and_known() {
    let refused = |from: &str, to: &str| {
        let file = started("(call $fine)").replace(from, to);
        let error = load::load_for(file.into_bytes(), Contracts::SERVED).unwrap_err();
        error.to_string()
    };
    let said = refused("lifecycle@0.1.0#start", "lifecycle@0.1.0#begin");
    let expected = "`tollgate:proxy/lifecycle@0.1.0` must have the function `start`, and the plugin does not export it";
    assert_eq!(said, expected);
    let said = refused("lifecycle@0.1.0#start", "lifecycles@0.1.0#start");
    let expected = "exports `tollgate:proxy/lifecycles@0.1.0`, which this host would never call";
    assert!(said.starts_with(expected), "{said}");
    let said = refused("lifecycle@0.1.0#start", "lifecycle@0.1.3#start");
    assert!(
        said.contains("must be named after `tollgate:proxy/lifecycle@0.1.0` exactly"),
        "{said}"
    );
}

/// The older and the newer scheme of names, and a component, get to the same.
#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_name_it() {
    let host = host(CONTRACTS, None);
    let newer = started("(call $refused)")
        .replace(
            "tollgate:proxy/lifecycle@0.1.0#",
            "cm32p2|tollgate:proxy/lifecycle@0.1|",
        )
        .replace(
            "tollgate:proxy/interceptor@0.1.0#",
            "cm32p2|tollgate:proxy/interceptor@0.1|",
        )
        .replace("\"memory\"", "\"cm32p2_memory\"")
        .replace("\"cabi_realloc\"", "\"cm32p2_realloc\"")
        .replace(
            "(memory (export",
            "(func (export \"cm32p2_initialize\")) (memory (export",
        );
    let error = prepare(&host, "p", newer.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("no such colour"), "{error}");
    let loaded = load::load_for(started("(call $refused)").into_bytes(), CONTRACTS).unwrap();
    let error = prepare(&host, "p", &loaded.component).unwrap_err();
    assert!(error.to_string().contains("no such colour"), "{error}");
}
