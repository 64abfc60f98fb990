//! The URL of an outbound call, read in one way only. The same reader serves the list of what is allowed.
//!
//! It takes less than RFC 3986 does, and less than browsers do by far: what two readers could take for two hosts is
//! refused here, so that the host that was allowed is the host that is connected to.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// RFC 1035, section 2.3.4: 255 bytes on the wire, which is 253 as text.
const LONGEST_NAME: usize = 253;

/// The same section.
const LONGEST_LABEL: usize = 63;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

/// Whom a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host<'t> {
    /// In lower case.
    Name(Cow<'t, str>),
    Ip(IpAddr),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url<'t> {
    pub(super) scheme: Scheme,
    pub(super) host: Host<'t>,
    pub(super) port: u16,
    /// As it was written; it begins with a slash.
    pub(super) path: &'t str,
    /// With its question mark, or empty.
    pub(super) query: &'t str,
}

impl Scheme {
    pub(super) fn read(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("http") {
            Some(Self::Http)
        } else if text.eq_ignore_ascii_case("https") {
            Some(Self::Https)
        } else {
            None
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    pub(super) fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl<'t> Url<'t> {
    /// # Errors
    /// What is wrong, and what would be right, in one clause.
    pub(super) fn read(text: &'t str) -> Result<Self, String> {
        if let Some(bad) = text.chars().find(|c| !c.is_ascii_graphic()) {
            return Err(format!("{bad:?} can't stand there, write it in %-encoding"));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err("expected an absolute URL such as https://api.example.com/path".into());
        };
        let Some(scheme) = Scheme::read(scheme) else {
            return Err(format!(
                "the scheme {scheme:?} is not served, expected http or https"
            ));
        };
        if rest.contains('#') {
            return Err("a fragment is never sent, leave out what begins with `#`".into());
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (host, port) = authority_of(authority)?;
        let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
        if path.contains('\\') {
            return Err("some read `\\` in a path as `/`, write %5C".into());
        }
        Ok(Self {
            scheme,
            host,
            port: port.unwrap_or(scheme.default_port()),
            path: if path.is_empty() { "/" } else { path },
            query,
        })
    }

    /// Scheme, host and port, the port only if it isn't the scheme's own.
    pub(super) fn origin(&self) -> String {
        format!("{}://{}", self.scheme.name(), self.authority())
    }

    /// What the field `host` holds (RFC 9110, section 7.2).
    pub(super) fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// A host, and a port if one is there. Without userinfo.
pub(super) fn authority_of(text: &str) -> Result<(Host<'_>, Option<u16>), String> {
    if text.contains('@') {
        return Err(
            "user and password in a URL are not sent, leave them out and set the field `authorization`"
                .into(),
        );
    }
    let (host, port) = split_port(text)?;
    Ok((Host::read(host)?, port.map(port_of).transpose()?))
}

/// The host as it is written, and what stands behind the colon.
pub(super) fn split_port(text: &str) -> Result<(&str, Option<&str>), String> {
    let end_of_host = match text.find(']') {
        Some(at) if text.starts_with('[') => at + 1,
        _ => text.find(':').unwrap_or(text.len()),
    };
    match text.split_at(end_of_host) {
        (host, "") => Ok((host, None)),
        (host, rest) => match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None => Err(format!(
                "{:?} stands behind the address",
                rest.escape_debug().to_string()
            )),
        },
    }
}

pub(super) fn port_of(text: &str) -> Result<u16, String> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse()
        .ok()
        .filter(|_| is_plain)
        .ok_or_else(|| "expected a port between 1 and 65535".into())
}

impl<'t> Host<'t> {
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    pub(super) fn read(text: &'t str) -> Result<Self, String> {
        if let Some(inside) = text.strip_prefix('[') {
            let address = inside.strip_suffix(']').and_then(|v6| v6.parse().ok());
            return address
                .map(|v6: Ipv6Addr| Self::Ip(v6.into()))
                .ok_or_else(|| format!("{text:?} is not an IPv6 address"));
        }
        if text.is_empty() {
            return Err("expected a host behind `://`".into());
        }
        let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if let Some(bad) = text.chars().find(|c| !allowed(c)) {
            return Err(format!(
                "{bad:?} can't stand in a host, expected letters, digits, `-` and `.` (a name of other letters in its xn-- form)"
            ));
        }
        if text.ends_with('.') {
            return Err("leave out the dot at the end of the host".into());
        }
        let mut labels = text.split('.');
        if text.len() > LONGEST_NAME || labels.any(|l| l.is_empty() || l.len() > LONGEST_LABEL) {
            return Err("the host has an empty part, or one that is too long".into());
        }
        if ends_in_a_number(text) {
            return text.parse().map(|v4: Ipv4Addr| Self::Ip(v4.into())).map_err(|_| {
                format!("{text:?} is an IPv4 address in a form that is read in several ways, write four decimal numbers")
            });
        }
        Ok(Self::Name(
            if text.bytes().any(|b| b.is_ascii_uppercase()) {
                text.to_ascii_lowercase().into()
            } else {
                text.into()
            },
        ))
    }

    /// Whether this name is one of this machine's own (RFC 6761, section 6.3).
    pub(super) fn is_localhost(&self) -> bool {
        match self {
            Self::Name(name) => &**name == "localhost" || name.ends_with(".localhost"),
            Self::Ip(_) => false,
        }
    }
}

/// What `inet_aton` and browsers take for an IPv4 address: `127.1`, `0x7f.1`, `2130706433`, `0177.0.0.1`
/// (WHATWG URL, section 3.5, "ends in a number").
fn ends_in_a_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or(host);
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    last.bytes().all(|b| b.is_ascii_digit())
        || hex.is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(IpAddr::V4(v4)) => v4.fmt(f),
            Self::Ip(IpAddr::V6(v6)) => write!(f, "[{v6}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_in_one_way() {
        for (text, origin, path, query) in [
            ("http://a.example", "http://a.example", "/", ""),
            ("HTTP://A.Example:80?x", "http://a.example", "/", "?x"),
            ("https://a:8443/b?c?d", "https://a:8443", "/b", "?c?d"),
            ("http://a/b//c;d", "http://a", "/b//c;d", ""),
            ("https://[::0001]:443/", "https://[::1]", "/", ""),
            (
                "http://127.0.0.1:4566/@x",
                "http://127.0.0.1:4566",
                "/@x",
                "",
            ),
            (
                "http://xn--bcher-kva.example/",
                "http://xn--bcher-kva.example",
                "/",
                "",
            ),
            (
                "http://my_service/?http://b/",
                "http://my_service",
                "/",
                "?http://b/",
            ),
        ] {
            let url = Url::read(text).unwrap();
            let read = (url.origin(), url.path, url.query);
            assert_eq!(read, (origin.to_owned(), path, query), "{text}");
        }
    }

    #[test]
    fn what_others_may_read_in_another_way_is_refused() {
        for (text, part) in [
            ("", "absolute URL"),
            ("/path", "absolute URL"),
            ("a.example/", "absolute URL"),
            ("//a.example/", "absolute URL"),
            ("http:/a.example/", "absolute URL"),
            ("http:\\\\a.example/", "absolute URL"),
            ("ftp://a/", "expected http or https"),
            ("http+unix://a/", "expected http or https"),
            (" http://a/", "%-encoding"),
            ("http://a\t.example/", "%-encoding"),
            ("http://a/\r\nx: y", "%-encoding"),
            ("http://a/\0", "%-encoding"),
            ("http://b\u{fc}cher.example/", "%-encoding"),
            ("http://\u{ff41}/", "%-encoding"),
            ("http://allowed@evil.example/", "user and password"),
            ("http://allowed:x@evil.example/", "user and password"),
            ("http://evil.example\\@allowed/", "user and password"),
            ("http://evil.example\\.allowed/", "can't stand in a host"),
            ("http://evil.example\\/../allowed/", "can't stand in a host"),
            ("http://evil.example#@allowed/", "fragment"),
            ("http://a/#x", "fragment"),
            ("http://a/b\\..\\c", "%5C"),
            ("http:///x", "expected a host"),
            ("http://:80/", "expected a host"),
            ("http://?x", "expected a host"),
            ("http://a.example./", "dot at the end"),
            ("http://localhost./", "dot at the end"),
            ("http://127.0.0.1./", "dot at the end"),
            ("http://a..example/", "empty part"),
            ("http://.example/", "empty part"),
            ("http://%61.example/", "can't stand in a host"),
            ("http://127.0.0.1%2f@a/", "user and password"),
            ("http://a%00.example/", "can't stand in a host"),
            ("http://*.example/", "can't stand in a host"),
            ("http://a,b/", "can't stand in a host"),
            ("http://0x7f.1/", "several ways"),
            ("http://0X7F.0.0.1/", "several ways"),
            ("http://127.1/", "several ways"),
            ("http://2130706433/", "several ways"),
            ("http://0x7f000001/", "several ways"),
            ("http://017700000001/", "several ways"),
            ("http://0177.0.0.1/", "several ways"),
            ("http://127.0.0.01/", "several ways"),
            ("http://127.0.0.1.5/", "several ways"),
            ("http://256.0.0.1/", "several ways"),
            ("http://a.1/", "several ways"),
            ("http://a.0x/", "several ways"),
            ("http://[::1/", "not an IPv6 address"),
            ("http://[fe80::1%25eth0]/", "not an IPv6 address"),
            ("http://[127.0.0.1]/", "not an IPv6 address"),
            ("http://[::1]x/", "behind the address"),
            ("http://::1/", "expected a host"),
            ("http://a:0/", "between 1 and 65535"),
            ("http://a:/", "between 1 and 65535"),
            ("http://a:65536/", "between 1 and 65535"),
            ("http://a:080/", "between 1 and 65535"),
            ("http://a:+80/", "between 1 and 65535"),
            ("http://a:80:80/", "between 1 and 65535"),
            ("http://a:80\\/", "between 1 and 65535"),
        ] {
            let problem = Url::read(text).expect_err(text);
            assert!(problem.contains(part), "{text:?}: {problem}");
        }
        let long = format!("http://{}.example/", "a".repeat(64));
        assert!(Url::read(&long).is_err());
        let long = format!("http://{}/", "a.".repeat(130) + "b");
        assert!(Url::read(&long).is_err());
    }
}
