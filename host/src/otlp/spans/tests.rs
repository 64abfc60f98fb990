//! The spans of an exchange that was watched as the proxy does it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::*;
use crate::message::trace::{
    Beginning, CallTrace, Finished, Identity, Level, Observer, Observers, Trace,
};
use crate::message::{ExchangeId, RequestHead, ResponseHead, Target};

#[derive(Debug, Default)]
struct Keeping(Mutex<Vec<SpanData>>);

impl Observer for Keeping {
    fn wants(&self) -> Level {
        Level::Times
    }

    fn sample(&self) -> Option<f64> {
        Some(1.0)
    }

    fn finished(&self, exchange: &Arc<Finished>) {
        let context = exchange.times.context.unwrap();
        *self.0.lock().unwrap() = of(&exchange.times, &context);
    }
}

fn plugin(name: &str, hook: &'static str) -> Performer {
    Performer::Plugin {
        plugin: Arc::new(Identity {
            name: name.to_owned(),
            version: "0123".to_owned(),
        }),
        hook,
    }
}

/// An exchange through a plugin that surrounds another one and the backend: its spans by name, the fields of the call that the inner
/// plugin made, and those that went to the backend.
fn watched() -> (
    BTreeMap<String, SpanData>,
    Vec<(&'static str, String)>,
    crate::message::Fields,
) {
    let keeping = Arc::<Keeping>::default();
    let observers = Arc::new(Observers::new(vec![keeping.clone()]));
    let mut head = RequestHead::new();
    head.target = Target::new(&b"/a?key=secret&b"[..]).unwrap();
    let mut trace = Trace::begin(
        &observers,
        Beginning {
            id: ExchangeId(1),
            client: "127.0.0.1:1".parse().unwrap(),
            scheme: Scheme::Https,
            head: &head,
        },
    );
    trace.begin_step(|| plugin("around", "handle"));
    let mut inner = trace.deeper();
    inner.begin_step(|| plugin("within", "forward-request"));
    let call = CallTrace::begin(&inner, "POST", "api.test:8443", "https://api.test:8443/");
    let fields = call.fields();
    call.end(Ok(500), 0);
    inner.end_step(Outcome::Done);
    inner.begin_step(|| Performer::Backend {
        name: "default".to_owned(),
        address: Some("http://127.0.0.1:80".to_owned()),
    });
    let mut sent = crate::message::Fields::new();
    sent.append("tracestate", "a=1");
    inner.carry_on(&mut sent);
    inner.end_step(Outcome::Failed("refused".to_owned()));
    trace.end_step(Outcome::Done);
    trace.answers(&ResponseHead::new(http::StatusCode::BAD_GATEWAY));
    trace.sent(0, true);
    drop((trace, inner));

    let spans = keeping
        .0
        .lock()
        .unwrap()
        .drain(..)
        .map(|span| (span.name.to_string(), span))
        .collect();
    (spans, fields, sent)
}

#[test]
fn spans_are_a_tree_and_calls_carry_their_own() {
    let (spans, fields, sent) = watched();
    let id = |name: &str| spans[name].span_context.span_id();
    let parents = [
        ("around handle", "GET"),
        ("within forward-request", "around handle"),
        ("POST", "within forward-request"),
        ("GET default", "around handle"),
    ];
    for (child, parent) in parents {
        assert_eq!(spans[child].parent_span_id, id(parent), "{child}");
    }
    assert_eq!(spans.len(), 5);
    assert_eq!(spans["GET"].parent_span_id, SpanId::INVALID);
    let trace_id = spans["GET"].span_context.trace_id();
    let parent = |name| format!("00-{trace_id}-{}-01", id(name));
    assert_eq!(fields, [("traceparent", parent("POST"))]);
    assert_eq!(sent.get_text("traceparent"), Some(&*parent("GET default")));
    assert_eq!(sent.get_text("tracestate"), None, "it belongs to no trace");

    let has = |name: &str, key: &str, value: &str| {
        let mut found = spans[name]
            .attributes
            .iter()
            .filter(|one| one.key.as_str() == key);
        assert_eq!(
            found.next().map(|one| one.value.to_string()).as_deref(),
            Some(value),
            "{name} {key}"
        );
    };
    has("GET", "url.query", "key=REDACTED&b");
    has("GET", "error.type", "502");
    has("POST", "server.port", "8443");
    has("POST", "error.type", "500");
    has("GET default", "error.type", "failed");
    let is_error = |name: &str| matches!(spans[name].status, Status::Error { .. });
    assert!(
        is_error("GET")
            && is_error("POST")
            && is_error("GET default")
            && !is_error("around handle")
    );
}
