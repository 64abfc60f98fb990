//! What of a tape is sent, and why the rest is not.

use std::collections::BTreeSet;

use super::long_poll;
use super::reads;
use crate::cli::{SendAs, SendMasked, TapeSendArgs};
use crate::record::filter::Filter;
use crate::record::{Ending, Field, Message, MessageEdit, Performer, Recorded};

/// The exchanges that match, in the order in which they began.
pub struct Plan {
    pub all: Vec<Planned>,
}

/// An exchange.
pub struct Planned {
    pub id: u64,
    /// Microseconds since 1970.
    pub began: u64,
    pub request: Message,
    /// What was answered then, if anything was.
    pub then: Option<Message>,
    /// Why it is not sent.
    pub skipped: Option<String>,
}

/// What of the requests to be sent was masked.
#[derive(Debug, Default)]
pub struct MaskedParts {
    pub requests: usize,
    pub places: BTreeSet<String>,
}

impl MaskedParts {
    pub fn is_empty(&self) -> bool {
        self.requests == 0
    }
}

impl Plan {
    pub fn new(mut exchanges: Vec<Recorded>, filter: &Filter, args: &TapeSendArgs) -> Self {
        exchanges.sort_by_key(|exchange| exchange.began);
        let chosen = exchanges.iter().filter(|exchange| filter.matches(exchange));
        let all = chosen.flat_map(|exchange| planned(exchange, args));
        Self { all: all.collect() }
    }

    pub fn masked(&self) -> MaskedParts {
        let mut found = MaskedParts::default();
        for planned in self.all.iter().filter(|it| it.skipped.is_none()) {
            let masked = planned.request.masked();
            found.requests += usize::from(!masked.is_empty());
            found.places.extend(masked);
        }
        found
    }
}

impl Planned {
    pub fn then_status(&self) -> Option<u16> {
        self.then.as_ref().and_then(Message::status)
    }
}

/// One for each request that reached a backend; or the one of the client.
fn planned(exchange: &Recorded, args: &TapeSendArgs) -> Vec<Planned> {
    let mut pairs = match args.send_as {
        SendAs::Client => vec![(
            exchange.request.clone(),
            exchange.answer(),
            exchange.duration,
        )],
        SendAs::Backend => asked(exchange),
    };
    let mut why = reason(exchange, args);
    if pairs.is_empty() {
        // One that failed before a backend was asked is sent, if at all, as the client sent it.
        if exchange.ending == Ending::Complete {
            why = why.or_else(|| Some("it did not reach a backend".to_owned()));
        }
        pairs.push((exchange.request.clone(), None, 0));
    }
    let plan = |(mut request, then, took): (Message, Option<Message>, u64)| {
        for field in &args.set_field {
            set(&mut request, &field.0, &field.1);
        }
        let own = why
            .clone()
            .or_else(|| own_reason(&request, then.as_ref(), took, args));
        Planned {
            id: exchange.id,
            began: exchange.began,
            request,
            then,
            skipped: own,
        }
    };
    pairs.into_iter().map(plan).collect()
}

/// What each backend of an exchange was asked, what it answered, and microseconds until then.
fn asked(exchange: &Recorded) -> Vec<(Message, Option<Message>, u64)> {
    let steps = exchange.steps.iter().enumerate();
    let backends = steps.filter(|(_, step)| matches!(step.performer, Performer::Backend { .. }));
    let pairs = backends.map(|(at, step)| {
        let answer = match &step.response {
            MessageEdit::Whole(message) => Some((**message).clone()),
            _ => None,
        };
        (exchange.before(at).0, answer, step.duration)
    });
    pairs.collect()
}

/// Why an exchange is left out as a whole.
fn reason(exchange: &Recorded, args: &TapeSendArgs) -> Option<String> {
    if exchange.is_websocket() || exchange.method() == "CONNECT" {
        return Some("it opened a tunnel (WebSocket)".to_owned());
    }
    match &exchange.ending {
        Ending::Complete => None,
        _ if args.failed => None,
        Ending::Failed(failure) => Some(format!("it failed then ({})", failure.status)),
        Ending::CutOff => Some("it was cut off then".to_owned()),
    }
}

/// Why a request is left out.
fn own_reason(
    request: &Message,
    then: Option<&Message>,
    took: u64,
    args: &TapeSendArgs,
) -> Option<String> {
    if let Err(why) = request.is_whole() {
        return Some(why.to_string());
    }
    if !request.content.complete {
        return Some("its body did not come to its end".to_owned());
    }
    if then.is_none() && !args.failed {
        return Some("it had no answer then".to_owned());
    }
    if !args.long_polls && long_poll::is_one(request, took) {
        return Some("a long poll".to_owned());
    }
    if args.changes && reads::is_read(request) {
        return Some("it changes nothing".to_owned());
    }
    let skips_masked = args.masked == SendMasked::Skip;
    (skips_masked && !request.masked().is_empty()).then(|| "something of it was masked".to_owned())
}

/// One field in the place of all of its name.
fn set(request: &mut Message, name: &str, value: &str) {
    let is_same = |field: &Field| field.name.eq_ignore_ascii_case(name);
    request.fields.retain(|field| !is_same(field));
    request.fields.push(Field {
        name: name.to_owned(),
        value: value.as_bytes().to_vec(),
    });
}
