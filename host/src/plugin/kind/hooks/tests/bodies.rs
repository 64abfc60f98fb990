//! Bodies that a plugin rewrites as they flow, whichever way it is linked.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt;

use super::ways;
use super::{Exchange, REALLOC, Streaming, prepare};
use crate::config::PluginLimits;
use crate::interceptor::Transform;
use crate::message::coding::{Codings, Encoder};
use crate::message::{Body, BodyError, BoxError, Known, Side};
use crate::plugin::kind::hooks::{Contracts, HooksPlugin};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A guest that does with a piece what its first byte says: `k` keep, `r` replace by itself in angle brackets, `s` stop behind
/// `bye`, `d` drop, `t` trap, `e` return an error, `m` emit 200 KB in its place. At the end it emits a full stop.
/// `wish`: what `begin` stores of the wish at 132 (there is one: 1), 133 (unit) and 134 (decoded).
fn guest(side: &str, wish: &str) -> String {
    format!(
        r#"(module
  (import "tollgate:proxy/body-sink@0.1.0" "emit" (func $emit (param i32 i32)))
  {REALLOC}
  (data (i32.const 16) "<>bye.no")
  (func $fine (result i32) (i64.store (i32.const 128) (i64.const 0)) (i32.const 128))
  (func $no (result i32)
    (i32.store (i32.const 128) (i32.const 1)) (i32.store (i32.const 132) (i32.const 22))
    (i32.store (i32.const 136) (i32.const 2)) (i32.const 128))
  (func $fate (param $fate i32) (result i32)
    (i32.store (i32.const 128) (i32.const 0)) (i32.store (i32.const 132) (local.get $fate)) (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32) (call $fine))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32) (call $fine))
  (func (export "tollgate:proxy/{side}-body@0.1.0#begin") (result i32)
    (i32.store (i32.const 128) (i32.const 0)) {wish} (i32.const 128))
  (func (export "tollgate:proxy/{side}-body@0.1.0#piece") (param $at i32) (param $len i32) (result i32)
    (local $what i32) (local $count i32)
    (local.set $what (i32.load8_u (local.get $at)))
    (global.set $next (i32.const 4096))
    (if (i32.eq (local.get $what) (i32.const 0x72)) (then
      (call $emit (i32.const 16) (i32.const 1)) (call $emit (local.get $at) (local.get $len))
      (call $emit (i32.const 17) (i32.const 1)) (return (call $fate (i32.const 1)))))
    (if (i32.eq (local.get $what) (i32.const 0x73)) (then
      (call $emit (i32.const 18) (i32.const 3)) (return (call $fate (i32.const 2)))))
    (if (i32.eq (local.get $what) (i32.const 0x64)) (then (return (call $fate (i32.const 1)))))
    (if (i32.eq (local.get $what) (i32.const 0x74)) (then unreachable))
    (if (i32.eq (local.get $what) (i32.const 0x65)) (then (return (call $no))))
    (if (i32.eq (local.get $what) (i32.const 0x6d)) (then
      (loop $again
        (call $emit (i32.const 0) (i32.const 20000))
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $count) (i32.const 10))))
      (return (call $fate (i32.const 1)))))
    (call $fate (i32.const 0)))
  (func (export "tollgate:proxy/{side}-body@0.1.0#end") (result i32)
    (call $emit (i32.const 21) (i32.const 1)) (call $fine)))"#
    )
}

/// A wish for this unit, as it is numbered in the WIT.
fn wish(unit: u8, decoded: bool) -> String {
    let bytes = 1 | u32::from(unit) << 8 | u32::from(decoded) << 16;
    format!("(i32.store (i32.const 132) (i32.const {bytes}))")
}

const BYTES: u8 = 0;
const LINES: u8 = 2;
const EVENTS: u8 = 3;
const MESSAGES: u8 = 4;

type Chunk = Result<&'static [u8], &'static str>;

/// What becomes of a body that comes in these chunks: the bytes, the trailers, and how it ended.
async fn rewritten(
    plugin: &std::sync::Arc<HooksPlugin>,
    side: Side,
    chunks: &[Chunk],
    set: impl Fn(&mut Exchange),
) -> (Vec<u8>, Option<HeaderMap>, Result<(), BoxError>) {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-end", "1".parse().unwrap());
    let frames: Vec<Result<http_body::Frame<Bytes>, BoxError>> = chunks
        .iter()
        .map(|chunk| match chunk {
            Ok(bytes) => Ok(http_body::Frame::data(Bytes::from_static(bytes))),
            Err(why) => Err((*why).into()),
        })
        .chain([Ok(http_body::Frame::trailers(trailers))])
        .collect();
    let mut exchange = Exchange::blank();
    *exchange.body_mut(side) = Body::Stream(Streaming::new(Frames(frames.into(), false)));
    set(&mut exchange);
    let (mut exchange, result) = plugin.rewrite_body(side, Box::new(exchange)).await;
    result.unwrap();
    let mut body = exchange.body_mut(side).send();
    let (mut bytes, mut trailers) = (Vec::new(), None);
    while let Some(frame) = body.frame().await {
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(data)) => bytes.extend_from_slice(&data),
            Ok(Err(frame)) => trailers = frame.into_trailers().ok(),
            Err(error) => return (bytes, trailers, Err(error)),
        }
    }
    (bytes, trailers, Ok(()))
}

fn nothing(_: &mut Exchange) {}

/// Frames that come one by one, each after a wait.
struct Frames(VecDeque<Result<http_body::Frame<Bytes>, BoxError>>, bool);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, BoxError>>> {
        self.1 = !self.1;
        if self.1 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.0.pop_front())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_are_kept_replaced_dropped_and_the_body_stopped() {
    for way in ways::all() {
        for (name, side) in [("request", Side::Request), ("response", Side::Response)] {
            let plugin = way.plugin(&guest(name, &wish(LINES, false)), PluginLimits::default());
            assert!(plugin.rewrites(side));
            let chunks: [Chunk; 3] = [Ok(b"keep\nre"), Ok(b"place\ndrop\n"), Ok(b"k")];
            let (bytes, trailers, ended) = rewritten(&plugin, side, &chunks, nothing).await;
            ended.unwrap();
            assert_eq!(bytes, b"keep\n<replace\n>k.", "{}", way.name);
            assert!(trailers.is_some(), "{}: trailers follow", way.name);

            let chunks: [Chunk; 2] = [Ok(b"keep\nstop\nkeep\n"), Err("nobody reads this")];
            let (bytes, trailers, ended) = rewritten(&plugin, side, &chunks, nothing).await;
            ended.unwrap();
            assert_eq!(bytes, b"keep\nbye", "{}", way.name);
            assert!(trailers.is_none());
            // The instance is fit for the next body.
            assert!(
                plugin.idle_memory().is_some() && plugin.replaced().count == 0,
                "{}",
                way.name
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_nobody_wishes_for_stays_what_it_is() {
    for way in ways::all() {
        let plugin = way.plugin(
            &guest("response", "(i32.store (i32.const 132) (i32.const 0))"),
            PluginLimits::default(),
        );
        assert!(!plugin.rewrites(Side::Request));
        let fields = |exchange: &mut Exchange| {
            exchange.response.fields.append("content-length", "5");
        };
        let (bytes, _, ended) = rewritten(&plugin, Side::Response, &[Ok(b"stop\n")], fields).await;
        ended.unwrap();
        assert_eq!(bytes, b"stop\n", "{}", way.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_ends_the_body_broken_and_the_instance() {
    for way in ways::all() {
        let plugin = way.plugin(
            &guest("response", &wish(LINES, false)),
            PluginLimits::default(),
        );
        for (chunks, came) in [
            ([Ok(&b"keep\ntrap\n"[..]), Ok(b"keep")], &b"keep\n"[..]),
            ([Ok(b"keep\nerror\n"), Ok(b"keep")], b"keep\n"),
        ] {
            let (bytes, trailers, ended) =
                rewritten(&plugin, Side::Response, &chunks, nothing).await;
            let error = ended.unwrap_err();
            let error = BodyError::find(&*error).unwrap();
            assert_eq!(error.to_string(), "plugin p: response-body failed");
            assert_eq!((&*bytes, trailers.is_none()), (came, true), "{}", way.name);
            assert!(plugin.idle_memory().is_none(), "{}: it is gone", way.name);
        }
        let chunks: [Chunk; 2] = [Ok(b"keep\nke"), Err("the backend left")];
        let (bytes, _, ended) = rewritten(&plugin, Side::Response, &chunks, nothing).await;
        assert_eq!(ended.unwrap_err().to_string(), "the backend left");
        assert_eq!(bytes, b"keep\n");
        assert!(plugin.idle_memory().is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_has_a_limit_and_each_unit_its_pieces() {
    let limits = PluginLimits {
        piece: 8,
        ..PluginLimits::default()
    };
    for way in ways::all() {
        let plugin = way.plugin(&guest("response", &wish(LINES, false)), limits);
        let chunks: [Chunk; 2] = [Ok(b"keep\nkeepkeep"), Ok(b"keep\n")];
        let (bytes, _, ended) = rewritten(&plugin, Side::Response, &chunks, nothing).await;
        assert!(ended.is_err() && bytes == b"keep\n", "{}", way.name);

        let plugin = way.plugin(&guest("response", &wish(BYTES, false)), limits);
        let chunks: [Chunk; 1] = [Ok(b"replacerkeep")];
        let (bytes, _, ended) = rewritten(&plugin, Side::Response, &chunks, nothing).await;
        ended.unwrap();
        assert_eq!(bytes, b"<replacer>keep.", "{}", way.name);

        let plugin = way.plugin(
            &guest("response", &wish(EVENTS, false)),
            PluginLimits::default(),
        );
        let chunks: [Chunk; 2] = [Ok(b"k: 1\nd: 2\n\nr: "), Ok(b"3\r\n\r\n")];
        let (bytes, _, ended) = rewritten(&plugin, Side::Response, &chunks, nothing).await;
        ended.unwrap();
        assert_eq!(bytes, b"k: 1\nd: 2\n\n<r: 3\r\n\r\n>.", "{}", way.name);

        let plugin = way.plugin(
            &guest("response", &wish(MESSAGES, false)),
            PluginLimits::default(),
        );
        let chunks: [Chunk; 2] = [Ok(b"\0\0\0\0\x04kee"), Ok(b"p\0\0\0\0\x01s")];
        let (bytes, _, ended) = rewritten(&plugin, Side::Response, &chunks, nothing).await;
        ended.unwrap();
        assert_eq!(bytes, b"\0\0\0\0\x04keep\0\0\0\0\x03bye", "{}", way.name);
    }
}

fn coded(coding: &str, text: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(&Codings::read([coding.as_bytes()]).unwrap());
    encoder.push(Bytes::copy_from_slice(text));
    encoder.finish();
    let mut coded = Vec::new();
    while let Some(bytes) = encoder.step().unwrap() {
        coded.extend_from_slice(&bytes);
    }
    coded
}

#[tokio::test(flavor = "multi_thread")]
async fn codings_are_undone_and_done_again() {
    let way = &ways::all()[0];
    let plugin = way.plugin(
        &guest("response", &wish(LINES, true)),
        PluginLimits::default(),
    );
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let chunks: Vec<Chunk> = coded(coding, b"keep\nreplace\n")
            .leak()
            .chunks(7)
            .map(Ok)
            .collect();
        let fields = |exchange: &mut Exchange| {
            let fields = &mut exchange.response.fields;
            fields.append(Known::ContentEncoding, coding);
            fields.append(Known::ContentLength, "99");
            fields.append(Known::Etag, "\"a\"");
        };
        let (bytes, trailers, ended) = rewritten(&plugin, Side::Response, &chunks, fields).await;
        ended.unwrap();
        let mut decoder = crate::message::coding::Decoder::new(
            &Codings::read([coding.as_bytes()]).unwrap(),
            crate::message::coding::DecodeLimits::default(),
        );
        decoder.push(bytes.into());
        decoder.end();
        let mut text = Vec::new();
        while let Some(bytes) = decoder.step().unwrap() {
            text.extend_from_slice(&bytes);
        }
        assert_eq!(text, b"keep\n<replace\n>.", "{coding}");
        assert!(trailers.is_some());
    }
    // What is cut off must not seem complete.
    let whole: &'static [u8] = coded("gzip", b"keep\nkeep\n").leak();
    let fields = |exchange: &mut Exchange| {
        exchange
            .response
            .fields
            .append(Known::ContentEncoding, "gzip");
    };
    let chunks: [Chunk; 1] = [Ok(&whole[..whole.len() - 4])];
    assert!(
        rewritten(&plugin, Side::Response, &chunks, fields)
            .await
            .2
            .is_err()
    );
    let mut exchange = Exchange::blank();
    exchange
        .response
        .fields
        .append(Known::ContentEncoding, "compress");
    let (_, result) = plugin
        .rewrite_body(Side::Response, Box::new(exchange))
        .await;
    assert!(
        result
            .unwrap_err()
            .to_string()
            .contains("\"compress\" is not supported")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_tells_nothing_of_the_old_bytes() {
    let way = &ways::all()[0];
    let plugin = way.plugin(
        &guest("response", &wish(BYTES, false)),
        PluginLimits::default(),
    );
    let mut exchange = Exchange::blank();
    for (name, value) in [
        ("content-length", "3"),
        ("content-encoding", "gzip"),
        ("etag", "\"a\""),
        ("digest", "md5=x"),
        ("accept-ranges", "bytes"),
        ("content-type", "text/plain"),
    ] {
        exchange.response.fields.append(name, value);
    }
    let (exchange, result) = plugin
        .rewrite_body(Side::Response, Box::new(exchange))
        .await;
    result.unwrap();
    let mut fields: Vec<_> = exchange
        .response
        .fields
        .iter()
        .map(|(name, _)| name.to_lower())
        .collect();
    fields.sort();
    assert_eq!(fields, ["content-encoding", "content-type", "etag"]);
    assert_eq!(exchange.response.fields.get_text("etag"), Some("W/\"a\""));
}

/// A guest waits while its receiver does, and no more than what it emits in one call is held.
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_waits_for_its_receiver() {
    for way in ways::all() {
        let plugin = way.plugin(
            &guest("response", &wish(LINES, false)),
            PluginLimits::default(),
        );
        let mut exchange = Exchange::blank();
        exchange.response_body = Body::full("many\n");
        let (mut exchange, result) = plugin
            .rewrite_body(Side::Response, Box::new(exchange))
            .await;
        result.unwrap();
        let mut body = exchange.response_body.send();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first.len(), 20_000);
        // Its call is under way: the instance is not back.
        assert!(plugin.idle_memory().is_none(), "{}", way.name);
        let rest = body.collect().await.unwrap().to_bytes();
        assert_eq!(rest.len(), 9 * 20_000 + 1, "{}", way.name);
        assert!(plugin.idle_memory().is_some());

        // One that fails behind it had to wait, so that the receiver has got most of it by then.
        let failing = guest("response", &wish(LINES, false)).replace(
            "(i32.lt_u (local.get $count) (i32.const 10))))",
            "(i32.lt_u (local.get $count) (i32.const 10)))) unreachable",
        );
        let plugin = way.plugin(&failing, PluginLimits::default());
        let chunks: [Chunk; 1] = [Ok(b"many\n")];
        let (bytes, _, ended) = rewritten(&plugin, Side::Response, &chunks, nothing).await;
        assert!(
            ended.is_err() && bytes.len() >= 64 << 10,
            "{}: {}",
            way.name,
            bytes.len()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_has_the_limits_of_a_call() {
    let limits = PluginLimits {
        deadline: Duration::from_millis(50),
        ..PluginLimits::default()
    };
    for way in ways::all() {
        let file = guest("response", &wish(LINES, false))
            .replace("(then unreachable)", "(then (loop (br 0)) unreachable)");
        let plugin = way.plugin(&file, limits);
        let chunks: [Chunk; 1] = [Ok(b"keep\ntrap\n")];
        let (bytes, _, ended) = rewritten(&plugin, Side::Response, &chunks, nothing).await;
        assert!(ended.is_err() && bytes == b"keep\n", "{}", way.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn emit_belongs_to_bodies() {
    let [direct, component] = super::hosts(Contracts::SERVED, None);
    for host in [direct, component] {
        let file = guest("response", &wish(LINES, false));
        prepare(&host, "p", file.as_bytes()).unwrap();
        let file = file.replacen(
            "(result i32) (call $fine))",
            "(result i32) (call $emit (i32.const 16) (i32.const 1)) (call $fine))",
            1,
        );
        let error = prepare(&host, "p", file.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("body-sink.emit was called where there is no body"),
            "{error}"
        );
        let file = guest("response", "unreachable");
        let error = prepare(&host, "p", file.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("its first call of response-body failed: it trapped"),
            "{error}"
        );
    }
}

/// A response that a plugin makes over time: it emits, waits and emits, behind an empty body.
#[tokio::test(flavor = "multi_thread")]
async fn a_response_is_made_over_time() {
    for way in ways::all() {
        let file = guest("response", &wish(BYTES, false))
            .replace(
                "(module",
                "(module (import \"tollgate:proxy/timer@0.1.0\" \"sleep\" (func $sleep (param i64)))",
            )
            .replace(
                "(call $emit (i32.const 21) (i32.const 1)) (call $fine)",
                "(call $emit (i32.const 18) (i32.const 3)) (call $sleep (i64.const 30))
                 (call $emit (i32.const 21) (i32.const 1)) (call $fine)",
            );
        let plugin = way.plugin(&file, PluginLimits::default());
        let exchange = Box::new(Exchange::blank());
        let (mut exchange, result) = plugin.rewrite_body(Side::Response, exchange).await;
        result.unwrap();
        let mut body = exchange.response_body.send();
        let begin = std::time::Instant::now();
        let mut next = async || body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(next().await, "bye", "{}", way.name);
        assert!(
            begin.elapsed() < Duration::from_millis(30),
            "{}: it waited for the end",
            way.name
        );
        assert_eq!(next().await, ".");
        assert!(begin.elapsed() >= Duration::from_millis(29), "{}", way.name);
        assert!(body.frame().await.is_none());
    }
}

/// Each wait between two emits may last long, however long they are together.
#[test]
fn a_guest_that_emits_now_and_then_has_not_stalled() {
    let pause = "(call $sleep (i64.const 100000))";
    let emit = "(call $emit (i32.const 21) (i32.const 1))";
    let file = |end: String| {
        let file = guest("response", &wish(BYTES, false)).replace(
            "(module",
            "(module (import \"tollgate:proxy/timer@0.1.0\" \"sleep\" (func $sleep (param i64)))",
        );
        file.replace(
            &format!("{emit} (call $fine)"),
            &format!("{end} (call $fine)"),
        )
    };
    let compiling = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    for (end, expected) in [
        (format!("{emit} {pause} {emit} {pause} {emit}"), Some("...")),
        (format!("{emit} {pause} {pause} {emit}"), None),
    ] {
        let file = file(end);
        let plugins = compiling.block_on(async {
            let ways = ways::all();
            let plugin = |way: &ways::Way| way.plugin(&file, PluginLimits::default());
            ways.iter().map(plugin).collect::<Vec<_>>()
        });
        let waiting = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        for plugin in plugins {
            waiting.block_on(async {
                let exchange = Box::new(Exchange::blank());
                let (mut exchange, result) = plugin.rewrite_body(Side::Response, exchange).await;
                result.unwrap();
                let body = exchange.response_body.send().collect().await;
                let text = body.ok().map(|body| body.to_bytes());
                assert_eq!(text.as_deref(), expected.map(str::as_bytes));
            });
        }
    }
}
