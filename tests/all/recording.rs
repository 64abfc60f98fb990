//! What is recorded of exchanges: what came, what each plugin changed, what went out, and what of it is kept.

use std::sync::Arc;

use tollgate::record::{
    Ending, FieldEdit, Message, MessageEdit, Performer, PieceFate, Recorded, StartLine, Step,
    StepOutcome,
};
use tollgate_tests::*;

const ON: &str = "[record]\nenabled = true";

/// A proxy that records, with these plugins.
async fn recording(plugins: &[(&str, Guest)], origin: &Origin) -> Proxy {
    let mut builder = proxy().config(ON).backend(origin);
    for (name, guest) in plugins {
        builder = builder.plugin(name, guest.clone());
    }
    builder.start().await
}

/// The exchanges so far, newest first, once there are so many.
async fn recorded(proxy: &Proxy, count: usize) -> Vec<Arc<Recorded>> {
    let ring = proxy.recorder().unwrap().ring().clone();
    eventually!(ring.size().exchanges >= count);
    let page = ring.page(None, usize::MAX, |_| true);
    assert_eq!(page.exchanges.len(), count);
    page.exchanges
}

async fn only(proxy: &Proxy) -> Arc<Recorded> {
    recorded(proxy, 1).await.remove(0)
}

fn who(step: &Step) -> String {
    match &step.performer {
        Performer::Host => "host".to_owned(),
        Performer::Plugin { name, hook, .. } => format!("{name} {hook}"),
        Performer::Backend { .. } => "backend".to_owned(),
    }
}

fn steps(exchange: &Recorded) -> Vec<String> {
    exchange.steps.iter().map(who).collect()
}

fn step<'a>(exchange: &'a Recorded, name: &str) -> &'a Step {
    let mut steps = exchange.steps.iter();
    steps.find(|step| who(step) == name).unwrap()
}

fn inserted(edit: &MessageEdit) -> Vec<(String, String)> {
    let MessageEdit::Edited(edit) = edit else {
        panic!("{edit:?}")
    };
    let fields = edit.fields.iter().map(|edit| match edit {
        FieldEdit::Insert { field, .. } => {
            let value = String::from_utf8(field.value.clone()).unwrap();
            (field.name.clone(), value)
        }
        other => panic!("{other:?}"),
    });
    fields.collect()
}

fn body(message: &Message) -> String {
    String::from_utf8(message.content.kept.clone()).unwrap()
}

fn text_of(message: &Message, name: &str) -> String {
    let value = message.field(name).unwrap_or_default();
    String::from_utf8(value.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_plugin_is_a_step_with_what_it_changed() {
    let origin = origin().route("/", text("hello")).start().await;
    let proxy = recording(
        &[
            ("a", guest("mark").version("one.")),
            ("b", guest("mark").version("two.")),
        ],
        &origin,
    )
    .await;
    let request = request("POST", "/?x=1")
        .field("accept", "*/*")
        .body("question");
    assert_eq!(proxy.ask(&request).await.text(), "hello");
    let exchange = only(&proxy).await;
    let expected = [
        "host",
        "a forward-request",
        "b forward-request",
        "backend",
        "b return-response",
        "a return-response",
        "host",
    ];
    assert_eq!(steps(&exchange), expected);
    let mark = |value: &str| vec![("x-mark".to_owned(), value.to_owned())];
    let first = step(&exchange, "a forward-request");
    assert_eq!(inserted(&first.request), mark("one."));
    assert!(first.response.is_unchanged() && first.computing.is_some());
    let back = step(&exchange, "b return-response");
    assert_eq!(inserted(&back.response), mark("two."));
    assert!(back.request.is_unchanged());
    let Performer::Plugin { version, .. } = &back.performer else {
        panic!()
    };
    assert_eq!(version.len(), 12);

    assert_eq!(body(&exchange.request), "question");
    assert!(exchange.request.content.complete);
    let StartLine::Request { method, target, .. } = &exchange.request.line else {
        panic!()
    };
    assert_eq!((&**method, &**target), ("POST", "/?x=1"));
    assert!(exchange.request.field("x-mark").is_none());
    assert!(exchange.request.field("via").is_none());
    let backend = exchange
        .steps
        .iter()
        .position(|step| who(step) == "backend");
    let (sent, none) = exchange.before(backend.unwrap());
    assert!(none.is_none());
    // As the backend got it.
    assert_eq!(text_of(&sent, "via"), origin.request().texts("via")[0]);
    assert_eq!(text_of(&sent, "x-mark"), "one.");
    let response = exchange.response().unwrap();
    assert_eq!(response.line, StartLine::Response { status: 200 });
    assert_eq!(body(&response), "hello");
    assert_eq!(exchange.ending, Ending::Complete);
    assert_eq!(exchange.route.as_deref(), Some("/"));
    assert_eq!(exchange.protocol, "HTTP/1.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_replaced_is_the_plugins_and_one_that_is_read_is_not() {
    let origin = origin().route("/", text("old")).start().await;
    let proxy = recording(
        &[("a", guest("read-request")), ("b", guest("set-bodies"))],
        &origin,
    )
    .await;
    let request = request("POST", "/").chunked(&[b"what ", b"came"]);
    assert_eq!(proxy.ask(&request).await.text(), "a new response body");
    let exchange = only(&proxy).await;
    assert_eq!(body(&exchange.request), "what came");
    assert!(exchange.request.content.complete);
    let content = |edit: &MessageEdit| match edit {
        MessageEdit::Edited(edit) => edit.content.clone(),
        _ => None,
    };
    let replaced = content(&step(&exchange, "b forward-request").request).unwrap();
    assert_eq!(replaced.kept, b"a new request body");
    assert_eq!(content(&step(&exchange, "a forward-request").request), None);
    let backend = exchange
        .steps
        .iter()
        .position(|step| who(step) == "backend");
    let (_, got) = exchange.before(backend.unwrap() + 1);
    assert_eq!(body(&got.unwrap()), "old");
    assert_eq!(body(&exchange.response().unwrap()), "a new response body");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_place_of_the_backend_is_the_plugins() {
    let origin = origin().start().await;
    let proxy = recording(&[("gate", guest("respond"))], &origin).await;
    assert_eq!(proxy.get("/").await.status(), 403);
    let exchange = only(&proxy).await;
    let gate = step(&exchange, "gate forward-request");
    assert_eq!(gate.outcome, StepOutcome::Responded);
    let MessageEdit::Whole(response) = &gate.response else {
        panic!("{gate:?}")
    };
    assert_eq!(body(response), "not today");
    assert!(!steps(&exchange).contains(&"backend".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_undone_or_end_it() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("open", guest("fail-forward"))
        .plugin("shut", guest("fail-return"))
        .config("[plugin.open]\non-failure = 'open'")
        .config(ON)
        .backend(&origin)
        .start()
        .await;
    assert_eq!(proxy.get("/").await.status(), 502);
    let exchange = only(&proxy).await;
    let open = step(&exchange, "open forward-request");
    assert!(matches!(open.outcome, StepOutcome::Undone(_)), "{open:?}");
    assert!(open.request.is_unchanged());
    let shut = step(&exchange, "shut return-response");
    assert!(matches!(shut.outcome, StepOutcome::Failed(_)), "{shut:?}");
    let Ending::Failed(failure) = &exchange.ending else {
        panic!("{exchange:?}")
    };
    assert_eq!(
        (failure.status, &*failure.proxy_error),
        (502, "proxy_internal_error")
    );
    let answer = exchange.response().unwrap();
    assert_eq!(answer.line, StartLine::Response { status: 502 });
    assert!(answer.field("proxy-status").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_and_who_leaves_is_recorded_too() {
    let gate = Gate::new();
    let origin = origin()
        .route("/slow", text("late").after(&gate))
        .route(
            "/cut",
            raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc").wait(&gate),
        )
        .start()
        .await;
    let proxy = proxy()
        .config("[server]\nrequest-timeout = '50ms'")
        .config(ON)
        .backend(&origin)
        .start()
        .await;
    assert_eq!(proxy.get("/slow").await.status(), 504);
    let exchange = only(&proxy).await;
    let Ending::Failed(failure) = &exchange.ending else {
        panic!("{exchange:?}")
    };
    assert_eq!(failure.status, 504);
    assert_eq!(step(&exchange, "backend").outcome, StepOutcome::Abandoned);

    let mut client = proxy.client().await;
    client.send(get("/cut").bytes()).await;
    client.head().await;
    assert_eq!(client.bytes(3).await, b"abc");
    client.reset();
    let exchange = recorded(&proxy, 2).await.remove(0);
    assert_eq!(exchange.ending, Ending::CutOff);
    let response = exchange.response().unwrap();
    assert_eq!(body(&response), "abc");
    assert!(!response.content.complete);
    gate.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_kept_up_to_their_limit_and_counted() {
    let long = "x".repeat(100_000);
    let origin = origin().route("/", text(&long)).start().await;
    let proxy = proxy()
        .config("[record]\nenabled = true\nbody = 1000")
        .backend(&origin)
        .start()
        .await;
    let request = request("POST", "/").chunked(&[long.as_bytes(), b"y"]);
    assert_eq!(proxy.ask(&request).await.text().len(), long.len());
    let exchange = only(&proxy).await;
    let response = exchange.response().unwrap();
    for (content, length) in [
        (&exchange.request.content, 100_001),
        (&response.content, 100_000),
    ] {
        assert_eq!((content.kept.len(), content.length), (1000, length));
        assert!(content.complete);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_masked_wherever_they_are() {
    let reply = raw(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nset-cookie: s=hunter2\r\n\
         content-length: 31\r\n\r\n{\"a\":{\"access_token\":\"hunter2\"}}",
    );
    let origin = origin().route("/", reply).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark").version("v001"))
        .config("[record]\nenabled = true\nmask-fields = ['x-mark']")
        .backend(&origin)
        .start()
        .await;
    let request = request("POST", "/?a=1&X-Amz-Signature=hunter2")
        .field("authorization", "Bearer hunter2")
        .field("content-type", "application/x-www-form-urlencoded")
        .body("user=me&password=hunter2");
    assert_eq!(proxy.ask(&request).await.status(), 200);
    let exchange = only(&proxy).await;
    let all = serde_json::to_string(&*exchange).unwrap();
    let bytes = serde_json::to_string(b"hunter2".as_slice()).unwrap();
    let bytes = bytes.trim_matches(['[', ']']);
    assert!(!all.contains("hunter2") && !all.contains(bytes), "{all}");
    assert_eq!(body(&exchange.request), "user=me&password=[masked]");
    assert_eq!(text_of(&exchange.request, "authorization"), "[masked]");
    let marked = &step(&exchange, "mark forward-request").request;
    assert_eq!(
        inserted(marked),
        [("x-mark".to_owned(), "[masked]".to_owned())]
    );
    // What goes on is whole.
    assert_eq!(origin.request().texts("authorization"), ["Bearer hunter2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewritten_body_is_kept_as_it_came_and_as_it_went() {
    let reply = raw(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    let reply = reply.then("9\r\ndata: 1\n\n\r\n6\r\nx: 2\n\n\r\n0\r\n\r\n");
    let origin = origin().route("/", reply).start().await;
    let proxy = recording(&[("rewrite", guest("rewrite").version("v001"))], &origin).await;
    let answer = proxy.get("/").await;
    let exchange = only(&proxy).await;
    let rewrite = exchange
        .steps
        .iter()
        .position(|step| who(step) == "rewrite response-body");
    let (_, came) = exchange.before(rewrite.unwrap());
    assert_eq!(body(&came.unwrap()), "data: 1\n\nx: 2\n\n");
    assert_eq!(body(&exchange.response().unwrap()), answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_are_kept_with_what_went_on_in_their_place() {
    let reply = raw(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    let reply = reply.then("9\r\ndata: 1\n\n\r\n6\r\nx: 2\n\n\r\n0\r\n\r\n");
    let origin = origin().route("/", reply).start().await;
    let proxy = recording(&[("rewrite", guest("rewrite").version("v001"))], &origin).await;
    assert_eq!(proxy.get("/").await.status(), 200);
    let exchange = only(&proxy).await;
    let transcript = &step(&exchange, "rewrite response-body").transcript;
    let transcript = transcript.as_ref().unwrap();
    assert_eq!(transcript.count, 2);
    let [kept, replaced] = &transcript.pieces[..] else {
        panic!("{transcript:?}")
    };
    assert_eq!((kept.fate, kept.went.len()), (PieceFate::Keep, 0));
    assert!(kept.came.kept.starts_with(b"data: 1"), "{kept:?}");
    assert_eq!(replaced.fate, PieceFate::Replace);
    assert!(replaced.came.kept.starts_with(b"x: 2"), "{replaced:?}");
    assert_eq!(replaced.went[0].kept, b"[v001]");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_says_is_in_the_step_in_which_it_said_it() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = recording(&[("log", guest("log"))], &origin).await;
    for _ in 0..2 {
        assert_eq!(proxy.get("/").await.status(), 200);
    }
    for exchange in recorded(&proxy, 2).await {
        let out = &step(&exchange, "log forward-request").log;
        let back = &step(&exchange, "log return-response").log;
        assert_eq!(out.len(), 1);
        assert_eq!((&*out[0].level, &*out[0].text), ("info", "on the way out"));
        assert_eq!(back.len(), 2);
        assert_eq!(back[0].level, "warn");
    }
}

/// A plugin that logs what it saw in a field: there the same is masked as in the field.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_masked_in_a_head_is_masked_in_what_a_plugin_says() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = recording(&[("log", guest("log"))], &origin).await;
    let request = get("/").field("authorization", "Bearer the way out");
    assert_eq!(proxy.ask(&request).await.status(), 200);
    let exchange = only(&proxy).await;
    let out = &step(&exchange, "log forward-request").log;
    assert_eq!(out[0].text, "on [masked]");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_recorded_unless_somebody_wants_it() {
    let proxy = proxy().start().await;
    assert_eq!(proxy.get("/").await.status(), 200);
    assert!(proxy.recorder().is_none());
    let proxy = self::proxy().config("admin = '127.0.0.1:0'").start().await;
    assert!(proxy.recorder().is_some());
}
