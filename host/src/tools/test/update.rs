//! What came, written into a file of cases as what is expected from now on. Every byte outside the sections that change
//! stays, and so does a section that is met as it is; in one that changes, wildcards stay that are met.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};

use super::case::{Case, CaseExchange, CaseFile, NONE};
use super::lines::{align, lines};
use super::meets::{Bodies, met_error, met_log, met_request, met_response, met_target, met_value};
use super::message::{self, TargetPattern, is_plain, meant, request_head, response_head, target};
use super::pieces::ExpectedPiece;
use super::run::Got;
use super::sections::{Kind, Section, Title};
use super::{json, metrics, pattern, pieces, state};

/// What becomes of the section of one expectation.
enum Edit {
    Keep,
    /// What it holds now, and whether its body is base64.
    Write(Vec<u8>, bool),
    Remove,
}

/// What an update can write, in the order in which it writes what is not there.
const EXPECTATIONS: [Kind; 9] = [
    Kind::ExpectRequest,
    Kind::ExpectRequestPieces,
    Kind::ExpectResponse,
    Kind::ExpectResponsePieces,
    Kind::ExpectMessages,
    Kind::ExpectState,
    Kind::ExpectMetrics,
    Kind::ExpectError,
    Kind::ExpectLog,
];

/// The file's text with what came of its cases; none when nothing changes. A case that was not run keeps what it has.
pub(super) fn updated(file: &CaseFile, came: &[(&Case, &[Got])]) -> Option<Vec<u8>> {
    let begin = file.sections.first();
    let begin = begin.map_or(file.text.len(), |first| first.whole.start);
    let mut text = file.text[..begin].to_vec();
    let mut sections = file.sections.iter().peekable();
    while let Some(section) = sections.next() {
        let case = came
            .iter()
            .find(|(case, _)| case.entry == section.title.entry);
        let its_own = case.and_then(|case| exchange(case, section.part));
        let edit = its_own.and_then(|(of, got)| edit(section.title.kind, of, got));
        match edit {
            None | Some(Edit::Keep) => text.extend(&file.text[section.whole.clone()]),
            Some(Edit::Remove) => {}
            Some(Edit::Write(content, base64)) => {
                let title = Title {
                    base64,
                    ..section.title
                };
                text.extend(written(title, &content));
            }
        }
        if sections.peek().is_none_or(|next| next.part > section.part) {
            add(file, came, section.part, &mut text);
        }
    }
    if file.sections.is_empty() {
        add(file, came, 0, &mut text);
    }
    (text != file.text).then_some(text)
}

/// One exchange of a case and what came of it.
fn exchange<'c>(
    (case, came): &(&'c Case, &'c [Got]),
    part: usize,
) -> Option<(&'c CaseExchange, &'c Got)> {
    Some((case.exchanges.get(part)?, came.get(part)?))
}

/// Writes what is not in the file, behind the sections of an exchange.
fn add(file: &CaseFile, came: &[(&Case, &[Got])], part: usize, text: &mut Vec<u8>) {
    for case in came {
        let Some((of, got)) = exchange(case, part) else {
            continue;
        };
        let entry = case.0.entry;
        for kind in EXPECTATIONS {
            let is_there = |section: &Section| {
                (section.part, section.title.entry, section.title.kind) == (part, entry, kind)
            };
            if !file.sections.iter().any(is_there)
                && let Some(Edit::Write(content, base64)) = edit(kind, of, got)
            {
                if !text.is_empty() && !text.ends_with(b"\n") {
                    text.push(b'\n');
                }
                text.extend(written(Title::new(entry, kind, base64), &content));
            }
        }
    }
}

fn written(title: Title, content: &[u8]) -> Vec<u8> {
    [format!("### {title}\n").as_bytes(), content].concat()
}

/// What becomes of a section; none for those that are no expectations.
fn edit(kind: Kind, exchange: &CaseExchange, got: &Got) -> Option<Edit> {
    let CaseExchange { input, expect, .. } = exchange;
    if input.is_none() && kind.is_of_exchange() {
        return None;
    }
    let sent = || input.as_ref().map(|input| input.request.headers());
    let answered = || input.as_ref().map(|input| input.response.headers());
    Some(match kind {
        Kind::Settings | Kind::Options | Kind::State | Kind::Next | Kind::Tick => return None,
        Kind::Request | Kind::Response | Kind::Messages => return None,
        Kind::OutboundRequest | Kind::OutboundResponse | Kind::OutboundError => return None,
        Kind::ExpectRequestPieces => pieces_edit(expect.pieces[0].as_ref(), &got.pieces[0]),
        Kind::ExpectResponsePieces => pieces_edit(expect.pieces[1].as_ref(), &got.pieces[1]),
        Kind::ExpectMessages => match &expect.messages {
            Some(lines) if met_log(lines, &got.messages) => Edit::Keep,
            None if got.messages.is_empty() => Edit::Keep,
            expected => log(expected.as_deref().unwrap_or_default(), &got.messages),
        },
        Kind::ExpectState => match &expect.state {
            Some(expected) if state::are_met(expected, &got.state) => Edit::Keep,
            None if !got.has_changed_state => Edit::Keep,
            expected => {
                let expected = expected.as_deref().unwrap_or_default();
                Edit::Write(state::kept(expected, &got.state).into_bytes(), false)
            }
        },
        Kind::ExpectRequest => match (&expect.request, &got.request) {
            (Some(expected), got) if met_request(expected.as_ref(), got.as_ref()) => Edit::Keep,
            // Nothing went on because a hook failed: that is what the section of the error says.
            (_, None) if got.error.is_some() => Edit::Remove,
            (_, None) => none(),
            (expected, Some(came)) => {
                let expected = expected.as_ref().and_then(Option::as_ref);
                request(expected, came, sent().unwrap_or(came.headers()))
            }
        },
        Kind::ExpectResponse => match (&expect.response, &got.response) {
            (Some(expected), got) if met_response(expected.as_ref(), got.as_ref()) => Edit::Keep,
            (_, None) => Edit::Remove,
            (expected, Some(came)) => {
                let expected = expected.as_ref().and_then(Option::as_ref);
                response(expected, came, answered().unwrap_or(came.headers()))
            }
        },
        Kind::ExpectMetrics => match &expect.metrics {
            Some(expected) if !metrics::are_met(expected, &got.metrics) => {
                Edit::Write(metrics::kept(expected, &got.metrics).into_bytes(), false)
            }
            _ => Edit::Keep,
        },
        Kind::ExpectError => match &got.error {
            error if met_error(expect.error.as_deref(), error.as_deref()) => Edit::Keep,
            None => Edit::Remove,
            Some(error) => {
                let mut line = pattern::escaped(error.as_bytes());
                line.push(b'\n');
                Edit::Write(line, false)
            }
        },
        Kind::ExpectLog => match &expect.log {
            Some(lines) if met_log(lines, &got.log) => Edit::Keep,
            // A plugin that says nothing needs no section that says so, unless there is one.
            None if got.log.is_empty() => Edit::Keep,
            expected => log(expected.as_deref().unwrap_or_default(), &got.log),
        },
    })
}

/// In which pieces a body leaves is written only where a case wants to know.
fn pieces_edit(expected: Option<&Vec<ExpectedPiece>>, came: &[Bytes]) -> Edit {
    match expected {
        Some(expected) if !pieces::are_met(expected, came) => {
            Edit::Write(pieces::kept(expected, came).into_bytes(), false)
        }
        _ => Edit::Keep,
    }
}

fn none() -> Edit {
    Edit::Write(format!("{NONE}\n").into_bytes(), false)
}

fn request(expected: Option<&Request<Bytes>>, came: &Request<Bytes>, order: &HeaderMap) -> Edit {
    let mut kept = came.clone();
    *kept.headers_mut() = fields(expected.map(Request::headers), came.headers());
    let same_target = expected.filter(|expected| met_target(expected, came));
    match same_target.and_then(|expected| expected.extensions().get::<TargetPattern>()) {
        Some(target) => drop(kept.extensions_mut().insert(target.clone())),
        None if pattern::is_pattern(target(came).as_bytes()) => {
            let escaped = pattern::escaped(target(came).as_bytes());
            let escaped = String::from_utf8_lossy(&escaped).into_owned();
            kept.extensions_mut().insert(TargetPattern(escaped));
        }
        None => {}
    }
    let body = match expected {
        Some(expected) => body(
            Some(Bodies::of_requests(expected, came)),
            came.headers(),
            came.body(),
        ),
        None => body(None, came.headers(), came.body()),
    };
    message(request_head(&kept, order), body)
}

fn response(expected: Option<&Response<Bytes>>, came: &Response<Bytes>, order: &HeaderMap) -> Edit {
    let mut kept = came.clone();
    *kept.headers_mut() = fields(expected.map(Response::headers), came.headers());
    let body = match expected {
        Some(expected) => body(
            Some(Bodies::of_responses(expected, came)),
            came.headers(),
            came.body(),
        ),
        None => body(None, came.headers(), came.body()),
    };
    message(response_head(&kept, order), body)
}

/// The fields that came, with the wildcards that they met.
fn fields(expected: Option<&HeaderMap>, came: &HeaderMap) -> HeaderMap {
    let mut fields = HeaderMap::with_capacity(came.len());
    for name in came.keys() {
        let mut values = expected.into_iter().flat_map(|fields| fields.get_all(name));
        for value in came.get_all(name) {
            let same = values.next().filter(|expected| met_value(expected, value));
            append(
                &mut fields,
                name,
                same.map_or_else(|| meant(value), Cow::Borrowed),
            );
        }
    }
    fields
}

fn append(fields: &mut HeaderMap, name: &HeaderName, value: Cow<'_, HeaderValue>) {
    fields.append(name.clone(), value.into_owned());
}

/// The body of an expectation: its text, and whether that must be base64.
fn body(bodies: Option<Bodies<'_>>, fields: &HeaderMap, came: &Bytes) -> (Vec<u8>, bool) {
    if let Some(bodies) = bodies.filter(|bodies| bodies.are_met()) {
        return (
            bodies.expected.to_vec(),
            bodies.exact || !is_plain(bodies.expected),
        );
    }
    if !is_plain(came) {
        return (came.to_vec(), true);
    }
    if let Some(text) = json_text(bodies, fields, came) {
        return (text.into_bytes(), false);
    }
    let Some(bodies) =
        bodies.filter(|bodies| pattern::is_pattern(bodies.expected) && !bodies.exact)
    else {
        return (pattern::escaped(came), false);
    };
    let (expected, came) = (lines(bodies.expected), lines(came));
    let kept = align(&expected, &came).into_iter().zip(came);
    let kept = kept.flat_map(|(line, came)| match line {
        Some(line) => expected[line].to_vec(),
        None => pattern::escaped(came),
    });
    (kept.collect(), false)
}

/// JSON that has wildcards to keep, or what would be one; none where the text can stay as it came.
fn json_text(bodies: Option<Bodies<'_>>, fields: &HeaderMap, came: &Bytes) -> Option<String> {
    let expected = bodies
        .and_then(Bodies::as_json)
        .map(|(expected, _)| expected);
    if expected.is_none() && !json::is_announced(fields) {
        return None;
    }
    let came = json::parse(came)?;
    let has_pattern = json::has_pattern(&came) || expected.as_ref().is_some_and(json::has_pattern);
    has_pattern.then(|| json::pretty(&json::kept(expected.as_ref(), &came)))
}

fn log(expected: &[String], came: &[String]) -> Edit {
    let kept = align(expected, came).into_iter().zip(came);
    let kept = kept.flat_map(|(line, came)| {
        let mut text = match line {
            Some(line) => expected[line].clone().into_bytes(),
            None => pattern::escaped(came.as_bytes()),
        };
        text.push(b'\n');
        text
    });
    Edit::Write(kept.collect(), false)
}

fn message(head: Vec<u8>, (body, base64): (Vec<u8>, bool)) -> Edit {
    Edit::Write(message::content(head, &body, base64), base64)
}
