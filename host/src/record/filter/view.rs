//! An exchange as filters see it: what is costly to find is found once, and only if something asks for it.

use std::cell::OnceCell;

use crate::record::content;
use crate::record::data::{Ending, Field, Message, Performer, Recorded, Sender, Step};

use super::words::Sides;

/// Media types of what belongs to a page, as mitmproxy has them; a `*` at the end stands for anything.
const ASSETS: [&str; 7] = [
    "text/javascript",
    "application/x-javascript",
    "application/javascript",
    "text/css",
    "image/*",
    "font/*",
    "application/font*",
];

pub struct View<'e> {
    exchange: &'e Recorded,
    response: OnceCell<Option<Message>>,
    bodies: [OnceCell<Vec<u8>>; 2],
}

impl<'e> View<'e> {
    pub fn of(exchange: &'e Recorded) -> Self {
        Self {
            exchange,
            response: OnceCell::new(),
            bodies: [OnceCell::new(), OnceCell::new()],
        }
    }

    /// What the client got; none if it got an error of the host or nothing at all.
    fn response(&self) -> Option<&Message> {
        let response = self.response.get_or_init(|| self.exchange.answer());
        response.as_ref()
    }

    /// What the client got, an error of the host included.
    pub fn status(&self) -> Option<u16> {
        match self.exchange.ending {
            Ending::Failed(_) => self.exchange.status(),
            Ending::Complete | Ending::CutOff => self.response()?.status(),
        }
    }

    pub fn method(&self) -> &'e str {
        self.exchange.method()
    }

    pub fn url(&self) -> String {
        self.exchange.url()
    }

    /// The host without its port.
    pub fn domain(&self) -> &'e str {
        let authority = self.exchange.authority();
        match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            _ => authority,
        }
    }

    pub fn source(&self) -> String {
        self.exchange.client.to_string()
    }

    /// Names and addresses of the backends.
    pub fn destinations(&self, is_match: impl Fn(&[u8]) -> bool) -> bool {
        self.exchange
            .steps
            .iter()
            .any(|step| match &step.performer {
                Performer::Backend { name, address } => {
                    let address = address.as_deref();
                    is_match(name.as_bytes()) || address.is_some_and(|it| is_match(it.as_bytes()))
                }
                Performer::Host | Performer::Plugin { .. } => false,
            })
    }

    /// Names of the plugins that took part.
    pub fn plugins(&self, is_match: impl Fn(&[u8]) -> bool) -> bool {
        self.exchange
            .steps
            .iter()
            .any(|step| match &step.performer {
                Performer::Plugin { name, .. } => is_match(name.as_bytes()),
                Performer::Host | Performer::Backend { .. } => false,
            })
    }

    /// Whether a plugin changed something.
    pub fn is_changed(&self) -> bool {
        let plugins = self.exchange.steps.iter();
        let mut plugins = plugins.filter(|step| matches!(step.performer, Performer::Plugin { .. }));
        plugins.any(Step::changes)
    }

    pub fn has_failed(&self) -> bool {
        self.exchange.ending != Ending::Complete
    }

    pub fn is_websocket(&self) -> bool {
        self.exchange.is_websocket()
    }

    pub fn is_asset(&self) -> bool {
        self.fields("content-type", Sides::Response, |value| {
            let value = value.to_ascii_lowercase();
            ASSETS.iter().any(|asset| match asset.strip_suffix('*') {
                Some(start) => value.starts_with(start.as_bytes()),
                None => value.starts_with(asset.as_bytes()),
            })
        })
    }

    /// All fields as lines, `name: value`.
    pub fn heads(&self, sides: Sides, is_match: impl Fn(&[u8]) -> bool) -> bool {
        self.messages(sides)
            .any(|message| is_match(&lines(&message.fields)))
    }

    /// The values of one field.
    pub fn fields(&self, name: &str, sides: Sides, is_match: impl Fn(&[u8]) -> bool) -> bool {
        self.messages(sides)
            .flat_map(|message| &message.fields)
            .filter(|field| field.name.eq_ignore_ascii_case(name))
            .any(|field| is_match(&field.value))
    }

    /// Bodies without their codings, and the messages of a WebSocket.
    pub fn bodies(&self, sides: Sides, is_match: impl Fn(&[u8]) -> bool) -> bool {
        let body = |at: usize, message: &Message| {
            let body = self.bodies[at].get_or_init(|| content::decoded(message).into_owned());
            is_match(body)
        };
        (sides.has_request() && body(0, &self.exchange.request))
            || (sides.has_response() && self.response().is_some_and(|message| body(1, message)))
            || self
                .exchange
                .steps
                .iter()
                .any(|step| messages(step, sides, &is_match))
    }

    fn messages(&self, sides: Sides) -> impl Iterator<Item = &Message> {
        let request = sides.has_request().then_some(&self.exchange.request);
        let response = sides.has_response().then(|| self.response()).flatten();
        request.into_iter().chain(response)
    }
}

/// Whether a message that was sent, or what went on in its place, matches.
fn messages(step: &Step, sides: Sides, is_match: impl Fn(&[u8]) -> bool) -> bool {
    let pieces = step
        .transcript
        .iter()
        .flat_map(|transcript| &transcript.pieces);
    let mut sent = pieces.filter(|piece| match piece.sender {
        Some(Sender::Client) => sides.has_request(),
        Some(Sender::Backend) => sides.has_response(),
        Some(Sender::Plugin) => sides == Sides::Both,
        None => false,
    });
    sent.any(|piece| {
        is_match(&piece.came.kept) || piece.went.iter().any(|fragment| is_match(&fragment.kept))
    })
}

fn lines(fields: &[Field]) -> Vec<u8> {
    let mut lines = Vec::new();
    for Field { name, value } in fields {
        lines.extend_from_slice(name.as_bytes());
        lines.extend_from_slice(b": ");
        lines.extend_from_slice(value);
        lines.push(b'\n');
    }
    lines
}
