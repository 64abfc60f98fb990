//! What came, written into a file of cases as what is expected from now on. Every byte outside the sections that change
//! stays, and so does a section that is met as it is.

use super::case::{Case, CaseFile, NONE};
use super::compare::{same_request, same_response};
use super::message::{self, is_plain, request_head, response_head};
use super::run::Got;
use super::sections::{Kind, Title};

/// What becomes of the section of one expectation.
enum Edit {
    Keep,
    /// What it holds now, and whether its body is base64.
    Write(Vec<u8>, bool),
    Remove,
}

/// The file's text with what came of its cases; none when nothing changes. A case that was not run keeps what it has.
pub(super) fn updated(file: &CaseFile, came: &[(&Case, &Got)]) -> Option<Vec<u8>> {
    let mut text = file.text.clone();
    // From behind, so that what stands before stays where it is.
    for section in file.sections.iter().rev() {
        let case = came
            .iter()
            .find(|(case, _)| case.entry == section.title.entry);
        let edit = case.and_then(|(case, got)| edit(section.title.kind, case, got));
        match edit {
            None | Some(Edit::Keep) => {}
            Some(Edit::Remove) => {
                text.drain(section.whole.clone());
            }
            Some(Edit::Write(content, base64)) => {
                let title = Title {
                    base64,
                    ..section.title
                };
                text.splice(section.whole.clone(), written(title, &content));
            }
        }
    }
    for (case, got) in came {
        for kind in [
            Kind::ExpectRequest,
            Kind::ExpectResponse,
            Kind::ExpectError,
            Kind::ExpectLog,
        ] {
            let there = |section: &super::sections::Section| {
                (section.title.entry, section.title.kind) == (case.entry, kind)
            };
            if !file.sections.iter().any(there)
                && let Some(Edit::Write(content, base64)) = edit(kind, case, got)
            {
                if !text.is_empty() && !text.ends_with(b"\n") {
                    text.push(b'\n');
                }
                let entry = case.entry;
                text.extend(written(
                    Title {
                        entry,
                        kind,
                        base64,
                    },
                    &content,
                ));
            }
        }
    }
    (text != file.text).then_some(text)
}

fn written(title: Title, content: &[u8]) -> Vec<u8> {
    [format!("### {title}\n").as_bytes(), content].concat()
}

/// What becomes of a section; none for those that are no expectations.
fn edit(kind: Kind, case: &Case, got: &Got) -> Option<Edit> {
    let expect = &case.expect;
    Some(match kind {
        Kind::Settings | Kind::Request | Kind::Response => return None,
        Kind::ExpectRequest => match (&expect.request, &got.request) {
            (Some(expected), got) if same_request(expected.as_ref(), got.as_ref()) => Edit::Keep,
            // Nothing went on because a hook failed: that is what the section of the error says.
            (_, None) if got.error.is_some() => Edit::Remove,
            (_, None) => none(),
            (_, Some(request)) => {
                let head = request_head(request, case.input.request.headers());
                message(head, request.body())
            }
        },
        Kind::ExpectResponse => match (&expect.response, &got.response) {
            (Some(expected), got) if same_response(expected.as_ref(), got.as_ref()) => Edit::Keep,
            (_, None) => Edit::Remove,
            (_, Some(response)) => {
                let head = response_head(response, case.input.response.headers());
                message(head, response.body())
            }
        },
        Kind::ExpectError => match &got.error {
            error if *error == expect.error => Edit::Keep,
            None => Edit::Remove,
            Some(error) => Edit::Write(format!("{error}\n").into_bytes(), false),
        },
        Kind::ExpectLog => match &expect.log {
            Some(lines) if *lines == got.log => Edit::Keep,
            // A plugin that says nothing needs no section that says so, unless there is one.
            None if got.log.is_empty() => Edit::Keep,
            _ => {
                let lines = got.log.iter().map(|line| format!("{line}\n"));
                Edit::Write(lines.collect::<String>().into_bytes(), false)
            }
        },
    })
}

fn none() -> Edit {
    Edit::Write(format!("{NONE}\n").into_bytes(), false)
}

fn message(head: Vec<u8>, body: &[u8]) -> Edit {
    let base64 = !is_plain(body);
    Edit::Write(message::content(head, body, base64), base64)
}
