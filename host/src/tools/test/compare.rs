//! What was expected against what came, and the difference as people read it.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use similar::{Algorithm, TextDiff};

use super::case::{Expect, NONE};
use super::json;
use super::lines::{align, lines};
use super::message::{Exact, TargetPattern, is_printable, request_head, response_head, target};
use super::pattern;
use super::run::Got;
use super::sections::Kind;
use crate::message::Target;

/// How long to look for the smallest difference before a larger one does.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// An expectation that was not met.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub kind: Kind,
    /// A unified diff from what was expected to what came.
    pub diff: String,
}

/// Everything that came otherwise than expected.
pub(super) fn compare(expect: &Expect, got: &Got) -> Vec<Failure> {
    let mut failures = Vec::new();
    // A message that is missing because of an error that nobody expected would say the same twice.
    let failed = got.error.is_some() && expect.error.is_none();
    if let Some(expected) = &expect.request
        && !(failed && got.request.is_none())
        && !met_request(expected.as_ref(), got.request.as_ref())
    {
        failures.push(request_failure(expected.as_ref(), got.request.as_ref()));
    }
    if let Some(expected) = &expect.response
        && !(failed && got.response.is_none())
        && !met_response(expected.as_ref(), got.response.as_ref())
    {
        failures.push(response_failure(expected.as_ref(), got.response.as_ref()));
    }
    if !met_error(expect.error.as_deref(), got.error.as_deref()) {
        let text = |error: &Option<String>| format!("{}\n", error.as_deref().unwrap_or(NONE));
        failures.push(failure(
            Kind::ExpectError,
            &text(&expect.error),
            &text(&got.error),
        ));
    }
    if let Some(expected) = &expect.log
        && !met_log(expected, &got.log)
    {
        failures.push(log_failure(expected, &got.log));
    }
    failures
}

/// Whether a backend would take what came for what was expected: which names of fields come before which others is
/// nothing to it.
pub(super) fn met_request(
    expected: Option<&Request<Bytes>>,
    came: Option<&Request<Bytes>>,
) -> bool {
    match (expected, came) {
        (None, None) => true,
        (Some(expected), Some(came)) => {
            expected.method() == came.method()
                && met_target(expected, came)
                && met_fields(expected.headers(), came.headers())
                && Bodies::of_requests(expected, came).are_met()
        }
        _ => false,
    }
}

/// The same for a client. A reason phrase says nothing that the status doesn't.
pub(super) fn met_response(
    expected: Option<&Response<Bytes>>,
    came: Option<&Response<Bytes>>,
) -> bool {
    match (expected, came) {
        (None, None) => true,
        (Some(expected), Some(came)) => {
            expected.status() == came.status()
                && met_fields(expected.headers(), came.headers())
                && Bodies::of_responses(expected, came).are_met()
        }
        _ => false,
    }
}

pub(super) fn met_error(expected: Option<&str>, came: Option<&str>) -> bool {
    match (expected, came) {
        (None, None) => true,
        (Some(expected), Some(came)) => pattern::meets(expected.as_bytes(), came.as_bytes()),
        _ => false,
    }
}

pub(super) fn met_log(expected: &[String], came: &[String]) -> bool {
    let meets = |(e, c): (&String, &String)| pattern::meets(e.as_bytes(), c.as_bytes());
    expected.len() == came.len() && expected.iter().zip(came).all(meets)
}

pub(super) fn met_target(expected: &Request<Bytes>, came: &Request<Bytes>) -> bool {
    match expected.extensions().get::<TargetPattern>() {
        Some(TargetPattern(pattern)) => pattern::meets(pattern.as_bytes(), target(came).as_bytes()),
        None => target(expected) == target(came),
    }
}

fn met_fields(expected: &HeaderMap, came: &HeaderMap) -> bool {
    let met = |name| {
        let (expected, came) = (expected.get_all(name), came.get_all(name));
        expected.iter().count() == came.iter().count()
            && expected.iter().zip(came).all(|(e, c)| met_value(e, c))
    };
    expected.keys_len() == came.keys_len() && expected.keys().all(met)
}

/// Whether one value of a field is as expected.
pub(super) fn met_value(expected: &HeaderValue, came: &HeaderValue) -> bool {
    pattern::meets(expected.as_bytes(), came.as_bytes())
}

/// The bodies of two messages, and how they are to be compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bodies<'m> {
    pub expected: &'m Bytes,
    pub came: &'m Bytes,
    /// One of the messages says that it holds JSON.
    json: bool,
    /// What is expected was written as base64: it is meant byte by byte.
    pub exact: bool,
}

impl<'m> Bodies<'m> {
    pub(super) fn of_requests(expected: &'m Request<Bytes>, came: &'m Request<Bytes>) -> Self {
        Self {
            expected: expected.body(),
            came: came.body(),
            json: json::is_announced(expected.headers()) || json::is_announced(came.headers()),
            exact: expected.extensions().get::<Exact>().is_some(),
        }
    }

    pub(super) fn of_responses(expected: &'m Response<Bytes>, came: &'m Response<Bytes>) -> Self {
        Self {
            expected: expected.body(),
            came: came.body(),
            json: json::is_announced(expected.headers()) || json::is_announced(came.headers()),
            exact: expected.extensions().get::<Exact>().is_some(),
        }
    }

    /// Both as JSON, if that is how they are compared.
    pub(super) fn as_json(self) -> Option<(json::Json, json::Json)> {
        if !self.json || self.exact {
            return None;
        }
        Some((json::parse(self.expected)?, json::parse(self.came)?))
    }

    pub(super) fn are_met(self) -> bool {
        if self.exact {
            return self.expected == self.came;
        }
        match self.as_json() {
            Some((expected, came)) => json::meets(&expected, &came),
            None => pattern::meets(self.expected, self.came),
        }
    }

    /// Both for a diff: the same text where what came is as expected.
    fn shown(self) -> (Bytes, Bytes) {
        if self.are_met() {
            return (self.came.clone(), self.came.clone());
        }
        if let Some((expected, came)) = self.as_json() {
            let (expected, came) = json::aligned(&expected, &came);
            return (json::pretty(&expected).into(), json::pretty(&came).into());
        }
        if self.exact || !pattern::is_pattern(self.expected) {
            return (self.expected.clone(), self.came.clone());
        }
        let (mut expected, came) = (lines(self.expected), lines(self.came));
        for (at, line) in align(&expected, &came).into_iter().enumerate() {
            if let Some(line) = line {
                expected[line] = came[at];
            }
        }
        (expected.concat().into(), self.came.clone())
    }
}

/// The head and the body of a message, if there is one.
type Text = Option<(Vec<u8>, Bytes)>;

fn request_failure(expected: Option<&Request<Bytes>>, came: Option<&Request<Bytes>>) -> Failure {
    let text = |request: &Request<Bytes>, order: &HeaderMap| {
        Some((request_head(request, order), request.body().clone()))
    };
    let (Some(left), Some(right)) = (expected, came) else {
        let only = |request: Option<&Request<Bytes>>| text(request?, request?.headers());
        return messages(Kind::ExpectRequest, only(expected), only(came));
    };
    let (mut shown, bodies) = (left.clone(), Bodies::of_requests(left, right).shown());
    if met_target(left, right) {
        *shown.uri_mut() = right.uri().clone();
        shown.extensions_mut().remove::<TargetPattern>();
        if let Some(target) = right.extensions().get::<Target>() {
            shown.extensions_mut().insert(target.clone());
        }
    }
    *shown.headers_mut() = shown_fields(left.headers(), right.headers());
    let came = request_head(right, left.headers());
    let expected = request_head(&shown, left.headers());
    let (left, right) = bodies;
    messages(
        Kind::ExpectRequest,
        Some((expected, left)),
        Some((came, right)),
    )
}

fn response_failure(expected: Option<&Response<Bytes>>, came: Option<&Response<Bytes>>) -> Failure {
    let text = |response: &Response<Bytes>, order: &HeaderMap| {
        Some((response_head(response, order), response.body().clone()))
    };
    let (Some(left), Some(right)) = (expected, came) else {
        let only = |response: Option<&Response<Bytes>>| text(response?, response?.headers());
        return messages(Kind::ExpectResponse, only(expected), only(came));
    };
    let (mut shown, bodies) = (left.clone(), Bodies::of_responses(left, right).shown());
    *shown.headers_mut() = shown_fields(left.headers(), right.headers());
    let came = response_head(right, left.headers());
    let expected = response_head(&shown, left.headers());
    let (left, right) = bodies;
    messages(
        Kind::ExpectResponse,
        Some((expected, left)),
        Some((came, right)),
    )
}

/// The fields that were expected, with the value that came wherever that is as expected.
fn shown_fields(expected: &HeaderMap, came: &HeaderMap) -> HeaderMap {
    let mut shown = HeaderMap::with_capacity(expected.len());
    for name in expected.keys() {
        let mut values = came.get_all(name).iter();
        for value in expected.get_all(name) {
            let same = values.next().filter(|came| met_value(value, came));
            shown.append(name.clone(), same.unwrap_or(value).clone());
        }
    }
    shown
}

fn messages(kind: Kind, expected: Text, got: Text) -> Failure {
    let is_plain = |text: &Text| {
        text.as_ref()
            .is_none_or(|(head, body)| is_printable(head) && is_printable(body))
    };
    // Both alike, or the same bytes would look different, and different ones the same.
    let plain = is_plain(&expected) && is_plain(&got);
    let (mut expected, mut got) = (shown(expected, plain), shown(got, plain));
    if !expected.ends_with('\n') && !got.ends_with('\n') {
        // That both lack it is no news.
        expected.push('\n');
        got.push('\n');
    }
    failure(kind, &expected, &got)
}

fn shown(text: Text, plain: bool) -> String {
    let Some((mut bytes, body)) = text else {
        return format!("{NONE}\n");
    };
    if !body.is_empty() {
        bytes.push(b'\n');
        bytes.extend_from_slice(&body);
    }
    if plain {
        return String::from_utf8_lossy(&bytes).into_owned();
    }
    let mut shown = String::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (line, end) = match line.strip_suffix(b"\n") {
            Some(line) => (line, "\n"),
            None => (line, ""),
        };
        // Writing to a string never fails.
        let _ = write!(shown, "{}{end}", line.escape_ascii());
    }
    shown
}

fn log_failure(expected: &[String], came: &[String]) -> Failure {
    let mut shown = expected.to_vec();
    for (at, line) in align(expected, came).into_iter().enumerate() {
        if let Some(line) = line {
            shown[line].clone_from(&came[at]);
        }
    }
    let text =
        |lines: &[String]| -> String { lines.iter().map(|line| format!("{line}\n")).collect() };
    failure(Kind::ExpectLog, &text(&shown), &text(came))
}

fn failure(kind: Kind, expected: &str, got: &str) -> Failure {
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Myers)
        .timeout(LONGEST_LOOK)
        .diff_lines(expected, got);
    let diff = diff
        .unified_diff()
        .header(&kind.to_string(), "what came")
        .to_string();
    Failure { kind, diff }
}
