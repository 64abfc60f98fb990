//! The exchange in hand: one request, its response, and what travels with them.
//!
//! It is moved, never shared: into a plugin's store for a call and out again, so there is no lock and no copy.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Method, StatusCode};
use http_body::Body as _;

use super::{
    BackendChoice, Body, ExchangeId, Fields, Known, RequestHead, ResponseHead, Scheme, Side, Trace,
};

/// One request and its response on their way through the chain.
#[derive(Debug)]
pub struct Exchange {
    pub id: ExchangeId,
    pub client: SocketAddr,
    /// What the client's connection is.
    pub scheme: Scheme,
    pub request: RequestHead,
    pub request_body: Body,
    pub response: ResponseHead,
    pub response_body: Body,
    pub notes: Notes,
    /// Where the request goes.
    pub backend: BackendChoice,
    /// How many calls of plugins deep the request is; 0 for one that comes from a client.
    pub depth: u32,
    /// What observers get of it.
    pub trace: Trace,
    /// Which of the bodies were replaced as a whole since observers last looked.
    pub replaced: ReplacedBodies,
    /// What to go back to if the call that runs fails; see [`Exchange::checkpoint`].
    saved: Option<Box<Saved>>,
}

/// See [`Exchange::replaced`].
#[derive(Debug, Clone, Copy, Default)]
pub struct ReplacedBodies {
    pub request: bool,
    pub response: bool,
}

/// The parts of an exchange that a call may change, as they were before it.
#[derive(Debug)]
struct Saved {
    request: RequestHead,
    response: ResponseHead,
    notes: Notes,
    backend: BackendChoice,
    /// The body that the call replaced; none while it stands.
    request_body: Option<Body>,
    response_body: Option<Body>,
}

impl Exchange {
    /// A new exchange with an empty 200 as its response.
    pub fn new(
        id: u64,
        client: SocketAddr,
        scheme: Scheme,
        request: RequestHead,
        body: Body,
    ) -> Self {
        Self {
            id: ExchangeId(id),
            client,
            scheme,
            request,
            request_body: body,
            response: ResponseHead::new(StatusCode::OK),
            response_body: Body::Empty,
            notes: Notes::default(),
            backend: BackendChoice::default(),
            depth: 0,
            trace: Trace::OFF,
            replaced: ReplacedBodies::default(),
            saved: None,
        }
    }

    /// A blank exchange, to put in a place or to try a plugin with: `GET /` without authority from `0.0.0.0:0`.
    pub fn blank() -> Self {
        let nobody = SocketAddr::from(([0, 0, 0, 0], 0));
        Self::new(0, nobody, Scheme::Http, RequestHead::new(), Body::Empty)
    }

    /// The same heads and notes without the bodies, for who works on a body after the exchange has gone on.
    #[must_use]
    pub fn without_bodies(&self) -> Self {
        Self {
            id: self.id,
            client: self.client,
            scheme: self.scheme,
            request: self.request.clone(),
            request_body: Body::Gone,
            response: self.response.clone(),
            response_body: Body::Gone,
            notes: self.notes.clone(),
            backend: self.backend.clone(),
            depth: self.depth,
            trace: self.trace.clone(),
            replaced: ReplacedBodies::default(),
            saved: None,
        }
    }

    /// The header fields of one message.
    pub fn fields_mut(&mut self, side: Side) -> &mut Fields {
        match side {
            Side::Request => &mut self.request.fields,
            Side::Response => &mut self.response.fields,
        }
    }

    /// The body of one message.
    pub fn body_mut(&mut self, side: Side) -> &mut Body {
        match side {
            Side::Request => &mut self.request_body,
            Side::Response => &mut self.response_body,
        }
    }

    /// Whether the body of one message may be rewritten as it flows: a request's if there is one, a response's unless it has
    /// none by its kind (RFC 9110, section 6.4.1), or is a part of another (206).
    pub fn has_body_to_rewrite(&self, side: Side) -> bool {
        match side {
            Side::Request => !self.request_body.is_end_stream(),
            Side::Response => {
                let none = [
                    StatusCode::NO_CONTENT,
                    StatusCode::NOT_MODIFIED,
                    StatusCode::PARTIAL_CONTENT,
                ];
                let status = self.response.status;
                self.request.method != Method::HEAD
                    && !status.is_informational()
                    && !none.contains(&status)
            }
        }
    }

    /// Forgets what a plugin put into the response of a request that goes on.
    pub fn reset_response(&mut self) {
        self.response.status = StatusCode::OK;
        self.response.reason = None;
        self.response.fields.clear();
        self.response_body = Body::Empty;
    }

    /// Puts these bytes in the place of the request's body and leaves the framing to the host.
    pub fn set_request_body(&mut self, data: Bytes) {
        let head = &mut self.request;
        // A server tells a body of no bytes from no body by this field alone (RFC 9110, section 8.6).
        if data.is_empty() && head.method != Method::GET && head.method != Method::HEAD {
            head.fields.insert(Known::ContentLength, "0");
        } else {
            head.fields.remove(Known::ContentLength);
        }
        let old = self.request_body.replace(data);
        self.replaced.request = true;
        if let Some(saved) = &mut self.saved {
            saved.request_body.get_or_insert(old);
        }
    }

    /// Puts these bytes in the place of the response's body and leaves the framing to the host.
    pub fn set_response_body(&mut self, data: Bytes) {
        self.response.fields.remove(Known::ContentLength);
        let old = self.response_body.replace(data);
        self.replaced.response = true;
        if let Some(saved) = &mut self.saved {
            saved.response_body.get_or_insert(old);
        }
    }

    /// Remembers the exchange as it is, until [`commit`](Self::commit) or [`rollback`](Self::rollback).
    ///
    /// A body that a call only reads stays what it is, so just the bodies that it replaces are kept.
    pub fn checkpoint(&mut self) {
        self.saved = Some(Box::new(Saved {
            request: self.request.clone(),
            response: self.response.clone(),
            notes: self.notes.clone(),
            backend: self.backend.clone(),
            request_body: None,
            response_body: None,
        }));
    }

    /// Keeps what was changed since the checkpoint.
    pub fn commit(&mut self) {
        self.saved = None;
    }

    /// Undoes what was changed since the checkpoint, if there is one.
    pub fn rollback(&mut self) {
        let Some(saved) = self.saved.take() else {
            return;
        };
        self.request = saved.request;
        self.response = saved.response;
        self.notes = saved.notes;
        self.backend = saved.backend;
        if let Some(body) = saved.request_body {
            self.request_body = body;
        }
        if let Some(body) = saved.response_body {
            self.response_body = body;
        }
    }
}

/// Bytes by key that plugins leave for one another. Few keys, so a list beats a map.
#[derive(Debug, Clone, Default)]
pub struct Notes(Vec<(String, Vec<u8>)>);

impl Notes {
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.0
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, value)| value.as_slice())
    }

    pub fn set(&mut self, key: String, value: Vec<u8>) {
        match self.0.iter_mut().find(|(k, _)| *k == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    /// Bytes that keys and values take together.
    pub fn size(&self) -> usize {
        self.0
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_call_chose_is_undone_with_it() {
        use crate::message::BackendNames;
        let names = BackendNames::new(["a".to_owned(), "b".to_owned()]);
        let mut exchange = Exchange::blank();
        exchange.backend = BackendChoice::of(&names.into(), "a").unwrap();
        for (commits, expected) in [(false, "a"), (true, "b")] {
            exchange.checkpoint();
            exchange.backend.choose("b");
            if commits {
                exchange.commit();
            }
            exchange.rollback();
            assert_eq!(exchange.backend.name(), expected);
        }
        assert_eq!(exchange.without_bodies().backend.name(), "b");
    }

    #[test]
    fn an_empty_note_is_a_note() {
        let mut notes = Notes::default();
        assert_eq!(notes.get("a"), None);
        notes.set("a".into(), vec![]);
        assert_eq!(notes.get("a"), Some(&[][..]));
        notes.set("a".into(), vec![1]);
        assert_eq!(notes.get("a"), Some(&[1][..]));
        assert_eq!(notes.size(), 2);
    }

    #[test]
    fn a_new_body_takes_the_old_length_away() {
        let mut exchange = Exchange::blank();
        exchange.request.fields.insert(Known::ContentLength, "5");
        exchange.set_request_body("abc".into());
        assert!(!exchange.request.fields.contains(Known::ContentLength));

        exchange.request.method = Method::POST;
        exchange.set_request_body(Bytes::new());
        let length = exchange.request.fields.get(Known::ContentLength);
        assert_eq!(length, Some(&b"0"[..]));
    }
}
