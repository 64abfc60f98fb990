//! Two versions of the contract side by side: the one that is served, and a made-up 0.2 whose types and names differ.

mod alike;
mod bodies;
mod choosing;
mod exports;
mod failures;
mod giving_way;
mod linked;
mod measuring;
mod messages;
mod services;
mod ticking;
mod v0_2;
mod ways;

use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use super::contract::Contract;
use super::served::Contracts;
use super::{HooksCompiler, HooksPlugin, Resources, v0_1};
use crate::config::{PluginConfig, PluginLimits, route::RouteConfig};
use crate::interceptor::{ChainSource, Link, Transform, Verdict};
use crate::message::{Body, Exchange, Fields, Streaming, Target};
use crate::outbound::OutboundConfig;
use crate::plugin::Services;
use crate::plugin::kind::wasi_http::StandardCompilers;
use crate::plugin::kind::{Guest, PluginKind, PluginLink};
use crate::plugin::load::{self, LoadError};
use crate::plugin::prepare::Current;
use crate::plugin::prepare::{CodeFiles, Fresh, PluginError, PreparedFile, Untried};
use crate::plugin::progress::LoadProgress;
use crate::plugin::{Cache, Chains, Engines, Member, Tier, Workbench};
use crate::store::{Kind, Quotas, StoreConfig};

static BOTH: [&Contract; 2] = [&v0_2::CONTRACT, &v0_1::CONTRACT];
const CONTRACTS: Contracts = Contracts(&BOTH);

const REALLOC: &str = r#"
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $next)
    (global.set $next (i32.add (global.get $next)
      (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8)))))"#;

/// A plugin for 0.1. It sets `x-one` of a request to `1`, and of a response to `teapot` if its status is 418, else to
/// `other`.
fn one() -> String {
    format!(
        r#"(module
  (import "tollgate:proxy/request@0.1.0" "set-field"
    (func $request (param i32 i32 i32 i32 i32)))
  (import "tollgate:proxy/response@0.1.0" "status" (func $status (result i32)))
  (import "tollgate:proxy/response@0.1.0" "set-field"
    (func $response (param i32 i32 i32 i32 i32)))
  {REALLOC}
  (data (i32.const 16) "x-one1teapotother")
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $request (i32.const 16) (i32.const 5) (i32.const 21) (i32.const 1) (i32.const 64))
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (if (i32.eq (call $status) (i32.const 418))
      (then (call $response (i32.const 16) (i32.const 5) (i32.const 22) (i32.const 6) (i32.const 64)))
      (else (call $response (i32.const 16) (i32.const 5) (i32.const 28) (i32.const 5) (i32.const 64))))
    (i32.const 128)))"#
    )
}

/// A plugin for 0.2. It sets `x-two` of a request to what `x-one` is and answers `/teapot` with 418; of a response it sets
/// `x-two` to `2` and adds 3 to the status.
fn two() -> String {
    format!(
        r#"(module
  (import "tollgate:proxy/request@0.2.0" "target" (func $target (param i32)))
  (import "tollgate:proxy/request@0.2.0" "field" (func $field (param i32 i32 i32)))
  (import "tollgate:proxy/request@0.2.0" "put-field"
    (func $request (param i32 i32 i32 i32 i32 i32)))
  (import "tollgate:proxy/response@0.2.0" "put-field"
    (func $response (param i32 i32 i32 i32 i32 i32)))
  {REALLOC}
  (data (i32.const 16) "x-onex-two2")
  (func (export "tollgate:proxy/interceptor@0.2.0#on-request") (result i32)
    (call $field (i32.const 16) (i32.const 5) (i32.const 64))
    (if (i32.load8_u (i32.const 64))
      (then (call $request (i32.const 21) (i32.const 5)
        (i32.load (i32.const 68)) (i32.load (i32.const 72)) (i32.load8_u (i32.const 76)) (i32.const 96))))
    (call $target (i32.const 64))
    (i64.store (i32.const 128) (i64.const 0))
    (if (i32.eq (i32.load (i32.const 68)) (i32.const 7))
      (then (i32.store8 (i32.const 132) (i32.const 1)) (i32.store16 (i32.const 134) (i32.const 418))))
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.2.0#on-response") (param $status i32) (result i32)
    (call $response (i32.const 21) (i32.const 5) (i32.const 26) (i32.const 1) (i32.const 0) (i32.const 96))
    (i64.store (i32.const 128) (i64.const 0))
    (i32.store8 (i32.const 132) (i32.const 1))
    (i32.store16 (i32.const 134) (i32.add (local.get $status) (i32.const 3)))
    (i32.const 128)))"#
    )
}

/// Hooks that do nothing, of a version whose functions are called so.
fn idle(version: &str, hooks: &[&str], parameter: &str) -> String {
    let (first, second) = (hooks[0], hooks[1]);
    format!(
        r#"(func (export "tollgate:proxy/interceptor@{version}#{first}") (result i32) (i32.const 128))
           (func (export "tollgate:proxy/interceptor@{version}#{second}") {parameter} (result i32) (i32.const 128))"#
    )
}

/// A plugin of both versions, whose hooks for 0.1 trap.
fn both(imports: &str) -> String {
    let old = idle("0.1.0", v0_1::CONTRACT.hooks(), "").replace("(i32.const 128)", "unreachable");
    let new = idle("0.2.0", v0_2::CONTRACT.hooks(), "(param i32)");
    format!("(module {imports} {REALLOC} {old} {new})")
}

/// Its component, as `wit-component` makes it from the WIT of both.
fn component_of_both(module: &str, imports: &str) -> Vec<u8> {
    let mut resolve = v0_1::CONTRACT.wit.parsed().resolve.clone();
    let newer = v0_2::CONTRACT.wit.parsed().resolve.clone();
    resolve.merge(newer).unwrap();
    let text = format!(
        "package test:both; world both {{ {imports}
           export tollgate:proxy/interceptor@0.1.0; export tollgate:proxy/interceptor@0.2.0; }}"
    );
    let package = resolve.push_source("both.wit", &text).unwrap();
    let world = resolve.select_world(&[package], Some("both")).unwrap();
    let mut module = wat::parse_str(module).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let encoder = ComponentEncoder::default().validate(true);
    encoder.module(&module).unwrap().encode().unwrap()
}

/// A host that serves these versions. The pools of engines take much address space, so all tests share them.
fn host(contracts: Contracts, cache: Option<&Path>) -> Workbench {
    static ENGINES: OnceLock<Arc<Engines>> = OnceLock::new();
    let engines = ENGINES.get_or_init(|| Engines::new(PluginLimits::default().memory).unwrap());
    Workbench {
        compiler: HooksCompiler::serving(engines.clone(), contracts)
            .unwrap()
            .with_only_components(false),
        cache: cache.map(|directory| Cache::open(directory, 100 << 20).unwrap()),
        most_memory: PluginLimits::default().memory,
        resources: Resources::new(1, 2, services()),
        runtime: Handle::current(),
        standard: StandardCompilers::new(PluginLimits::default().memory),
    }
}

/// State in memory, and a client.
fn services() -> Services {
    let state = StoreConfig {
        kind: Kind::Memory,
        quotas: Quotas::default(),
    };
    Services::new(Some(state), OutboundConfig::default()).unwrap()
}

/// The same host, and one that links every plugin as a component.
fn hosts(contracts: Contracts, cache: Option<&Path>) -> [Workbench; 2] {
    let mut other = host(contracts, cache);
    other.compiler = other.compiler.with_only_components(true);
    [host(contracts, cache), other]
}

/// Takes a plugin through the host to where it could serve.
fn prepare(host: &Workbench, name: &str, file: &[u8]) -> Result<Fresh, PluginError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, file).unwrap();
    let config = PluginConfig::new(PluginLimits::default());
    let progress = LoadProgress::default();
    let code = CodeFiles {
        code: &path,
        schema: None,
    };
    let prepared = block_in_place(|| {
        host.prepare(
            name,
            code,
            true,
            &Current::default(),
            config,
            &progress,
            &mut None,
        )
    });
    match prepared.map_err(|refusal| refusal.error)? {
        PreparedFile::Ready(Untried { guest, improve }) => {
            let trial = block_in_place(|| host.trial(&guest))?;
            Ok(Fresh {
                guest,
                trial,
                improve,
            })
        }
        other => panic!("{other:?}"),
    }
}

fn improve(host: &Workbench, fresh: &Fresh) -> Guest {
    let bytes = fresh.improve.as_ref().unwrap();
    let better = block_in_place(|| host.improve(&fresh.guest, bytes));
    let better = better.unwrap().unwrap();
    block_in_place(|| host.trial(&better)).unwrap();
    better
}

fn exchange(target: &str, body: Body) -> Box<Exchange> {
    let mut exchange = Exchange::blank();
    exchange.request.target = Target::new(target.as_bytes()).unwrap();
    exchange.request_body = body;
    Box::new(exchange)
}

fn hooks_of(link: &PluginLink) -> Arc<HooksPlugin> {
    match link {
        Link::Hooks(hooks) => hooks.clone(),
        other => panic!("it has no hooks: {other:?}"),
    }
}

/// A request's way through a chain of both and back, as `proxy` does it. Gives the exchange and how far it went.
async fn run(guests: &[Guest], target: &str) -> (Box<Exchange>, usize) {
    let chains = Chains::default();
    let names = guests.iter().map(|guest| guest.version().name.clone());
    let route = RouteConfig {
        listener: None,
        host: None,
        path: "/".into(),
        backend: String::new(),
        plugins: Some(names.collect()),
    };
    let members: Vec<_> = guests.iter().map(Member::serving).collect();
    let chain = chains.replace(&[route], &members)[0].current();
    let chain: Vec<_> = chain.links().iter().map(hooks_of).collect();
    let mut exchange = exchange(target, Body::Empty);
    let mut ran = 0;
    for guest in &chain {
        let (returned, verdict) = guest.forward_request(exchange).await;
        exchange = returned;
        ran += 1;
        if verdict.unwrap() == Verdict::Respond {
            break;
        }
    }
    for guest in chain[..ran].iter().rev() {
        let (returned, result) = guest.return_response(exchange).await;
        exchange = returned;
        result.unwrap();
    }
    (exchange, ran)
}

fn field(fields: &Fields, name: &str) -> String {
    fields.get_text(name).unwrap_or("none").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_serve_in_one_chain() {
    for host in hosts(CONTRACTS, None) {
        two_versions_serve(&host).await;
    }
}

async fn two_versions_serve(host: &Workbench) {
    let one = prepare(host, "one", one().as_bytes()).unwrap();
    let two = prepare(host, "two", two().as_bytes()).unwrap();
    let better = [improve(host, &one), improve(host, &two)];
    let first = [one.guest, two.guest];
    for (guests, tier) in [(first, Tier::Baseline), (better, Tier::Optimized)] {
        let kinds = guests.each_ref().map(|guest| guest.kind());
        assert_eq!(kinds, ["tollgate:proxy@0.1", "tollgate:proxy@0.2"]);
        assert!(guests.iter().all(|guest| guest.tier() == tier));
        assert!(
            guests
                .iter()
                .all(|guest| !hooks_of(&guest.link()).can_wait())
        );

        let (exchange, ran) = run(&guests, "/").await;
        assert_eq!((ran, exchange.response.status.as_u16()), (2, 203));
        assert_eq!(field(&exchange.request.fields, "x-one"), "1");
        assert_eq!(field(&exchange.request.fields, "x-two"), "1");
        assert_eq!(field(&exchange.response.fields, "x-one"), "other");
        assert_eq!(field(&exchange.response.fields, "x-two"), "2");

        let [one, two] = guests;
        let (exchange, ran) = run(&[two, one], "/teapot").await;
        assert_eq!((ran, exchange.response.status.as_u16()), (1, 421));
        assert_eq!(field(&exchange.request.fields, "x-one"), "none");
        assert_eq!(field(&exchange.request.fields, "x-two"), "none");
        assert_eq!(field(&exchange.response.fields, "x-one"), "none");
    }
}

/// A body whose one piece comes when it is asked for the second time.
struct Late(u8);

impl http_body::Body for Late {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0 += 1;
        match self.0 {
            1 => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            2 => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"hello"))))),
            _ => Poll::Ready(None),
        }
    }
}

/// Which functions wait is a matter of the version.
#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_waits_may_have_another_name() {
    for host in hosts(CONTRACTS, None) {
        reads_a_body(&host).await;
    }
}

async fn reads_a_body(host: &Workbench) {
    let text = format!(
        r#"(module
  (import "tollgate:proxy/request@0.2.0" "read-body" (func $read (param i64 i32)))
  {REALLOC}
  (func (export "tollgate:proxy/interceptor@0.2.0#on-request") (result i32)
    (call $read (i64.const 5) (i32.const 64))
    (i64.store (i32.const 128) (i64.const 0))
    (i32.store8 (i32.const 132) (i32.const 1))
    (i32.store16 (i32.const 134) (i32.add (i32.const 400) (i32.load (i32.const 72))))
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.2.0#on-response") (param i32) (result i32)
    (i64.store (i32.const 128) (i64.const 0))
    (i32.const 128)))"#
    );
    let guest = prepare(host, "wait", text.as_bytes()).unwrap().guest;
    let body = Body::Stream(Streaming::new(Late(0)));
    let hooks = hooks_of(&guest.link());
    assert!(hooks.can_wait());
    let (exchange, verdict) = hooks.forward_request(exchange("/", body)).await;
    assert_eq!(verdict, Ok(Verdict::Respond));
    assert_eq!(exchange.response.status, 405, "400 and the five bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_versions_in_one_plugin_the_newest_is_served() {
    let new = host(CONTRACTS, None);
    let wit = "import tollgate:proxy/request@0.1.0; import tollgate:proxy/request@0.2.0;";
    let import = |version: &str| {
        format!(
            r#"(import "tollgate:proxy/request@{version}" "target" (func $target{version} (param i32)))"#
        )
    };
    let needy = both(&(import("0.1.0") + &import("0.2.0")));
    let needy = component_of_both(&needy, wit);
    let imports = load::interfaces(&needy).unwrap().imports;
    assert!(
        imports
            .iter()
            .any(|name| name == "tollgate:proxy/request@0.1.0")
    );
    assert!(
        imports
            .iter()
            .any(|name| name == "tollgate:proxy/request@0.2.0")
    );
    for file in [
        both("").into_bytes(),
        component_of_both(&both(""), ""),
        needy,
    ] {
        let guest = prepare(&new, "both", &file).unwrap().guest;
        assert_eq!(guest.kind(), v0_2::CONTRACT.to_string());
    }

    // A host that doesn't know it calls the older one, which traps.
    let old = host(Contracts::SERVED, None);
    let error = prepare(&old, "both", both("").as_bytes()).unwrap_err();
    assert!(matches!(error, PluginError::FirstCall { .. }), "{error}");
}

/// The host may have been exchanged for one that serves other versions since code was kept.
#[tokio::test(flavor = "multi_thread")]
async fn the_cache_knows_the_version() {
    let directory = tempfile::tempdir().unwrap();
    let cache = Some(directory.path());
    let (old, new) = (host(Contracts::SERVED, cache), host(CONTRACTS, cache));
    let harmless = both("").replace("unreachable", "(i32.const 128)");
    let kept = |host: &Workbench, file: &str| {
        let fresh = prepare(host, "plugin", file.as_bytes()).unwrap();
        host.keep(&fresh.guest);
        // Only code from the cache is the best at once.
        let was_kept = fresh.improve.is_none();
        if !was_kept {
            host.keep(&improve(host, &fresh));
        }
        (fresh.guest.kind(), was_kept)
    };
    let first = ("tollgate:proxy@0.1".to_owned(), false);
    assert_eq!(kept(&old, &harmless), first);
    assert_eq!(
        kept(&old, &harmless),
        ("tollgate:proxy@0.1".to_owned(), true)
    );
    assert_eq!(
        kept(&new, &harmless),
        ("tollgate:proxy@0.2".to_owned(), false)
    );
    assert_eq!(
        kept(&new, &harmless),
        ("tollgate:proxy@0.2".to_owned(), true)
    );
    // And back again: nobody takes what the other one kept.
    assert_eq!(
        kept(&old, &harmless),
        ("tollgate:proxy@0.1".to_owned(), true)
    );

    assert_eq!(kept(&new, &two()).0, "tollgate:proxy@0.2");
    assert!(matches!(
        prepare(&old, "two", two().as_bytes()),
        Err(PluginError::Load(LoadError::OtherContract { .. }))
    ));
}

#[test]
fn refusals_name_both_versions() {
    let refusal = |text: String| {
        let error = load::load_for(text.into(), CONTRACTS).map(|loaded| loaded.kind);
        error.unwrap_err().to_string()
    };
    let served = "this host serves tollgate:proxy@0.2.x and tollgate:proxy@0.1.x";
    let rebuild = "rebuild the plugin with the WIT or SDK of tollgate:proxy@0.2.0";
    assert_eq!(
        refusal(two().replace("0.2.0", "0.3.0")),
        format!(
            "made for a newer contract: it exports `tollgate:proxy/interceptor@0.3.0`, and {served}; use a newer tollgate, \
             or {rebuild}"
        )
    );
    let mixed = refusal(two().replace("request@0.2.0", "request@0.1.0"));
    assert!(
        mixed.starts_with(
            "made for two contracts at once: it exports `tollgate:proxy/interceptor@0.2.0` and imports \
             `tollgate:proxy/request@0.1.0`"
        ) && mixed.contains(served),
        "{mixed}"
    );
    // What is missing or wrong is told of the version that the plugin is made for.
    let cases = [
        (
            one().replace("return-response", "on-response"),
            "`tollgate:proxy/interceptor@0.1.0` must have the function `return-response`",
        ),
        (
            two().replace("on-response", "return-response"),
            "`tollgate:proxy/interceptor@0.2.0` must have the function `on-response`",
        ),
        (
            two().replace("response@0.2.0", "nowhere@0.2.0"),
            "`tollgate:proxy/nowhere@0.2.0` (unknown); a plugin may import tollgate:proxy/{request,response}@0.2.x, \
             wasi:config/store@0.2.0-rc.1, wasi:logging/logging@0.1.0-draft, wasi:http/{types,",
        ),
        (
            one().replace("response@0.1.0", "nowhere@0.1.0"),
            "a plugin may import tollgate:proxy/{state,client,backends,request,response,exchange,body-sink,timer,metrics,websocket}@0.1.x, wasi:config/",
        ),
    ];
    for (text, expected) in cases {
        let said = refusal(text);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn the_table_is_in_order_and_its_names_lead_back() {
    let numbers = |contract: &Contract| -> Vec<u64> {
        let version = contract.version.split('-').next().unwrap();
        version
            .split('.')
            .map(|part| part.parse().unwrap())
            .collect()
    };
    for contracts in [Contracts::SERVED, CONTRACTS] {
        let rows: Vec<_> = contracts.iter().collect();
        assert!(rows.is_sorted_by(|one, next| numbers(one) > numbers(next)));
        for row in rows {
            let kind = PluginKind::Interceptor(row);
            assert_eq!(PluginKind::named(&kind.to_string(), contracts), Some(kind));
        }
    }
    assert_eq!(
        PluginKind::named("tollgate:proxy@0.2", Contracts::SERVED),
        None
    );
    assert_eq!(Contracts::SERVED.to_string(), "tollgate:proxy@0.1.x");
}
