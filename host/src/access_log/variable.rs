//! What a template can name, in nginx's words where nginx has one.

use std::sync::LazyLock;

use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;

use super::entry::AccessEntry;
use super::escape::Escape;

/// Every variable and what it stands for. `$http_NAME` and `$sent_http_NAME` come on top of them.
pub const VARIABLES: [(&str, Variable); 30] = [
    ("remote_addr", Variable::ClientAddress),
    ("remote_port", Variable::ClientPort),
    ("time_local", Variable::TimeCommon),
    ("time_iso8601", Variable::TimeIso),
    ("msec", Variable::Seconds),
    ("request", Variable::RequestLine),
    ("request_method", Variable::Method),
    ("request_uri", Variable::Target),
    ("uri", Variable::Path),
    ("args", Variable::Query),
    ("query_string", Variable::Query),
    ("scheme", Variable::Scheme),
    ("host", Variable::Host),
    ("server_protocol", Variable::Protocol),
    ("status", Variable::Status),
    ("body_bytes_sent", Variable::ResponseBytes),
    ("request_body_bytes", Variable::RequestBytes),
    ("request_time", Variable::Duration),
    ("request_time_us", Variable::DurationUs),
    ("request_id", Variable::Id),
    ("upstream_addr", Variable::BackendAddress),
    ("upstream_response_time", Variable::BackendTime),
    ("upstream_response_time_us", Variable::BackendUs),
    ("listener", Variable::Listener),
    ("backend", Variable::Backend),
    ("route", Variable::Route),
    ("plugins", Variable::Plugins),
    ("outcome", Variable::Outcome),
    ("error", Variable::Error),
    ("pid", Variable::Pid),
];

/// A value that a template can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    ClientAddress,
    ClientPort,
    TimeCommon,
    TimeIso,
    Seconds,
    RequestLine,
    Method,
    Target,
    Path,
    Query,
    Scheme,
    Host,
    Protocol,
    Status,
    ResponseBytes,
    RequestBytes,
    Duration,
    DurationUs,
    Id,
    BackendAddress,
    BackendTime,
    BackendUs,
    Listener,
    Backend,
    Route,
    Plugins,
    Outcome,
    Error,
    Pid,
}

impl Variable {
    /// Appends the value that it has in an entry.
    pub fn push(self, line: &mut String, entry: &AccessEntry<'_>, escape: Escape) {
        let mut text = |value: Option<&str>| escape.push(line, value.map(str::as_bytes));
        match self {
            Self::ClientAddress => text(Some(&entry.client.ip().to_canonical().to_string())),
            Self::ClientPort => text(Some(&entry.client.port().to_string())),
            Self::TimeCommon => text(common_time(entry).as_deref()),
            Self::TimeIso => text(entry.ended().format(&Rfc3339).ok().as_deref()),
            Self::Seconds => text(Some(&seconds(entry.ended_us))),
            Self::RequestLine => text(request_line(entry).as_deref()),
            Self::Method => text(Some(entry.method)),
            Self::Target => text(Some(entry.target)),
            Self::Path => text(Some(entry.path_and_query().0)),
            Self::Query => text(entry.path_and_query().1),
            Self::Scheme => text(Some(entry.scheme)),
            Self::Host => text(Some(entry.host())),
            Self::Protocol => text(Some(entry.protocol)),
            Self::Status => text(entry.status.map(|status| status.to_string()).as_deref()),
            Self::ResponseBytes => text(Some(&entry.response_bytes.to_string())),
            Self::RequestBytes => text(Some(&entry.request_bytes.to_string())),
            Self::Duration => text(Some(&seconds(entry.duration_us))),
            Self::DurationUs => text(Some(&entry.duration_us.to_string())),
            Self::Id => text(Some(&format!("{:016x}", entry.id))),
            Self::BackendAddress => text(entry.backend_address),
            Self::BackendTime => text(entry.backend_us.map(seconds).as_deref()),
            Self::BackendUs => text(entry.backend_us.map(|us| us.to_string()).as_deref()),
            Self::Listener => text(entry.listener),
            Self::Backend => text(entry.backend),
            Self::Route => text(entry.route),
            Self::Plugins => text(Some(&entry.plugins.join(","))),
            Self::Outcome => text(Some(entry.outcome)),
            Self::Error => text(entry.error),
            Self::Pid => text(Some(&std::process::id().to_string())),
        }
    }
}

/// As it came: method, target, protocol. None if it could not be read.
fn request_line(entry: &AccessEntry<'_>) -> Option<String> {
    let (method, target, protocol) = (entry.method, entry.target, entry.protocol);
    (!method.is_empty()).then(|| format!("{method} {target} {protocol}"))
}

/// `30/Nov/2026:09:26:01 +0000`.
fn common_time(entry: &AccessEntry<'_>) -> Option<String> {
    static FORMAT: LazyLock<Vec<BorrowedFormatItem<'static>>> = LazyLock::new(|| {
        let text = "[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000";
        time::format_description::parse_borrowed::<2>(text).unwrap_or_default()
    });
    entry.ended().format(&*FORMAT).ok()
}

/// Seconds with three places, as nginx has them.
fn seconds(us: u64) -> String {
    format!("{}.{:03}", us / 1_000_000, us / 1000 % 1000)
}
