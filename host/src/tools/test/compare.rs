//! What was expected against what came, and the difference as people read it.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use similar::{Algorithm, TextDiff};

use super::case::{Expect, NONE};
use super::message::{is_printable, request_head, response_head};
use super::run::Got;
use super::sections::Kind;

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
        && !same_request(expected.as_ref(), got.request.as_ref())
    {
        failures.push(request_failure(expected.as_ref(), got.request.as_ref()));
    }
    if let Some(expected) = &expect.response
        && !(failed && got.response.is_none())
        && !same_response(expected.as_ref(), got.response.as_ref())
    {
        failures.push(response_failure(expected.as_ref(), got.response.as_ref()));
    }
    if expect.error != got.error {
        let text = |error: &Option<String>| format!("{}\n", error.as_deref().unwrap_or(NONE));
        failures.push(failure(
            Kind::ExpectError,
            &text(&expect.error),
            &text(&got.error),
        ));
    }
    if let Some(expected) = &expect.log
        && *expected != got.log
    {
        failures.push(failure(Kind::ExpectLog, &lines(expected), &lines(&got.log)));
    }
    failures
}

/// Whether both are the same to a backend: which names of fields come before which others is nothing to it.
pub(super) fn same_request(one: Option<&Request<Bytes>>, other: Option<&Request<Bytes>>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => {
            let target = |request: &Request<Bytes>| request.uri().path_and_query().cloned();
            (one.method(), target(one), one.headers(), one.body())
                == (other.method(), target(other), other.headers(), other.body())
        }
        _ => false,
    }
}

/// Whether both are the same to a client. A reason phrase says nothing that the status doesn't.
pub(super) fn same_response(
    one: Option<&Response<Bytes>>,
    other: Option<&Response<Bytes>>,
) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => {
            (one.status(), one.headers(), one.body())
                == (other.status(), other.headers(), other.body())
        }
        _ => false,
    }
}

/// The head and the body of a message, if there is one.
type Text = Option<(Vec<u8>, Bytes)>;

fn request_failure(expected: Option<&Request<Bytes>>, got: Option<&Request<Bytes>>) -> Failure {
    let pattern = expected.or(got).map(Request::headers);
    let text = |request: Option<&Request<Bytes>>| {
        let head = request_head(request?, pattern?);
        Some((head, request?.body().clone()))
    };
    messages(Kind::ExpectRequest, text(expected), text(got))
}

fn response_failure(expected: Option<&Response<Bytes>>, got: Option<&Response<Bytes>>) -> Failure {
    let pattern = expected.or(got).map(Response::headers);
    let text = |response: Option<&Response<Bytes>>| {
        let head = response_head(response?, pattern?);
        Some((head, response?.body().clone()))
    };
    messages(Kind::ExpectResponse, text(expected), text(got))
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

fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
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
