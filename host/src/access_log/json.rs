//! The format `json`: one object in a line.

use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use super::entry::AccessEntry;

/// The keys in their order. What is not there is null.
#[derive(Serialize)]
struct JsonLine<'a> {
    time: String,
    id: String,
    client: String,
    scheme: &'a str,
    protocol: &'a str,
    method: &'a str,
    authority: &'a str,
    target: &'a str,
    status: Option<u16>,
    request_bytes: u64,
    response_bytes: u64,
    duration_us: u64,
    listener: Option<&'a str>,
    route: Option<&'a str>,
    backend: Option<&'a str>,
    backend_address: Option<&'a str>,
    backend_us: Option<u64>,
    plugins: &'a [&'a str],
    outcome: &'a str,
    error: Option<&'a str>,
    referer: Option<String>,
    user_agent: Option<String>,
}

/// Appends the line, without its end. The fields `referer` and `user-agent` are the first two that were asked for.
pub fn push(line: &mut String, entry: &AccessEntry<'_>) {
    let field = |at: usize| {
        let value = entry.request_fields.get(at)?.as_deref()?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    let written = serde_json::to_string(&JsonLine {
        time: entry.ended().format(&Rfc3339).unwrap_or_default(),
        id: format!("{:016x}", entry.id),
        client: entry.client.to_string(),
        scheme: entry.scheme,
        protocol: entry.protocol,
        method: entry.method,
        authority: entry.authority,
        target: entry.target,
        status: entry.status,
        request_bytes: entry.request_bytes,
        response_bytes: entry.response_bytes,
        duration_us: entry.duration_us,
        listener: entry.listener,
        route: entry.route,
        backend: entry.backend,
        backend_address: entry.backend_address,
        backend_us: entry.backend_us,
        plugins: entry.plugins,
        outcome: entry.outcome,
        error: entry.error,
        referer: field(0),
        user_agent: field(1),
    });
    // Strings, numbers and lists of strings can always be written.
    *line += &written.unwrap_or_default();
}
