//! What was expected against what came, and the difference as people read it.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use similar::{Algorithm, TextDiff};

use super::calls::{Call, met_url};
use super::case::{Expect, NONE};
use super::lines::align;
use super::meets::{Bodies, met_error, met_log, met_request, met_response, met_target, met_value};
use super::message::{
    self, TargetPattern, is_plain, is_printable, meant, request_head, response_head,
};
use super::run::Got;
use super::sections::{Kind, Title};
use super::{metrics, pieces, state};
use crate::message::Target;

/// How long to look for the smallest difference before a larger one does.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// An expectation that was not met.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub kind: Kind,
    /// A unified diff from what was expected to what came, or in words what is missing.
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
    call_failures(expect, got, &mut failures);
    for (at, kind) in [Kind::ExpectRequestPieces, Kind::ExpectResponsePieces]
        .into_iter()
        .enumerate()
    {
        if let Some(expected) = &expect.pieces[at]
            && !pieces::are_met(expected, &got.pieces[at])
        {
            let (expected, came) = pieces::shown(expected, &got.pieces[at]);
            failures.push(failure(kind, &expected, &came));
        }
    }
    if let Some(expected) = &expect.messages
        && !met_log(expected, &got.messages)
    {
        let failed = lines_failure(Kind::ExpectMessages, expected, &got.messages);
        failures.push(failed);
    }
    if let Some(expected) = &expect.state
        && !state::are_met(expected, &got.state)
    {
        let (expected, came) = state::shown(expected, &got.state);
        failures.push(failure(Kind::ExpectState, &expected, &came));
    }
    if let Some(expected) = &expect.metrics
        && !metrics::are_met(expected, &got.metrics)
    {
        let (expected, came) = metrics::shown(expected, &got.metrics);
        failures.push(failure(Kind::ExpectMetrics, &expected, &came));
    }
    if let Some(expected) = &expect.log
        && !met_log(expected, &got.log)
    {
        failures.push(lines_failure(Kind::ExpectLog, expected, &got.log));
    }
    failures
}

/// Outbound requests that had no answer, and answers that nobody asked for.
fn call_failures(expect: &Expect, got: &Got, failures: &mut Vec<Failure>) {
    let unsent: Vec<&Call> = got
        .calls
        .unsent
        .iter()
        .map(|at| &expect.calls[*at])
        .collect();
    let unanswered = &got.calls.unanswered;
    let both = unsent.len().min(unanswered.len());
    for (call, came) in unsent.iter().zip(unanswered) {
        failures.push(call_failure(&call.request, came));
    }
    let in_words = |diff| Failure {
        kind: Kind::OutboundRequest,
        diff,
    };
    for call in &unsent[both..] {
        let line = call.line;
        let sent = "the plugin did not send this request";
        let request = whole_request(&call.request, call.request.headers());
        failures.push(in_words(format!(
            "{sent}, which is expected on line {line}:\n{request}"
        )));
    }
    for came in &unanswered[both..] {
        let mut escaped = came.clone();
        for value in escaped.headers_mut().values_mut() {
            *value = meant(value).into_owned();
        }
        let request = whole_request(&escaped, came.headers());
        failures.push(in_words(format!(
            "the case has no answer for a request that the plugin sent; to give one, add:\n{request}### {}\nHTTP/1.1 200 OK\n",
            Kind::OutboundResponse
        )));
    }
}

/// A section of an outbound request.
fn whole_request(request: &Request<Bytes>, order: &HeaderMap) -> String {
    let base64 = !is_plain(request.body());
    let title = Title::new(None, Kind::OutboundRequest, base64);
    let content = message::content(request_head(request, order), request.body(), base64);
    format!("### {title}\n{}", String::from_utf8_lossy(&content))
}

fn call_failure(expected: &Request<Bytes>, came: &Request<Bytes>) -> Failure {
    let (mut left, mut right) = (expected.clone(), came.clone());
    if met_url(expected, came)
        && let Some(url) = came.extensions().get::<TargetPattern>()
    {
        left.extensions_mut().insert(url.clone());
    }
    *left.headers_mut() = shown_fields(expected.headers(), came.headers());
    // Fields that the case doesn't name don't count.
    let others = came
        .headers()
        .keys()
        .filter(|name| !expected.headers().contains_key(*name));
    for name in others {
        right.headers_mut().remove(name);
    }
    let (left_body, right_body) = Bodies::of_requests(expected, came).shown();
    let order = expected.headers();
    messages(
        Kind::OutboundRequest,
        Some((request_head(&left, order), left_body)),
        Some((request_head(&right, order), right_body)),
    )
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

fn lines_failure(kind: Kind, expected: &[String], came: &[String]) -> Failure {
    let mut shown = expected.to_vec();
    for (at, line) in align(expected, came).into_iter().enumerate() {
        if let Some(line) = line {
            shown[line].clone_from(&came[at]);
        }
    }
    let text =
        |lines: &[String]| -> String { lines.iter().map(|line| format!("{line}\n")).collect() };
    failure(kind, &text(&shown), &text(came))
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
