//! Writes a HAR, entry by entry.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::form::{
    EntryExtra, HarContent, HarEntry, HarField, HarPostData, HarRequest, HarResponse, HarTimings,
    MessageExtra, Nothing, PluginExtra,
};
use super::time;
use crate::record::content;
use crate::record::data::{Ending, Performer, Recorded};
use crate::record::message::{Field, Message, StartLine};

/// A HAR that is being written. It is one when [`finish`](Self::finish) was called.
#[derive(Debug)]
pub struct HarWriter<W> {
    out: W,
    has_entries: bool,
}

impl<W: Write> HarWriter<W> {
    /// Writes its beginning.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn begin(mut out: W) -> io::Result<Self> {
        let version = env!("CARGO_PKG_VERSION");
        write!(
            out,
            "{{\"log\":{{\"version\":\"1.2\",\"creator\":{{\"name\":\"tollgate\",\"version\":\"{version}\"}},\"entries\":["
        )?;
        Ok(Self {
            out,
            has_entries: false,
        })
    }

    /// # Errors
    /// Those of `out`.
    pub fn write(&mut self, exchange: &Recorded) -> io::Result<()> {
        let separator: &[u8] = if self.has_entries { b",\n" } else { b"\n" };
        self.has_entries = true;
        self.out.write_all(separator)?;
        serde_json::to_writer(&mut self.out, &entry(exchange))?;
        Ok(())
    }

    /// Writes its end, and gives `out` back.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(b"\n]}}\n")?;
        self.out.flush()?;
        Ok(self.out)
    }
}

fn entry(exchange: &Recorded) -> HarEntry {
    let backend = exchange
        .steps
        .iter()
        .rev()
        .find_map(|step| match &step.performer {
            Performer::Backend { name, address } => Some((name.clone(), address.clone())),
            Performer::Host | Performer::Plugin { .. } => None,
        });
    let (backend, address) = backend.unzip();
    let address = address.flatten();
    let ip = address.as_deref().and_then(|it| it.parse().ok());
    let milliseconds = exchange.duration as f64 / 1000.0;
    HarEntry {
        started_date_time: time::format(exchange.began),
        time: Some(milliseconds),
        request: request(exchange),
        response: Some(response(exchange)),
        cache: Nothing {},
        timings: HarTimings {
            send: 0.0,
            wait: milliseconds,
            receive: 0.0,
        },
        server_ip_address: ip.map(|it: std::net::SocketAddr| it.ip().to_string()),
        tollgate: Some(extra(exchange, backend, address)),
    }
}

fn extra(exchange: &Recorded, backend: Option<String>, address: Option<String>) -> EntryExtra {
    let (ending, failure) = match &exchange.ending {
        Ending::Complete => ("complete", None),
        Ending::Failed(failure) => ("failed", Some(failure)),
        Ending::CutOff => ("cut-off", None),
    };
    let plugins = exchange
        .steps
        .iter()
        .filter_map(|step| match &step.performer {
            Performer::Plugin {
                name,
                version,
                hook,
            } => Some(PluginExtra {
                name: name.clone(),
                version: version.clone(),
                hook: hook.clone(),
                changed: step.changes(),
            }),
            Performer::Host | Performer::Backend { .. } => None,
        });
    EntryExtra {
        id: format!("{:016x}", exchange.id),
        client: exchange.client.to_string(),
        route: exchange.route.clone(),
        backend,
        address,
        ending: ending.to_owned(),
        error: failure.map(|failure| failure.text.clone()),
        proxy_error: failure.map(|failure| failure.proxy_error.clone()),
        plugins: plugins.collect(),
    }
}

fn request(exchange: &Recorded) -> HarRequest {
    let message = &exchange.request;
    let (method, target, authority) = match &message.line {
        StartLine::Request {
            method,
            target,
            authority,
        } => (method.clone(), target.clone(), authority.clone()),
        StartLine::Response { .. } => <_>::default(),
    };
    let is_shown = target.starts_with('/') && !authority.is_empty();
    let body = &message.content.kept;
    let text = text(body);
    let mut extra = message_extra(message);
    if !is_shown {
        (extra.target, extra.authority) = (Some(target.clone()), Some(authority));
    }
    HarRequest {
        method,
        url: exchange.url(),
        http_version: exchange.protocol.clone(),
        cookies: cookies(message, "cookie"),
        headers: fields(&message.fields),
        query_string: query(&target),
        post_data: (!body.is_empty()).then(|| HarPostData {
            mime_type: media_type(message),
            text: text.clone().unwrap_or_else(|| BASE64.encode(body)),
            params: Vec::new(),
            encoding: text.is_none().then(|| "base64".to_owned()),
        }),
        headers_size: -1,
        body_size: size(message.content.length),
        tollgate: (extra != MessageExtra::default()).then_some(extra),
    }
}

fn response(exchange: &Recorded) -> HarResponse {
    let Some(message) = exchange.answer() else {
        return no_response(exchange);
    };
    let status = message.status().unwrap_or_default();
    let body = content::decoded(&message);
    let text = text(&body);
    let mut extra = message_extra(&message);
    if body[..] != message.content.kept[..] {
        extra.body = Some(BASE64.encode(&message.content.kept));
    }
    let location = message.field("location").unwrap_or_default();
    HarResponse {
        status,
        status_text: reason(status),
        http_version: exchange.protocol.clone(),
        cookies: cookies(&message, "set-cookie"),
        headers: fields(&message.fields),
        content: Some(HarContent {
            size: size(body.len() as u64),
            mime_type: media_type(&message),
            text: text.clone().unwrap_or_else(|| BASE64.encode(&body)),
            encoding: text.is_none().then(|| "base64".to_owned()),
        }),
        redirect_url: String::from_utf8_lossy(location).into_owned(),
        headers_size: -1,
        body_size: size(message.content.length),
        error: None,
        tollgate: (extra != MessageExtra::default()).then_some(extra),
    }
}

/// What stands in its place: the status of the host's error, or 0, as browsers write it.
fn no_response(exchange: &Recorded) -> HarResponse {
    let (status, error) = match &exchange.ending {
        Ending::Failed(failure) => (failure.status, failure.text.clone()),
        Ending::Complete | Ending::CutOff => (0, "the exchange was cut off".to_owned()),
    };
    HarResponse {
        status,
        status_text: reason(status),
        http_version: exchange.protocol.clone(),
        cookies: Vec::new(),
        headers: Vec::new(),
        content: Some(HarContent::default()),
        redirect_url: String::new(),
        headers_size: -1,
        body_size: -1,
        error: Some(error),
        tollgate: None,
    }
}

fn message_extra(message: &Message) -> MessageExtra {
    let content = &message.content;
    let is_whole = content.complete && content.length == content.kept.len() as u64;
    MessageExtra {
        length: (!is_whole).then_some(content.length),
        complete: (!is_whole).then_some(content.complete),
        trailers: fields(&message.trailers),
        ..MessageExtra::default()
    }
}

/// A body that is text; none if it is not.
fn text(body: &[u8]) -> Option<String> {
    std::str::from_utf8(body).ok().map(str::to_owned)
}

fn fields(fields: &[Field]) -> Vec<HarField> {
    let fields = fields.iter().map(|field| {
        let value = String::from_utf8_lossy(&field.value);
        let is_text = value.as_bytes() == field.value;
        HarField {
            name: field.name.clone(),
            value: value.into_owned(),
            base64: (!is_text).then(|| BASE64.encode(&field.value)),
        }
    });
    fields.collect()
}

/// Names and values alone: nobody sends these on.
fn cookies(message: &Message, name: &str) -> Vec<HarField> {
    let all = message.fields.iter();
    let all = all.filter(|field| field.name.eq_ignore_ascii_case(name));
    let all = all.map(|field| String::from_utf8_lossy(&field.value).into_owned());
    let each = if name == "cookie" { usize::MAX } else { 1 };
    all.flat_map(|value| pairs(&value, ';', each)).collect()
}

/// As it was written, percent-encoded.
fn query(target: &str) -> Vec<HarField> {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    pairs(query, '&', usize::MAX)
}

fn pairs(text: &str, separator: char, most: usize) -> Vec<HarField> {
    let parts = text.split(separator).take(most).map(str::trim);
    let parts = parts.filter(|part| !part.is_empty());
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        HarField {
            name: name.to_owned(),
            value: value.to_owned(),
            base64: None,
        }
    };
    parts.map(pair).collect()
}

fn media_type(message: &Message) -> String {
    let value = message.field("content-type").unwrap_or_default();
    String::from_utf8_lossy(value).into_owned()
}

fn reason(status: u16) -> String {
    let status = http::StatusCode::from_u16(status).ok();
    let reason = status.and_then(|status| status.canonical_reason());
    reason.unwrap_or_default().to_owned()
}

fn size(length: u64) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
