//! Reads a HAR and makes recorded exchanges of its entries.

use std::net::{Ipv4Addr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::form::{
    EntryExtra, Har, HarContent, HarEntry, HarField, HarPostData, HarRequest, HarResponse,
    MessageExtra,
};
use super::time;
use crate::record::data::{Ending, Failure, Performer, Recorded, Step, StepOutcome};
use crate::record::edit::MessageEdit;
use crate::record::message::{Content, Field, Message, StartLine};

/// Why a HAR can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HarError {
    #[error("line {line}: not a HAR: {problem}")]
    Form { line: usize, problem: String },
    #[error("entry {entry}: {problem}")]
    Entry { entry: usize, problem: String },
}

/// Reads the text of a HAR.
///
/// # Errors
/// When it is none.
pub fn parse(text: &[u8]) -> Result<Har, HarError> {
    // Some tools write a byte order mark.
    let json = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    serde_json::from_slice(json).map_err(|error| HarError::Form {
        line: error.line().max(1),
        problem: error.to_string(),
    })
}

/// The exchange of an entry. `number` counts entries from 1, and is the exchange's id unless the HAR has one.
///
/// # Errors
/// When it is none that HTTP could have.
pub fn recorded(entry: HarEntry, number: usize) -> Result<Recorded, HarError> {
    let wrong = |problem| HarError::Entry {
        entry: number,
        problem,
    };
    let extra = entry.tollgate.as_ref();
    let scheme = entry
        .request
        .url
        .split_once(':')
        .map_or("", |(scheme, _)| scheme);
    let is_secure = ["https", "wss"]
        .iter()
        .any(|it| scheme.eq_ignore_ascii_case(it));
    let protocol = protocol(&entry.request.http_version);
    let error = entry
        .response
        .as_ref()
        .and_then(|response| response.error.clone());
    let request = request(entry.request).map_err(wrong)?;
    // 0 is what browsers write for an answer that never came.
    let response = entry.response.filter(|response| response.status != 0);
    let ending = ending(extra, response.as_ref(), error);
    let failed = matches!(ending, Ending::Failed(_));
    let response = response.filter(|_| !failed).map(self::response);
    let response = response.transpose().map_err(wrong)?;
    let milliseconds = entry.time.filter(|time| *time > 0.0).unwrap_or(0.0);
    // A float becomes the nearest integer there is.
    let duration = (milliseconds * 1000.0) as u64;
    let step = response.map(|response| backend_step(extra, response, duration));
    let id = extra.and_then(|extra| u64::from_str_radix(&extra.id, 16).ok());
    let client = extra.and_then(|extra| extra.client.parse().ok());
    Ok(Recorded {
        id: id.unwrap_or(number as u64),
        began: time::parse(&entry.started_date_time).unwrap_or(0),
        duration,
        client: client.unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))),
        scheme: if is_secure { "https" } else { "http" }.to_owned(),
        protocol,
        route: extra.and_then(|extra| extra.route.clone()),
        request,
        steps: step.into_iter().collect(),
        ending,
    })
}

/// Chromium writes `h2` or `http/2.0`, Firefox `HTTP/2`.
fn protocol(version: &str) -> String {
    match &version.to_ascii_lowercase()[..] {
        "h2" | "http/2.0" | "http/2" => "HTTP/2".to_owned(),
        "h3" | "http/3.0" | "http/3" => "HTTP/3".to_owned(),
        "http/1.0" => "HTTP/1.0".to_owned(),
        _ => "HTTP/1.1".to_owned(),
    }
}

fn ending(
    extra: Option<&EntryExtra>,
    response: Option<&HarResponse>,
    error: Option<String>,
) -> Ending {
    match extra.map(|extra| &extra.ending[..]) {
        Some("failed") => Ending::Failed(Failure {
            status: response.map_or(502, |response| response.status),
            proxy_error: extra
                .and_then(|it| it.proxy_error.clone())
                .unwrap_or_default(),
            text: extra
                .and_then(|it| it.error.clone())
                .or(error)
                .unwrap_or_default(),
        }),
        Some("cut-off") => Ending::CutOff,
        _ if response.is_none() => Ending::CutOff,
        _ => Ending::Complete,
    }
}

fn backend_step(extra: Option<&EntryExtra>, response: Message, duration: u64) -> Step {
    let backend = extra.and_then(|extra| extra.backend.clone());
    Step {
        performer: Performer::Backend {
            name: backend.unwrap_or_else(|| "har".to_owned()),
            address: extra.and_then(|extra| extra.address.clone()),
        },
        began: 0,
        duration,
        computing: None,
        outcome: StepOutcome::Done,
        request: MessageEdit::Unchanged,
        response: MessageEdit::Whole(Box::new(response)),
        transcript: None,
        outbound: Vec::new(),
        log: Vec::new(),
        depth: 0,
    }
}

fn request(har: HarRequest) -> Result<Message, String> {
    let extra = har.tollgate.unwrap_or_default();
    let (authority, target) = match (extra.authority.clone(), extra.target.clone()) {
        (Some(authority), Some(target)) => (authority, target),
        _ => split_url(&har.url)?,
    };
    if http::Method::from_bytes(har.method.as_bytes()).is_err() {
        return Err(format!("{:?} is no method", har.method));
    }
    let line = StartLine::Request {
        method: har.method,
        target,
        authority,
    };
    let body = har.post_data.map(posted).transpose()?;
    message(line, &har.headers, &extra, body.unwrap_or_default(), None)
}

fn response(har: HarResponse) -> Result<Message, String> {
    if !(100..=999).contains(&har.status) {
        return Err(format!("{} is no status", har.status));
    }
    let line = StartLine::Response { status: har.status };
    let body = har.content.map(content).transpose()?;
    let extra = har.tollgate.unwrap_or_default();
    // What is written is the body without its coding, unless we wrote it.
    let left_off = extra.body.is_none().then_some("content-encoding");
    message(
        line,
        &har.headers,
        &extra,
        body.unwrap_or_default(),
        left_off,
    )
}

/// `left_off` is a field that does not hold for the body as it is here.
fn message(
    line: StartLine,
    headers: &[HarField],
    extra: &MessageExtra,
    body: Vec<u8>,
    left_off: Option<&str>,
) -> Result<Message, String> {
    let kept = match &extra.body {
        Some(body) => base64(body)?,
        None => body,
    };
    let is_coded = |field: &Field| left_off.is_some_and(|it| field.name.eq_ignore_ascii_case(it));
    let mut fields = fields(headers)?;
    if fields.iter().any(is_coded) {
        fields.retain(|field| !is_coded(field));
        let length = kept.len().to_string();
        for field in &mut fields {
            if field.name.eq_ignore_ascii_case("content-length") {
                field.value = length.clone().into_bytes();
            }
        }
    }
    let length = extra.length.unwrap_or(kept.len() as u64);
    Ok(Message {
        line,
        fields,
        content: Content {
            length,
            complete: extra.complete.unwrap_or(true),
            kept,
        },
        trailers: self::fields(&extra.trailers)?,
    })
}

/// Authority and target of a URL.
fn split_url(url: &str) -> Result<(String, String), String> {
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    let wrong = || format!("{url:?} is not an http or https URL");
    let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
    let known = ["http", "https", "ws", "wss"];
    if !known.iter().any(|it| scheme.eq_ignore_ascii_case(it)) {
        return Err(wrong());
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    if authority.is_empty() {
        return Err(wrong());
    }
    let slash = if target.starts_with('/') { "" } else { "/" };
    Ok((authority.to_owned(), format!("{slash}{target}")))
}

/// Without pseudo-fields (`:path`), which browsers write for HTTP/2.
fn fields(har: &[HarField]) -> Result<Vec<Field>, String> {
    let real = har.iter().filter(|field| !field.name.starts_with(':'));
    let field = |field: &HarField| {
        let value = match &field.base64 {
            Some(value) => base64(value)?,
            None => field.value.clone().into_bytes(),
        };
        let is_name = http::HeaderName::from_bytes(field.name.as_bytes()).is_ok();
        if !is_name || http::HeaderValue::from_bytes(&value).is_err() {
            return Err(format!(
                "the field {:?} is none that HTTP could have",
                field.name
            ));
        }
        Ok(Field {
            name: field.name.clone(),
            value,
        })
    };
    real.map(field).collect()
}

/// The bytes of a request's body.
///
/// # Errors
/// When they are in an encoding that HARs don't have, or are the parts of something else than a form.
pub fn posted(data: HarPostData) -> Result<Vec<u8>, String> {
    if data.text.is_empty() && !data.params.is_empty() {
        let form = "application/x-www-form-urlencoded";
        if !data.mime_type.to_ascii_lowercase().starts_with(form) {
            return Err(format!(
                "the body is given as parameters of {:?}; expected its text, or a form ({form})",
                data.mime_type
            ));
        }
        let pairs = data.params.iter();
        let pairs = pairs.map(|pair| format!("{}={}", pair.name, pair.value));
        return Ok(pairs.collect::<Vec<_>>().join("&").into_bytes());
    }
    bytes(data.text, data.encoding.as_deref())
}

/// The bytes of a response's body.
///
/// # Errors
/// As for [`posted`].
pub fn content(content: HarContent) -> Result<Vec<u8>, String> {
    bytes(content.text, content.encoding.as_deref())
}

fn bytes(text: String, encoding: Option<&str>) -> Result<Vec<u8>, String> {
    match encoding {
        None | Some("") => Ok(text.into_bytes()),
        Some("base64") => base64(&text),
        Some(other) => Err(format!(
            "the body is in the unknown encoding {other:?}; HARs have base64"
        )),
    }
}

fn base64(text: &str) -> Result<Vec<u8>, String> {
    let decoded = BASE64.decode(text);
    decoded.map_err(|error| format!("the body is not base64: {error}"))
}
