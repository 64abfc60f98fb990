//! Messages of a WebSocket, whichever way a plugin is linked.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::ways;
use super::{CONTRACTS, Exchange, REALLOC, hosts, prepare};
use crate::config::PluginLimits;
use crate::interceptor::{Hook, InterceptError, MessageInterceptor, Transform};
use crate::message::Fate;
use crate::message::websocket::{CloseFrame, Content, Peer, ROOM, Sent};
use crate::plugin::kind::hooks::HooksPlugin;

/// A guest that does with a message what its first byte says: `k` keep, `d` drop, `e` send it back to its sender, `s` stop,
/// `c` close with 4000, `t` trap, `x` return an error, `l` loop for ever, `n` send the number of this message to the client,
/// `f` send 200 KB to the backend, `b` close with a code that is not sent, `r` with a reason of 124 bytes. `opened` says what is stored at 132.
fn guest(opened: &str, closed: &str) -> String {
    format!(
        r#"(module
  (import "tollgate:proxy/websocket@0.1.0" "send" (func $send (param i32 i32 i32 i32)))
  (import "tollgate:proxy/websocket@0.1.0" "close" (func $close (param i32 i32 i32)))
  {REALLOC}
  (global $count (mut i32) (i32.const 0))
  (data (i32.const 16) "bye")
  (func $fine (result i32) (i64.store (i32.const 128) (i64.const 0)) (i32.const 128))
  (func $no (result i32)
    (i32.store (i32.const 128) (i32.const 1)) (i32.store (i32.const 132) (i32.const 16))
    (i32.store (i32.const 136) (i32.const 3)) (i32.const 128))
  (func $fate (param $fate i32) (result i32)
    (i32.store (i32.const 128) (i32.const 0)) (i32.store (i32.const 132) (local.get $fate)) (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32) (call $fine))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32) (call $fine))
  (func (export "tollgate:proxy/websocket-messages@0.1.0#opened") (result i32)
    (i64.store (i32.const 128) (i64.const 0)) {opened} (i32.const 128))
  (func (export "tollgate:proxy/websocket-messages@0.1.0#message")
    (param $sender i32) (param $kind i32) (param $at i32) (param $len i32) (result i32)
    (local $what i32) (local $i i32)
    (local.set $what (i32.load8_u (local.get $at)))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.set $next (i32.const 4096))
    (if (i32.eq (local.get $what) (i32.const 0x64)) (then (return (call $fate (i32.const 1)))))
    (if (i32.eq (local.get $what) (i32.const 0x65)) (then
      (call $send (local.get $sender) (local.get $kind) (local.get $at) (local.get $len))
      (return (call $fate (i32.const 1)))))
    (if (i32.eq (local.get $what) (i32.const 0x73)) (then (return (call $fate (i32.const 2)))))
    (if (i32.eq (local.get $what) (i32.const 0x63)) (then
      (call $close (i32.const 4000) (i32.const 16) (i32.const 3)) (return (call $fate (i32.const 1)))))
    (if (i32.eq (local.get $what) (i32.const 0x62)) (then
      (call $close (i32.const 1006) (i32.const 16) (i32.const 3))))
    (if (i32.eq (local.get $what) (i32.const 0x72)) (then
      (call $close (i32.const 4000) (i32.const 1024) (i32.const 124))))
    (if (i32.eq (local.get $what) (i32.const 0x74)) (then unreachable))
    (if (i32.eq (local.get $what) (i32.const 0x78)) (then (return (call $no))))
    (if (i32.eq (local.get $what) (i32.const 0x6c)) (then (loop $again (br $again))))
    (if (i32.eq (local.get $what) (i32.const 0x6e)) (then
      (i32.store8 (i32.const 32) (i32.add (global.get $count) (i32.const 48)))
      (call $send (i32.const 0) (i32.const 0) (i32.const 32) (i32.const 1))
      (return (call $fate (i32.const 1)))))
    (if (i32.eq (local.get $what) (i32.const 0x66)) (then
      (loop $again
        (call $send (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 20000))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (i32.const 10))))
      (return (call $fate (i32.const 1)))))
    (call $fate (i32.const 0)))
  (func (export "tollgate:proxy/websocket-messages@0.1.0#closed") (result i32) {closed} (call $fine)))"#
    )
}

const YES: &str = "(i32.store8 (i32.const 132) (i32.const 1))";

type Opened = Box<dyn MessageInterceptor>;

async fn open(plugin: &Arc<HooksPlugin>) -> Result<Option<Opened>, InterceptError> {
    let exchange = Box::new(Exchange::blank());
    plugin.open_websocket(exchange).await.1
}

/// Gives it a text and takes out what it sends, as soon as it is sent.
async fn give(
    open: Opened,
    sender: Peer,
    text: &str,
) -> Result<(Opened, Fate, Vec<Sent>), InterceptError> {
    let outbox = open.outbox();
    let mut call = open.message(sender, Content::Text(text.to_owned()));
    let mut sent = Vec::new();
    let called = poll_fn(|cx| {
        let polled = call.as_mut().poll(cx);
        while let Some(one) = outbox.take() {
            sent.push(one);
        }
        outbox.set_waiting([0, 0], ROOM);
        if polled.is_pending() {
            cx.waker().wake_by_ref();
        }
        match polled {
            Poll::Ready(called) => Poll::Ready(called),
            Poll::Pending => Poll::Pending,
        }
    });
    let (open, fate) = called.await?;
    Ok((open, fate, sent))
}

fn to(receiver: Peer, text: &str) -> Sent {
    let content = Content::Text(text.to_owned());
    Sent::Message { receiver, content }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_gets_the_messages_of_one_websocket() {
    for way in ways::all() {
        let plugin = way.plugin(&guest(YES, ""), PluginLimits::default());
        assert!(plugin.reads_messages());
        let one = open(&plugin).await.unwrap().unwrap();
        let two = open(&plugin).await.unwrap().unwrap();
        assert_eq!(one.name(), "p");
        let (one, fate, sent) = give(one, Peer::Client, "keep").await.unwrap();
        assert_eq!((fate, sent), (Fate::Keep, vec![]), "{}", way.name);
        let (one, fate, sent) = give(one, Peer::Backend, "echo").await.unwrap();
        assert_eq!(
            (fate, sent),
            (Fate::Replace, vec![to(Peer::Backend, "echo")])
        );
        // Its variables last, and are those of one connection.
        let (one, _, sent) = give(one, Peer::Backend, "number").await.unwrap();
        assert_eq!(sent, [to(Peer::Client, "3")], "{}", way.name);
        let (two, _, sent) = give(two, Peer::Backend, "number").await.unwrap();
        assert_eq!(sent, [to(Peer::Client, "1")], "{}", way.name);
        let (one, fate, sent) = give(one, Peer::Client, "close").await.unwrap();
        let closed = Sent::Close(CloseFrame::new(4000, "bye"));
        assert_eq!((fate, sent), (Fate::Replace, vec![closed]));
        let (two, fate, sent) = give(two, Peer::Client, "stop").await.unwrap();
        assert_eq!((fate, sent), (Fate::Stop, vec![]));
        assert!(
            plugin.idle_memory().is_none(),
            "{}: both are held",
            way.name
        );
        one.closed().await.unwrap();
        two.closed().await.unwrap();
        assert!(
            plugin.idle_memory().is_some() && plugin.replaced().count == 0,
            "{}",
            way.name
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_sends_much_waits_for_the_receiver() {
    for way in ways::all() {
        let plugin = way.plugin(&guest(YES, ""), PluginLimits::default());
        let one = open(&plugin).await.unwrap().unwrap();
        let outbox = one.outbox();
        outbox.set_waiting([0, ROOM], ROOM);
        let call = one.message(Peer::Client, Content::Text("flood".to_owned()));
        let waits = tokio::time::timeout(Duration::from_millis(20), call).await;
        assert!(waits.is_err() && outbox.is_waiting(), "{}", way.name);
        let one = open(&plugin).await.unwrap().unwrap();
        let (_, _, sent) = give(one, Peer::Client, "flood").await.unwrap();
        assert_eq!(sent.len(), 10, "{}", way.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_want_it_or_fails_has_no_part_in_it() {
    for way in ways::all() {
        let plugin = way.plugin(&guest("", ""), PluginLimits::default());
        assert!(open(&plugin).await.unwrap().is_none(), "{}", way.name);
        assert!(plugin.idle_memory().is_some(), "{}: it is free", way.name);
        let plugin = way.plugin(&guest("(return (call $no))", ""), PluginLimits::default());
        let error = open(&plugin).await.err().unwrap();
        assert_eq!(error.to_string(), "returned an error: bye");
        let limits = PluginLimits {
            deadline: Duration::from_millis(20),
            ..PluginLimits::default()
        };
        let plugin = way.plugin(&guest(YES, "unreachable"), limits);
        for (text, expected) in [
            ("trap", "trapped: wasm trap: wasm `unreachable`"),
            ("x", "returned an error: bye"),
            ("loop", "took more than 20 ms of CPU time"),
            (
                "bad code",
                "trapped: websocket.close was called with 1006, which no peer may send",
            ),
            (
                "reason",
                "trapped: websocket.close was called with a reason of 124 bytes; it has 123 at most",
            ),
        ] {
            let one = open(&plugin).await.unwrap().unwrap();
            let error = give(one, Peer::Client, text)
                .await
                .err()
                .unwrap()
                .to_string();
            assert!(error.starts_with(expected), "{}: {error}", way.name);
            assert!(plugin.idle_memory().is_none(), "{}: it is gone", way.name);
        }
        let one = open(&plugin).await.unwrap().unwrap();
        let error = one.closed().await.unwrap_err().to_string();
        assert!(error.starts_with("trapped"), "{}: {error}", way.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_did_not_want_one_has_none_afterwards() {
    let asked = guest("(global.set $count (i32.const 1))", "").replacen(
        "forward-request\") (result i32)",
        "forward-request\") (result i32)
           (if (global.get $count) (then (call $send (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1))))",
        1,
    );
    for way in ways::all() {
        let plugin = way.plugin(&asked, PluginLimits::default());
        let (_, fine) = plugin.forward_request(Box::new(Exchange::blank())).await;
        assert!(fine.is_ok(), "{}: {fine:?}", way.name);
        assert!(open(&plugin).await.unwrap().is_none(), "{}", way.name);
        let (_, sent) = plugin.forward_request(Box::new(Exchange::blank())).await;
        let error = sent.unwrap_err().to_string();
        assert!(
            error.contains("where there is no WebSocket"),
            "{}: {error}",
            way.name
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_tried_and_sends_only_where_there_is_a_websocket() {
    for host in hosts(CONTRACTS, None) {
        let error = prepare(&host, "p", guest("unreachable", "").as_bytes()).unwrap_err();
        let hook = Hook::Messages.to_string();
        assert!(error.to_string().contains(&hook), "{error}");
        assert!(prepare(&host, "p", guest(YES, "unreachable").as_bytes()).is_err());
        assert!(prepare(&host, "p", guest("", "unreachable").as_bytes()).is_ok());
        let sends = "(call $send (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 20000))";
        let sends = sends.repeat(5);
        assert!(
            prepare(
                &host,
                "p",
                guest(&format!("{YES} {sends}"), &sends).as_bytes()
            )
            .is_ok()
        );
        let elsewhere = guest(YES, "").replacen(
            "forward-request\") (result i32)",
            &format!("forward-request\") (result i32) {sends}"),
            1,
        );
        let error = prepare(&host, "p", elsewhere.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("websocket.send was called where there is no WebSocket"),
            "{error}"
        );
    }
}
