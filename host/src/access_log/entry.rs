//! What a line of the access log is made of.

use std::net::SocketAddr;

use time::OffsetDateTime;

/// A finished exchange, as far as lines can tell of it. Secrets are masked in it already.
#[derive(Debug, Clone)]
pub struct AccessEntry<'a> {
    /// As in logs: 16 hexadecimal digits.
    pub id: u64,
    /// When it ended: microseconds since 1970.
    pub ended_us: u64,
    pub duration_us: u64,
    pub client: SocketAddr,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// `HTTP/1.1`, `HTTP/2.0`, as other servers write it.
    pub protocol: &'a str,
    /// The request as it came; all three are empty if it could not be read.
    pub method: &'a str,
    pub target: &'a str,
    /// The host and port that the client asked for; empty if it named none.
    pub authority: &'a str,
    /// None if the client got no response.
    pub status: Option<u16>,
    /// Bytes of the bodies, as far as they went.
    pub request_bytes: u64,
    pub response_bytes: u64,
    /// The listener that the client was connected to.
    pub listener: Option<&'a str>,
    /// The route that was taken, as in the configuration.
    pub route: Option<&'a str>,
    /// The backend that was asked last, its address if there was a connection, and how long its response's head took.
    pub backend: Option<&'a str>,
    pub backend_address: Option<&'a str>,
    pub backend_us: Option<u64>,
    /// The plugins that took part, in the order in which they began.
    pub plugins: &'a [&'a str],
    /// `complete`, `cut-off`, or the error type (RFC 9209).
    pub outcome: &'a str,
    /// What went wrong, as in the log.
    pub error: Option<&'a str>,
    /// The values of the fields that the format asked for, in its order; none for those that are not there.
    pub request_fields: &'a [Option<Box<[u8]>>],
    pub response_fields: &'a [Option<Box<[u8]>>],
}

impl AccessEntry<'_> {
    /// When it ended, in UTC. The beginning of 1970 for what no calendar has.
    pub fn ended(&self) -> OffsetDateTime {
        let nanoseconds = i128::from(self.ended_us) * 1000;
        OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// The target without its query, and the query.
    pub fn path_and_query(&self) -> (&str, Option<&str>) {
        match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.target, None),
        }
    }

    /// The host that the client asked for, without the port.
    pub fn host(&self) -> &str {
        match self.authority.rsplit_once(':') {
            // An IPv6 address has colons of its own, in brackets.
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => self.authority,
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Of a small exchange.
    pub fn entry() -> AccessEntry<'static> {
        AccessEntry {
            id: 0x1f,
            ended_us: 1_796_030_761_123_456,
            duration_us: 12_345,
            client: "127.0.0.1:5000".parse().unwrap(),
            scheme: "http",
            protocol: "HTTP/1.1",
            method: "GET",
            target: "/a?b=c",
            authority: "example.test:4567",
            status: Some(200),
            request_bytes: 0,
            response_bytes: 17,
            listener: Some("default"),
            route: Some("/a"),
            backend: Some("default"),
            backend_address: Some("127.0.0.1:4566"),
            backend_us: Some(11_000),
            plugins: &["cors", "redact"],
            outcome: "complete",
            error: None,
            request_fields: &[],
            response_fields: &[],
        }
    }

    #[test]
    fn a_host_has_no_port() {
        for (authority, host) in [
            ("a.test", "a.test"),
            ("a.test:80", "a.test"),
            ("[::1]", "[::1]"),
            ("[::1]:80", "[::1]"),
            ("", ""),
        ] {
            let mut entry = entry();
            entry.authority = authority;
            assert_eq!(entry.host(), host, "{authority}");
        }
    }
}
