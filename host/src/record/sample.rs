//! Exchanges for tests.

use std::sync::{Arc, Mutex};

use super::data::{
    Content, Ending, Field, LogLine, Message, Outbound, Performer, Recorded, StartLine, Step,
    StepOutcome,
};
use super::edit::{Edit, FieldEdit, MessageEdit};
use crate::message::trace::{Beginning, Finished, Level, Observer, Observers, Trace};
use crate::message::{ExchangeId, RequestHead, Scheme};

/// Keeps the exchange that it gets, with so many bytes of its bodies.
#[derive(Debug)]
struct Keeping(usize, Mutex<Option<Arc<Finished>>>);

impl Observer for Keeping {
    fn wants(&self) -> Level {
        Level::Full
    }

    fn body_limit(&self) -> usize {
        self.0
    }

    fn finished(&self, exchange: &Arc<Finished>) {
        *self.1.lock().unwrap() = Some(exchange.clone());
    }
}

/// What observers get of an exchange with this request, in which this happens.
pub fn finished(
    head: &RequestHead,
    body_limit: usize,
    happens: impl FnOnce(&mut Trace),
) -> Arc<Finished> {
    let keeping = Arc::new(Keeping(body_limit, Mutex::default()));
    let observers = Arc::new(Observers::new(vec![keeping.clone()]));
    let beginning = Beginning {
        id: ExchangeId(1),
        client: ([127, 0, 0, 1], 1).into(),
        scheme: Scheme::Http,
        head,
    };
    let mut trace = Trace::begin(&observers, beginning);
    happens(&mut trace);
    drop(trace);
    keeping.1.lock().unwrap().take().unwrap()
}

pub fn field(name: &str, value: &str) -> Field {
    Field {
        name: name.to_owned(),
        value: value.as_bytes().to_vec(),
    }
}

pub fn content(body: &[u8]) -> Content {
    Content::whole(body.to_vec())
}

pub fn response(status: u16, fields: Vec<Field>, body: &[u8]) -> Message {
    Message {
        line: StartLine::Response { status },
        fields,
        content: content(body),
        trailers: Vec::new(),
    }
}

fn step(performer: Performer, response: MessageEdit) -> Step {
    Step {
        performer,
        began: 20,
        duration: 1200,
        computing: None,
        outcome: StepOutcome::Done,
        request: MessageEdit::Unchanged,
        response,
        transcript: None,
        outbound: Vec::new(),
        log: Vec::new(),
        depth: 0,
    }
}

pub fn backend_step(response: Message) -> Step {
    let performer = Performer::Backend {
        name: "orders".to_owned(),
        address: Some("127.0.0.1:4566".to_owned()),
    };
    step(performer, MessageEdit::Whole(Box::new(response)))
}

pub fn plugin_step(name: &str, hook: &str, response: MessageEdit) -> Step {
    let performer = Performer::Plugin {
        name: name.to_owned(),
        version: "0123456789ab".to_owned(),
        hook: hook.to_owned(),
    };
    step(performer, response)
}

/// `POST https://api.example.com:8443/orders/7?x=1`, answered with 201 by a backend; the plugin `redact` changed the response.
pub fn exchange() -> Recorded {
    let edit = Edit {
        fields: vec![FieldEdit::Set {
            at: 2,
            value: b"12".to_vec(),
        }],
        content: Some(content(b"all [masked]")),
        ..Edit::default()
    };
    let mut redact = plugin_step("redact", "return-response", MessageEdit::Edited(edit));
    redact.computing = Some(7);
    redact.log.push(LogLine {
        at: 1300,
        level: "info".to_owned(),
        text: "one secret".to_owned(),
    });
    redact.outbound.push(Outbound {
        began: 1250,
        duration: 40,
        method: "GET".to_owned(),
        url: "http://127.0.0.1/keys".to_owned(),
        result: Ok(200),
        length: 11,
    });
    let created = response(
        201,
        vec![
            field("Location", "/orders/7"),
            field("content-type", "text/plain"),
            field("content-length", "14"),
        ],
        b"all 1234567890",
    );
    Recorded {
        id: 0x00ab_cdef_0123_4567,
        began: 1_790_000_000_123_456,
        duration: 1500,
        client: "192.0.2.7:50000".parse().unwrap(),
        scheme: "https".to_owned(),
        protocol: "HTTP/1.1".to_owned(),
        route: Some("api.example.com/orders".to_owned()),
        request: Message {
            line: StartLine::Request {
                method: "POST".to_owned(),
                target: "/orders/7?x=1".to_owned(),
                authority: "api.example.com:8443".to_owned(),
            },
            fields: vec![
                field("Host", "api.example.com:8443"),
                field("X-Tenant", "Blue"),
                field("Content-Type", "application/json"),
            ],
            content: content(br#"{"word":"open sesame"}"#),
            trailers: Vec::new(),
        },
        steps: vec![
            plugin_step("redact", "forward-request", MessageEdit::Unchanged),
            backend_step(created),
            redact,
        ],
        ending: Ending::Complete,
    }
}
