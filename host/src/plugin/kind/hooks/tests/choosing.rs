//! The backend that a plugin chooses, whichever way it is linked.

use std::sync::Arc;

use super::ways::{self, call_both};
use super::{CONTRACTS, Exchange, REALLOC, hooks_of, hosts};
use crate::config::{Allow, PluginConfig, PluginLimits};
use crate::interceptor::Verdict;
use crate::message::{BackendChoice, BackendNames};
use crate::plugin::Guest;

/// A guest that chooses the backend that the request's target names behind its slash, and answers with the status 200; with 590 and the
/// case of the error if it can't. In the response it tries the same, and sets 590 and the case. The name of the backend is the body.
pub(super) fn choosing() -> String {
    format!(
        r#"(module
  (import "tollgate:proxy/backends@0.1.0" "set-backend" (func $choose (param i32 i32 i32)))
  (import "tollgate:proxy/backends@0.1.0" "backend" (func $backend (param i32)))
  (import "tollgate:proxy/request@0.1.0" "target" (func $target (param i32)))
  (import "tollgate:proxy/response@0.1.0" "set-status" (func $status (param i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-body" (func $body (param i32 i32)))
  {REALLOC}
  (func $try
    (call $target (i32.const 64))
    (call $choose
      (i32.add (i32.load (i32.const 64)) (i32.const 1)) (i32.sub (i32.load (i32.const 68)) (i32.const 1)) (i32.const 96))
    (if (i32.load8_u (i32.const 96))
      (then (call $status (i32.add (i32.const 590) (i32.load8_u (i32.const 100))) (i32.const 160)))))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $try)
    (call $backend (i32.const 64))
    (call $body (i32.load (i32.const 64)) (i32.load (i32.const 68)))
    (i32.store (i32.const 128) (i32.const 0)) (i32.store (i32.const 132) (i32.const 1)) (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i32.store (i32.const 128) (i32.const 0)) (i32.const 128)))"#
    )
}

/// The status, and the backend by the host and by the guest.
async fn choose(guest: &Guest, name: &str, among: Option<[&str; 3]>) -> (u16, String, Vec<u8>) {
    let mut exchange = Exchange::blank();
    let target = format!("/{name}");
    exchange.request.target = super::Target::new(target.as_bytes()).unwrap();
    if let Some(names) = among {
        let names = Arc::new(BackendNames::new(names.map(str::to_owned)));
        exchange.backend = BackendChoice::of(&names, "a").unwrap();
    }
    let (exchange, forward, back) = call_both(&hooks_of(&guest.link()), exchange).await;
    assert_eq!((forward, back), (Ok(Verdict::Respond), Ok(())));
    let body = match &exchange.response_body {
        super::Body::Full { data, .. } => data.to_vec(),
        _ => Vec::new(),
    };
    (
        exchange.response.status.as_u16(),
        exchange.backend.name().to_owned(),
        body,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_is_chosen_among_those_that_are_granted_and_there() {
    for way in ways::all() {
        let config = PluginConfig {
            allow: Allow {
                backends: Some(vec!["b".to_owned(), "gone".to_owned()]),
                ..Allow::default()
            },
            ..PluginConfig::new(PluginLimits::default())
        };
        let guest = way.load_with(&choosing(), config).unwrap();
        for (name, status, backend) in [
            ("b", 200, "b"),
            ("c", 590, "a"),
            ("a", 590, "a"),
            ("gone", 591, "a"),
            ("d", 591, "a"),
        ] {
            let chosen = choose(&guest, name, Some(["a", "b", "c"])).await;
            let expected = (status, backend.to_owned(), backend.as_bytes().to_vec());
            assert_eq!(chosen, expected, "{name} {}", way.name);
        }
        // As in a trial.
        for (name, status) in [("b", 200), ("gone", 200), ("d", 590)] {
            let chosen = choose(&guest, name, None).await;
            assert_eq!(
                chosen,
                (status, String::new(), Vec::new()),
                "{name} {}",
                way.name
            );
        }
    }
}

/// The two hooks change places, so that the choice comes too late.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_request_to_be_sent_nothing_is_chosen() {
    let (first, second) = ("#forward-request", "#return-response");
    let swapped = choosing()
        .replace(first, "#later")
        .replace(second, first)
        .replace("#later", second)
        .replace("(i32.store (i32.const 132) (i32.const 1))", "");
    for host in hosts(CONTRACTS, None) {
        let config = PluginConfig {
            allow: Allow {
                backends: Some(vec!["b".to_owned()]),
                ..Allow::default()
            },
            ..PluginConfig::new(PluginLimits::default())
        };
        let build = || host.build_from("p", swapped.clone().into_bytes(), None, config);
        let guest = tokio::task::block_in_place(build).unwrap();
        let mut exchange = Exchange::blank();
        exchange.request.target = super::Target::new(b"/b").unwrap();
        let (exchange, forward, back) = call_both(&hooks_of(&guest.link()), exchange).await;
        assert_eq!((forward, back), (Ok(Verdict::Forward), Ok(())));
        assert_eq!(exchange.response.status.as_u16(), 592);
    }
}
