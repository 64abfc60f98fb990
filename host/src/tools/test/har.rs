//! Cases out of a HAR, as browsers and proxies record them: each entry's request and response is one.
//!
//! What is expected stands beside it, in `NAME.har.expected`, with the entry's number before each section's name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};

use super::case::{Case, CaseExchange, CaseFile, Input, receive, received};
use super::message;
use super::read::Reader;
use super::sections::{Kind, Mistake, Section, sections};
use crate::record::har::{self, Har, HarEntry, HarError, HarField, HarRequest, HarResponse};
use crate::tools::conditions::Conditions;

/// Reads a HAR and what is expected of it, if that file is there.
pub(super) fn read(path: &Path, conditions: &Conditions) -> Result<CaseFile, Mistake> {
    let har = parse(path)?;
    let beside = expected_path(path);
    let text = match fs::read(&beside) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(mistake(&beside, 1, format!("can't be read: {error}"))),
    };
    let sections = sections(&beside, &text, true)?;
    check(&beside, &sections, har.log.entries.len())?;
    let reader = Reader {
        path: &beside,
        text: &text,
    };
    let conditions = reader.conditions(&sections, conditions)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let entries = har.log.entries.into_iter().zip(1..);
    let cases = entries.map(|(entry, number)| {
        let wrong = |problem| mistake(path, 1, format!("entry {number}: {problem}"));
        Ok(Case {
            name: format!("{name}#{number}"),
            conditions: conditions.clone(),
            state: Vec::new(),
            exchanges: vec![CaseExchange {
                after: Duration::ZERO,
                input: Some(input(entry).map_err(wrong)?),
                expect: reader.expect(&sections, Some(number))?,
            }],
            entry: Some(number),
        })
    });
    Ok(CaseFile {
        cases: cases.collect::<Result<_, Mistake>>()?,
        path: beside,
        sections,
        text,
    })
}

fn parse(path: &Path) -> Result<Har, Mistake> {
    let text =
        fs::read(path).map_err(|error| mistake(path, 1, format!("can't be read: {error}")))?;
    har::parse(&text).map_err(|error| match error {
        HarError::Form { line, problem } => mistake(path, line, format!("not a HAR: {problem}")),
        HarError::Entry { .. } => mistake(path, 1, error.to_string()),
    })
}

fn expected_path(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".expected");
    beside.into()
}

fn mistake(path: &Path, line: usize, problem: String) -> Mistake {
    Mistake {
        path: path.to_owned(),
        line,
        problem,
    }
}

/// The entries are in the HAR; here is only what is expected of them, and the settings of all.
fn check(path: &Path, sections: &[Section], entries: usize) -> Result<(), Mistake> {
    for Section { title, line, .. } in sections {
        let problem = match (title.kind, title.entry) {
            (Kind::Request | Kind::Response, _) => {
                "the HAR itself has the requests and responses".to_owned()
            }
            (
                kind @ (Kind::State
                | Kind::Next
                | Kind::Tick
                | Kind::OutboundRequest
                | Kind::OutboundResponse
                | Kind::OutboundError),
                _,
            ) => format!("a HAR has no section `{kind}`; write such a case as a .http file"),
            (Kind::Settings | Kind::Options, None) => continue,
            (kind @ (Kind::Settings | Kind::Options), Some(_)) => {
                format!("{kind} are those of all entries; leave the number out")
            }
            (kind, None) => format!("say of which entry: `### 1 {kind}`"),
            (_, Some(entry)) if (1..=entries).contains(&entry) => continue,
            (_, Some(entry)) => format!("there is no entry {entry}; the HAR has {entries}"),
        };
        return Err(mistake(path, *line, problem));
    }
    Ok(())
}

fn input(entry: HarEntry) -> Result<Input, String> {
    let (scheme, request) = receive(request(entry.request)?)?;
    let response = match entry.response {
        // 0 is what browsers write for an answer that never came.
        Some(response) if response.status != 0 => self::response(response)?,
        _ => Response::default(),
    };
    Ok(Input {
        messages: None,
        scheme,
        request,
        response: received(response),
    })
}

fn request(har: HarRequest) -> Result<Request<Bytes>, String> {
    let url = har.url.split_once('#').map_or(&har.url[..], |(url, _)| url);
    let mut request = Request::new(har.post_data.map_or(Ok(Vec::new()), har::posted)?.into());
    *request.uri_mut() = message::uri(url).ok_or(format!("{url:?} is not an http or https URL"))?;
    *request.method_mut() = Method::from_bytes(har.method.as_bytes())
        .map_err(|_| format!("{:?} is no method", har.method))?;
    *request.headers_mut() = fields(har.headers)?;
    Ok(request)
}

fn response(har: HarResponse) -> Result<Response<Bytes>, String> {
    let mut response = Response::new(har.content.map_or(Ok(Vec::new()), har::content)?.into());
    *response.status_mut() = StatusCode::from_u16(har.status)
        .ok()
        .filter(|status| !status.is_informational())
        .ok_or(format!("{} is no final status", har.status))?;
    *response.headers_mut() = fields(har.headers)?;
    // Recorders write the body without its coding.
    response.headers_mut().remove(header::CONTENT_ENCODING);
    Ok(response)
}

/// Without pseudo-fields (`:path`), and without the length of what was on the wire, which the text here need not have.
fn fields(har: Vec<HarField>) -> Result<HeaderMap, String> {
    let mut fields = HeaderMap::new();
    for HarField { name, value, .. } in har {
        if name.starts_with(':') {
            continue;
        }
        let parsed = HeaderName::from_bytes(name.as_bytes());
        let (Ok(parsed), Ok(value)) = (parsed, HeaderValue::from_bytes(value.as_bytes())) else {
            return Err(format!("the field {name:?} is none that HTTP could have"));
        };
        fields.append(parsed, value);
    }
    fields.remove(header::CONTENT_LENGTH);
    Ok(fields)
}
