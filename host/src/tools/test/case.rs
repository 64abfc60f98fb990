//! A case: what comes in, and what is expected to come of it.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};

use super::calls::Call;
use super::message;
use super::messages::SentMessage;
use super::metrics::Samples;
use super::pieces::ExpectedPiece;
use super::sections::Section;
use super::state::{Entry, ExpectedEntry};
use crate::message::{Checked, Known, ResponseHead, Scheme, hygiene};
use crate::tools::conditions::Conditions;

/// What stands for a message that there is none of.
pub(super) const NONE: &str = "none";

/// Exchanges one after the other, on one state, with what is expected of each.
#[derive(Debug)]
pub(super) struct Case {
    /// What it is called and filtered by: its file's name, with `#2` for the second entry of a HAR.
    pub name: String,
    /// Those of the project, with what the case says otherwise.
    pub conditions: Conditions,
    /// The plugin's state before the first exchange.
    pub state: Vec<Entry>,
    /// One at least.
    pub exchanges: Vec<CaseExchange>,
    /// The entry of a HAR, counted from 1.
    pub entry: Option<usize>,
}

/// One exchange of a case, or one call of the plugin's background work.
#[derive(Debug)]
pub(super) struct CaseExchange {
    /// How much time passes before it.
    pub after: Duration,
    /// None: the plugin's background work is called in its place.
    pub input: Option<Input>,
    pub expect: Expect,
}

/// What a plugin gets.
#[derive(Debug)]
pub(super) struct Input {
    pub scheme: Scheme,
    /// As the chain sees it: without fields of the connection, the authority in `host`.
    pub request: Request<Bytes>,
    /// What the backend answers.
    pub response: Response<Bytes>,
    /// What both sides send then, if it is a WebSocket.
    pub messages: Option<Vec<SentMessage>>,
}

/// What shall come of it. What is absent is not compared, except an error and outbound requests.
#[derive(Debug, Default)]
pub(super) struct Expect {
    /// What reaches the backend, or nothing.
    pub request: Option<Option<Request<Bytes>>>,
    /// The answer, or none.
    pub response: Option<Option<Response<Bytes>>>,
    /// In which pieces the bodies leave, the request's and the response's.
    pub pieces: [Option<Vec<ExpectedPiece>>; 2],
    /// Which messages of a WebSocket reach whom.
    pub messages: Option<Vec<String>>,
    /// What the plugin sends, and what comes of it.
    pub calls: Vec<Call>,
    /// The plugin's state afterwards.
    pub state: Option<Vec<ExpectedEntry>>,
    /// What the plugin has counted and measured by then.
    pub metrics: Option<Samples>,
    pub error: Option<String>,
    pub log: Option<Vec<String>>,
}

impl Expect {
    pub(super) fn is_empty(&self) -> bool {
        self.request.is_none()
            && self.response.is_none()
            && self.pieces.iter().all(Option::is_none)
            && self.messages.is_none()
            && self.calls.is_empty()
            && self.state.is_none()
            && self.metrics.is_none()
            && self.error.is_none()
            && self.log.is_none()
    }
}

/// A file of cases with its text, to be updated.
#[derive(Debug)]
pub(super) struct CaseFile {
    /// Where the expectations stand: the file itself, or what lies beside a HAR.
    pub path: PathBuf,
    pub text: Vec<u8>,
    pub sections: Vec<Section>,
    pub cases: Vec<Case>,
}

/// Makes a request what the chain sees of it.
///
/// # Errors
/// Why the host would refuse it.
pub(super) fn receive(request: Request<Bytes>) -> Result<(Scheme, Request<Bytes>), String> {
    let (parts, body) = request.into_parts();
    let scheme = match parts.uri.scheme_str() {
        Some("https") => Scheme::Https,
        _ => Scheme::Http,
    };
    check_length(&parts.headers, &body)?;
    let mut head = message::head_of(&parts).map_err(|error| error.to_string())?;
    if !head.fields.contains(Known::Host) {
        // A convenience: HTTP/1.1 wants the host beside a whole URL too, and only HTTP/1.0 may leave it out.
        match head
            .authority
            .as_deref()
            .and_then(|host| Checked::new(host.as_bytes()))
        {
            Some(host) => head.fields.insert(Known::Host, host),
            None => head.version = http::Version::HTTP_10,
        }
    }
    hygiene::receive_request(&mut head).map_err(|error| {
        format!("the host would refuse this request before any plugin saw it: {error}")
    })?;
    head.version = http::Version::HTTP_11;
    let request = message::request_of(&head, body).map_err(|error| error.to_string())?;
    Ok((scheme, request))
}

/// What a backend answers. One of which nothing is said takes a WebSocket, and any other request.
///
/// # Errors
/// When it switches to a protocol that the case does not speak.
pub(super) fn backend_response(
    said: Option<Response<Bytes>>,
    is_websocket: bool,
) -> Result<Response<Bytes>, String> {
    let response = said.unwrap_or_else(|| {
        let mut absent = Response::default();
        if is_websocket {
            *absent.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        }
        absent
    });
    match is_websocket || !response.status().is_informational() {
        true => Ok(response),
        false => Err("101 opens a WebSocket; write its `### messages`".to_owned()),
    }
}

/// The backend's answer as the chain sees it.
pub(super) fn received(response: Response<Bytes>) -> Response<Bytes> {
    let (parts, body) = response.into_parts();
    let mut head = ResponseHead::from(&parts);
    hygiene::strip_hop_by_hop(&mut head.fields);
    Response::from_parts((&head).into(), body)
}

fn check_length(fields: &http::HeaderMap, body: &[u8]) -> Result<(), String> {
    let Some(length) = fields.get(header::CONTENT_LENGTH) else {
        return Ok(());
    };
    if length.to_str().ok().and_then(|length| length.parse().ok()) == Some(body.len()) {
        return Ok(());
    }
    Err(format!(
        "content-length is not the length of the body, {} bytes; correct it or leave the field out",
        body.len()
    ))
}
