//! State and outbound requests, whichever way a plugin is linked, and that nobody has them without permission.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use super::ways::{self, Way, call_both};
use super::{CONTRACTS, Exchange, REALLOC, hosts, prepare};
use crate::config::{Allow, Bucket, PluginConfig, PluginLimits};
use crate::interceptor::{InterceptError, Verdict};
use crate::outbound::{self, Destination};

const FINE: &str = r#"(func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i64.store (i32.const 128) (i64.const 0)) (i32.const 128))"#;

/// A guest that answers with the status 200 and what it counts in its state; with 500 and the case of the error if it can't.
fn counting() -> String {
    format!(
        r#"(module
  (import "tollgate:proxy/state@0.1.0" "increment" (func $increment (param i32 i32 i64 i32 i64 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-status" (func $status (param i32 i32)))
  {REALLOC}
  (data (i32.const 16) "count")
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $increment (i32.const 16) (i32.const 5) (i64.const 1) (i32.const 0) (i64.const 0) (i32.const 256))
    (if (i32.load8_u (i32.const 256))
      (then (call $status (i32.add (i32.const 500) (i32.load8_u (i32.const 264))) (i32.const 64)))
      (else (call $status (i32.add (i32.const 200) (i32.wrap_i64 (i64.load (i32.const 264)))) (i32.const 64))))
    (i32.store (i32.const 128) (i32.const 0)) (i32.store (i32.const 132) (i32.const 1)) (i32.const 128))
  {FINE})"#
    )
}

/// A guest that writes, swaps, lists and removes; it traps where the answer is not the expected one.
fn keeping() -> String {
    format!(
        r#"(module
  (import "tollgate:proxy/state@0.1.0" "get" (func $get (param i32 i32 i32)))
  (import "tollgate:proxy/state@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32 i64 i32)))
  (import "tollgate:proxy/state@0.1.0" "delete" (func $delete (param i32 i32 i32)))
  (import "tollgate:proxy/state@0.1.0" "increment" (func $increment (param i32 i32 i64 i32 i64 i32)))
  (import "tollgate:proxy/state@0.1.0" "compare-and-swap"
    (func $swap (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))
  (import "tollgate:proxy/state@0.1.0" "keys" (func $keys (param i32 i32 i32 i32 i32 i32 i32)))
  {REALLOC}
  (data (i32.const 16) "abxyz")
  (func $is (param $at i32) (param $bytes i32)
    (if (i32.ne (i32.load (local.get $at)) (local.get $bytes)) (then unreachable)))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    ;; Nothing is there.
    (call $get (i32.const 16) (i32.const 1) (i32.const 256)) (call $is (i32.const 256) (i32.const 0)) (call $is (i32.const 260) (i32.const 0))
    ;; a = "xyz", a second key b for an hour.
    (call $set (i32.const 16) (i32.const 1) (i32.const 18) (i32.const 3) (i32.const 0) (i64.const 0) (i32.const 256))
    (call $is (i32.const 256) (i32.const 0))
    (call $set (i32.const 17) (i32.const 1) (i32.const 18) (i32.const 0) (i32.const 1) (i64.const 3600000) (i32.const 256))
    (call $get (i32.const 16) (i32.const 1) (i32.const 256)) (call $is (i32.const 260) (i32.const 1)) (call $is (i32.const 268) (i32.const 3))
    ;; "xyz" is no number: the third case.
    (call $increment (i32.const 16) (i32.const 1) (i64.const 1) (i32.const 0) (i64.const 0) (i32.const 256))
    (if (i32.ne (i32.load8_u (i32.const 256)) (i32.const 1)) (then unreachable))
    (if (i32.ne (i32.load8_u (i32.const 264)) (i32.const 2)) (then unreachable))
    ;; Swapped if it is "xyz", so only once.
    (call $swap (i32.const 16) (i32.const 1) (i32.const 1) (i32.const 18) (i32.const 3)
      (i32.const 1) (i32.const 18) (i32.const 1) (i32.const 0) (i64.const 0) (i32.const 256))
    (if (i32.ne (i32.load8_u (i32.const 260)) (i32.const 1)) (then unreachable))
    (call $swap (i32.const 16) (i32.const 1) (i32.const 1) (i32.const 18) (i32.const 3)
      (i32.const 1) (i32.const 18) (i32.const 1) (i32.const 0) (i64.const 0) (i32.const 256))
    (if (i32.ne (i32.load8_u (i32.const 260)) (i32.const 0)) (then unreachable))
    ;; Two keys, one behind a.
    (call $keys (i32.const 16) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 9) (i32.const 256))
    (call $is (i32.const 264) (i32.const 2))
    (call $keys (i32.const 16) (i32.const 0) (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 9) (i32.const 256))
    (call $is (i32.const 264) (i32.const 1))
    (call $delete (i32.const 16) (i32.const 1) (i32.const 256))
    (if (i32.ne (i32.load8_u (i32.const 260)) (i32.const 1)) (then unreachable))
    (call $delete (i32.const 17) (i32.const 1) (i32.const 256))
    (call $delete (i32.const 17) (i32.const 1) (i32.const 256))
    (if (i32.ne (i32.load8_u (i32.const 260)) (i32.const 0)) (then unreachable))
    (i64.store (i32.const 128) (i64.const 0)) (i32.const 128))
  {FINE})"#
    )
}

/// A guest that asks this peer by `send` and answers with its body; with the text of the error and 502 if it has none.
fn calling(peer: SocketAddr) -> String {
    let uri = format!("http://{peer}/data?x=1");
    format!(
        r#"(module
  (import "tollgate:proxy/client@0.1.0" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-status" (func $status (param i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "set-body" (func $body (param i32 i32)))
  {REALLOC}
  (data (i32.const 16) "POSTx-askedyessent")
  (data (i32.const 512) "{uri}")
  ;; One field: x-asked: yes.
  (data (i32.const 64) "\14\00\00\00\07\00\00\00\1b\00\00\00\03\00\00\00")
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $send (i32.const 16) (i32.const 4) (i32.const 512) (i32.const {length}) (i32.const 64) (i32.const 1)
      (i32.const 30) (i32.const 4) (i32.const 1) (i32.const 5000) (i32.const 256))
    (if (i32.load8_u (i32.const 256))
      (then
        (call $status (i32.const 502) (i32.const 384))
        (call $body (i32.load (i32.const 264)) (i32.load (i32.const 268))))
      (else
        (call $status (i32.load16_u (i32.const 260)) (i32.const 384))
        (call $body (i32.load (i32.const 272)) (i32.load (i32.const 276)))))
    (i32.store (i32.const 128) (i32.const 0)) (i32.store (i32.const 132) (i32.const 1)) (i32.const 128))
  {FINE})"#,
        length = uri.len()
    )
}

fn with(way: &Way, file: &str, allow: Allow) -> Result<Arc<super::HooksPlugin>, String> {
    let config = PluginConfig {
        allow,
        ..PluginConfig::new(PluginLimits::default())
    };
    let guest = way
        .load_with(file, config)
        .map_err(|error| error.to_string())?;
    Ok(super::hooks_of(&guest.link()))
}

fn state(bucket: Bucket) -> Allow {
    Allow {
        state: Some(bucket),
        ..Allow::default()
    }
}

fn http(destination: &str) -> Allow {
    let destination = Destination::parse(destination).unwrap();
    Allow {
        http: Some(outbound::Allow::new(vec![destination], Vec::new())),
        ..Allow::default()
    }
}

async fn status(plugin: &super::HooksPlugin) -> u16 {
    let (exchange, forward, _) = call_both(plugin, Exchange::blank()).await;
    assert_eq!(forward, Ok(Verdict::Respond));
    exchange.response.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn state_outlives_instances_and_belongs_to_whom_it_is_granted() {
    for way in ways::all() {
        let one = with(&way, &counting(), state(Bucket::Own)).unwrap();
        assert_eq!(
            (status(&one).await, status(&one).await),
            (201, 202),
            "{}",
            way.name
        );
        // Another version of the same plugin goes on; a shared bucket is another one.
        let again = with(&way, &counting(), state(Bucket::Own)).unwrap();
        assert_eq!(status(&again).await, 203, "{}", way.name);
        let shared = Bucket::Shared("p".to_owned());
        let other = with(&way, &counting(), state(shared)).unwrap();
        assert_eq!(status(&other).await, 201, "{}", way.name);
        let keeps = Bucket::Shared("keeps".to_owned());
        let keeps = with(&way, &keeping(), state(keeps)).unwrap();
        let (_, forward, _) = call_both(&keeps, Exchange::blank()).await;
        assert_eq!(forward, Ok(Verdict::Forward), "{}", way.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_granted_what_it_imports_is_refused() {
    let peer = "127.0.0.1:1".parse().unwrap();
    for (file, line) in [
        (counting(), "state = true"),
        (calling(peer), "http = [\"https://api.example.com/\"]"),
        (super::choosing::choosing(), "backends = [\"NAME\"]"),
    ] {
        let expected = format!(
            "it imports what the configuration does not allow it; to allow it, add these lines to the configuration:\n\
             [plugin.p.allow]\n{line}\n\
             (or to p.toml beside the plugin's file, with [allow] as the first line)"
        );
        for host in hosts(CONTRACTS, None) {
            let error = prepare(&host, "p", file.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
        // Nor by code that was compiled when it was granted.
        let directory = tempfile::tempdir().unwrap();
        for host in hosts(CONTRACTS, Some(directory.path())) {
            let granted = PluginConfig {
                allow: Allow {
                    http: Some(outbound::Allow::default()),
                    backends: Some(vec!["b".to_owned()]),
                    ..state(Bucket::Own)
                },
                ..PluginConfig::new(PluginLimits::default())
            };
            let build = |config| {
                tokio::task::block_in_place(|| {
                    host.build_from("p", file.clone().into_bytes(), None, config)
                })
            };
            build(granted).unwrap();
            let error = build(PluginConfig::new(PluginLimits::default())).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }
}

/// Answers each connection once with the lines that it was asked with.
fn echoing() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let mut asked = vec![0; 4096];
            let mut count = 0;
            while !asked[..count].ends_with(b"sent") {
                match socket.read(&mut asked[count..]) {
                    Ok(more) if more > 0 => count += more,
                    _ => break,
                }
            }
            let head = format!(
                "HTTP/1.1 202 Accepted\r\nconnection: close\r\ncontent-length: {count}\r\n\r\n"
            );
            let _ = socket.write_all(head.as_bytes());
            let _ = socket.write_all(&asked[..count]);
        }
    });
    address
}

async fn body(plugin: &super::HooksPlugin, depth: u32) -> (u16, String) {
    let mut exchange = Exchange::blank();
    exchange.depth = depth;
    let (mut exchange, forward, _) = call_both(plugin, exchange).await;
    forward.unwrap();
    let limits = crate::message::ReadLimits {
        size: 1 << 20,
        idle: std::time::Duration::from_secs(5),
    };
    let body = exchange.response_body.read_all(limits).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    (exchange.response.status.as_u16(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_where_they_are_allowed() {
    let peer = echoing();
    for way in ways::all() {
        let allowed = with(&way, &calling(peer), http(&format!("http://{peer}/data"))).unwrap();
        let (status, asked) = body(&allowed, 0).await;
        assert_eq!(status, 202, "{}: {asked}", way.name);
        assert!(asked.starts_with("POST /data?x=1 HTTP/1.1\r\n"), "{asked}");
        for line in [
            "x-asked: yes\r\n",
            "content-length: 4\r\n",
            &format!("host: {peer}\r\n"),
        ] {
            assert!(asked.contains(line), "{line:?} in {asked}");
        }
        assert!(
            asked.contains("cdn-loop: tollgate;d=1\r\n") && asked.ends_with("\r\n\r\nsent"),
            "{asked}"
        );
        let deep = body(&allowed, 3).await.1;
        assert!(deep.contains("cdn-loop: tollgate;d=4\r\n"), "{deep}");

        let other = http(&format!("http://{peer}/other"));
        let other = with(&way, &calling(peer), other).unwrap();
        let (status, error) = body(&other, 0).await;
        assert_eq!(status, 502);
        assert!(
            error.contains("is not allowed; to allow it, add"),
            "{}: {error}",
            way.name
        );
        // A name for every address grants none of this machine.
        let any = with(&way, &calling(peer), http("http://*:*")).unwrap();
        let (status, error) = body(&any, 0).await;
        assert_eq!(status, 502);
        assert!(error.contains("127.0.0.1"), "{error}");
    }
}

/// Some tools make a plugin import all of its world: the one for every plugin must load without a word in the configuration.
#[test]
fn the_world_of_every_plugin_needs_no_permission() {
    use crate::plugin::kind::hooks::{Contracts, v0_1};
    use crate::plugin::wasm::InterfaceName;
    let wit = v0_1::CONTRACT.wit.parsed();
    let imports = wit.resolve.worlds[wit.world].imports.keys();
    let names = imports.map(|key| wit.resolve.name_world_key(key));
    let mut count = 0;
    for name in names {
        let parsed = InterfaceName::parse(&name).unwrap();
        let mut rows = Contracts::SERVED.capabilities();
        let row = rows.find(|row| row.serves(&parsed));
        assert!(row.is_some_and(|row| row.permission.is_none()), "{name}");
        count += 1;
    }
    assert!(count > 5);
}

/// A guest that waits for so many milliseconds in its request hook.
fn sleeping(ms: u64) -> String {
    format!(
        r#"(module
  (import "tollgate:proxy/timer@0.1.0" "sleep" (func $sleep (param i64)))
  {REALLOC}
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $sleep (i64.const {ms}))
    (i64.store (i32.const 128) (i64.const 0)) (i32.const 128))
  {FINE})"#
    )
}

/// They are compiled in one runtime and called in another, whose clock goes on when everything waits.
#[test]
fn a_call_waits_for_two_minutes_at_most() {
    let builder = tokio::runtime::Builder::new_multi_thread();
    let compiling = { builder }.enable_all().build().unwrap();
    let ways = compiling.block_on(async { ways::all() });
    let mut paused = tokio::runtime::Builder::new_current_thread();
    let paused = paused.enable_all().start_paused(true).build().unwrap();
    for way in &ways {
        for (ms, expected) in [
            (119_000, Ok(Verdict::Forward)),
            (121_000, Err(InterceptError::Stalled { limit_s: 120 })),
        ] {
            let load = async { way.plugin(&sleeping(ms), PluginLimits::default()) };
            let plugin = compiling.block_on(load);
            let (_, forward, _) = paused.block_on(call_both(&plugin, Exchange::blank()));
            assert_eq!(forward, expected, "{}", way.name);
        }
    }
}
