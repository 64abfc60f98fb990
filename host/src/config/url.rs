//! The URL of a backend: which schemes there are, and what each may say.
//!
//! As in [`units`](super::units), every function judges one value and says in one clause what was
//! expected. Nothing is looked up or opened.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use http::HeaderValue;
use http::uri::Authority;

use super::backend::{BackendAddress, BackendUrl, HostField, Protocol};
use super::data::DEFAULT_ECHO;
use super::units::{listen, path_problem};

/// What fits `sun_path` of a socket's address with its closing zero (`unix(7)`).
const LONGEST_SOCKET_PATH: usize = 107;

/// What the default backend may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BackendTarget {
    /// The embedded echo backend, on this address and no other if that was said.
    Echo {
        address: SocketAddr,
        fixed: bool,
    },
    Origin(BackendOrigin),
}

/// A URL as it was written: its scheme may say more than [`BackendUrl`] can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BackendOrigin {
    pub(super) scheme: BackendScheme,
    pub(super) url: BackendUrl,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BackendScheme {
    Http,
    Https,
    /// HTTP/2 in cleartext with prior knowledge.
    H2c,
    Unix,
    Tape,
}

impl BackendOrigin {
    /// The protocol that the scheme fixes, if it does.
    pub(super) fn protocol(&self) -> Option<Protocol> {
        (self.scheme == BackendScheme::H2c).then_some(Protocol::Http2)
    }
}

impl BackendScheme {
    /// The scheme as URLs begin with it.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Http => "http://",
            Self::Https => "https://",
            Self::H2c => "h2c://",
            Self::Unix => "unix:",
            Self::Tape => "tape:",
        }
    }
}

impl fmt::Display for BackendOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.url.address {
            BackendAddress::Tcp(authority) => write!(f, "{}{authority}", self.scheme.prefix()),
            BackendAddress::Unix(_) | BackendAddress::Tape(_) => self.url.fmt(f),
        }
    }
}

/// The default backend: an origin, `echo`, or `echo://` and an address.
pub(super) fn target(text: &str, base: &Path) -> Result<BackendTarget, String> {
    let text = text.trim();
    if text == "echo" {
        return Ok(BackendTarget::Echo {
            address: DEFAULT_ECHO,
            fixed: false,
        });
    }
    match text.split_once("://") {
        Some((scheme, address)) if scheme.eq_ignore_ascii_case("echo") => Ok(BackendTarget::Echo {
            address: listen(address.trim_end_matches('/'))?,
            fixed: true,
        }),
        _ => origin(text, base).map(BackendTarget::Origin),
    }
}

/// The URL of a backend; a socket's path is relative to `base`.
pub(super) fn origin(text: &str, base: &Path) -> Result<BackendOrigin, String> {
    let text = text.trim();
    if let Some(path) = strip_prefix_in_any_case(text, "unix:") {
        return socket(path, base);
    }
    for prefix in ["tape:", "har:"] {
        if let Some(path) = strip_prefix_in_any_case(text, prefix) {
            return tape(path, prefix, base);
        }
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(without_scheme(text));
    };
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" => BackendScheme::Http,
        "https" => BackendScheme::Https,
        "h2c" => BackendScheme::H2c,
        "echo" => return Err(no_echo()),
        "http+unix" | "https+unix" => {
            return Err(
                "sockets of this machine are reached in cleartext; expected unix:/PATH".into(),
            );
        }
        _ => {
            return Err(format!(
                "the scheme {scheme:?} is not served; expected http://, https://, h2c://, unix: or tape:"
            ));
        }
    };
    let url = BackendUrl {
        tls: scheme == BackendScheme::Https,
        address: BackendAddress::Tcp(authority_alone(scheme.prefix(), rest)?),
    };
    Ok(BackendOrigin { scheme, url })
}

fn strip_prefix_in_any_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

pub(super) fn no_echo() -> String {
    "only the default backend can be the embedded one, with backend = \"echo\" at the top; \
     expected a URL such as http://localhost:4566"
        .to_owned()
}

/// The path of a tape or a HAR, from behind its prefix.
fn tape(text: &str, prefix: &str, base: &Path) -> Result<BackendOrigin, String> {
    // As for sockets.
    let text = match text.strip_prefix("//") {
        Some(path) if path.starts_with('/') => path,
        Some(path) => return Err(format!("a file has no host; expected {prefix}{path}")),
        None => text,
    };
    if let Some(problem) = path_problem(Path::new(text)) {
        return Err(format!("{problem} behind {prefix}"));
    }
    let url = BackendUrl {
        tls: false,
        address: BackendAddress::Tape(base.join(text)),
    };
    let scheme = BackendScheme::Tape;
    Ok(BackendOrigin { scheme, url })
}

/// A socket's path, from behind `unix:`.
fn socket(text: &str, base: &Path) -> Result<BackendOrigin, String> {
    // Some write an empty authority before the path.
    let text = match text.strip_prefix("//") {
        Some(path) if path.starts_with('/') => path,
        Some(path) => return Err(format!("a socket has no host; expected unix:{path}")),
        None => text,
    };
    if let Some(problem) = path_problem(Path::new(text)) {
        return Err(format!("{problem} behind unix:"));
    }
    let path: PathBuf = base.join(text);
    if path.as_os_str().len() > LONGEST_SOCKET_PATH {
        return Err(format!(
            "the path of a socket has at most {LONGEST_SOCKET_PATH} bytes, {} has {}",
            path.display(),
            path.as_os_str().len()
        ));
    }
    let url = BackendUrl {
        tls: false,
        address: BackendAddress::Unix(path),
    };
    let scheme = BackendScheme::Unix;
    Ok(BackendOrigin { scheme, url })
}

fn without_scheme(text: &str) -> String {
    if text == "echo" {
        return no_echo();
    }
    if text.starts_with(['/', '.']) {
        return format!("expected a URL; did you mean unix:{text}?");
    }
    let host = text.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    match authority_alone("http://", host) {
        Ok(authority) => format!("expected a URL; did you mean http://{authority}?"),
        Err(_) => "expected a URL such as http://localhost:4566".to_owned(),
    }
}

/// Host and port of a URL, from behind its scheme. Anything more has no meaning in a backend.
fn authority_alone(scheme: &str, rest: &str) -> Result<Authority, String> {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (userinfo, authority) = match authority.rsplit_once('@') {
        Some((_, host)) => (true, host),
        None => (false, authority),
    };
    if authority.is_empty() {
        return Err(format!(
            "expected a host, or a host and a port, behind {scheme}"
        ));
    }
    let authority = host_and_port(authority)?;
    if userinfo {
        return Err(format!(
            "a user and password in the URL are not sent on; \
             expected {scheme}{authority} and the field `authorization` set by client or plugin"
        ));
    }
    match tail {
        "" | "/" => Ok(authority),
        _ if tail.starts_with('/') => Err(format!(
            "requests go to the path that the client asked for, so the URL can have none; expected {scheme}{authority}"
        )),
        _ => Err(format!(
            "a query or fragment has no meaning here; expected {scheme}{authority}"
        )),
    }
}

/// A host, or a host and a port from 1 on.
fn host_and_port(text: &str) -> Result<Authority, String> {
    let invalid = || "expected a host, or a host and a port".to_owned();
    let authority = Authority::from_str(text).map_err(|_| invalid())?;
    let host = authority.host();
    if host.is_empty() || text.contains('@') {
        return Err(invalid());
    }
    if let Some(v6) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'))
        && Ipv6Addr::from_str(v6).is_err()
    {
        return Err(format!("{host} is not an IPv6 address"));
    }
    let has_port = text.len() > host.len();
    if has_port && authority.port_u16().is_none_or(|port| port == 0) {
        return Err("expected a port between 1 and 65535".to_owned());
    }
    Ok(authority)
}

/// What the field `host` holds: `keep`, `rewrite`, or what to send.
pub(super) fn host_field(text: &str) -> Result<HostField, String> {
    for (word, field) in [("keep", HostField::Keep), ("rewrite", HostField::Rewrite)] {
        if text == word {
            return Ok(field);
        }
        if text.eq_ignore_ascii_case(word) {
            return Err(format!("did you mean {word:?}?"));
        }
    }
    let authority = host_and_port(text).ok();
    let value = authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    value.map(HostField::Fixed).ok_or_else(|| {
        "expected keep, rewrite, or a host such as api.internal or api.internal:8080".to_owned()
    })
}

/// Whether requests to this URL come back to the proxy. Names but `localhost` are not looked up.
pub(super) fn is_loop(listen: SocketAddr, url: &BackendUrl) -> bool {
    let BackendAddress::Tcp(authority) = &url.address else {
        return false;
    };
    let default_port = if url.tls { 443 } else { 80 };
    let port = authority.port_u16().unwrap_or(default_port);
    let host = authority.host().trim_matches(['[', ']']);
    if host.eq_ignore_ascii_case("localhost") {
        let v6 = listen.is_ipv6() && listen.port() == port && listen.ip().is_loopback();
        return v6 || reaches(listen, SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    host.parse()
        .is_ok_and(|ip| reaches(listen, SocketAddr::new(ip, port)))
}

/// Whether a connection to this address arrives at the listener, as far as addresses alone tell.
/// A listener on port 0 is reached by nobody, as its port isn't known yet.
pub(super) fn reaches(listen: SocketAddr, target: SocketAddr) -> bool {
    if listen.port() == 0 || listen.port() != target.port() {
        return false;
    }
    // A connection to the unspecified address goes to this machine.
    let ip = match target.ip().to_canonical() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let everywhere = match listen.ip() {
        IpAddr::V4(any) => any.is_unspecified() && ip.is_ipv4(),
        IpAddr::V6(any) => any.is_unspecified(),
    };
    listen.ip() == ip || everywhere && ip.is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written, and how it is shown.
    const GOOD: &[(&str, &str)] = &[
        ("echo", "echo://127.0.0.1:4566"),
        ("echo://9000", "echo://127.0.0.1:9000"),
        ("echo://[::1]:9000/", "echo://[::1]:9000"),
        ("http://localhost:4566", "http://localhost:4566"),
        ("HTTP://localhost:4566/", "http://localhost:4566"),
        ("http://my_service", "http://my_service"),
        ("http://[::1]:80", "http://[::1]:80"),
        ("https://localhost", "https://localhost"),
        ("https://localhost:8443/", "https://localhost:8443"),
        ("h2c://localhost:50051", "h2c://localhost:50051"),
        ("unix:/run/a.sock", "unix:/run/a.sock"),
        ("Unix:/run/a b?.sock", "unix:/run/a b?.sock"),
        ("unix:///run/a.sock", "unix:/run/a.sock"),
        ("unix:a.sock", "unix:/base/a.sock"),
        ("unix:../a.sock", "unix:/base/../a.sock"),
        ("tape:a.tape", "tape:/base/a.tape"),
        ("Tape:///t/a b.tape", "tape:/t/a b.tape"),
        ("har:/t/a.har", "tape:/t/a.har"),
    ];

    /// What is written, and a part of the message.
    const BAD: &[(&str, &str)] = &[
        ("localhost:4566", "did you mean http://localhost:4566?"),
        ("localhost:4566/x", "did you mean http://localhost:4566?"),
        ("user:secret@localhost", "did you mean http://localhost?"),
        ("echo:9000", "did you mean http://echo:9000?"),
        ("/run/a.sock", "did you mean unix:/run/a.sock?"),
        ("./a.sock", "did you mean unix:./a.sock?"),
        (
            "ftp://localhost",
            "the scheme \"ftp\" is not served; expected http://, https://, h2c://, unix: or tape:",
        ),
        ("https+unix://a", "in cleartext; expected unix:/PATH"),
        (
            "http://localhost/base",
            "can have none; expected http://localhost",
        ),
        (
            "https://localhost/base",
            "can have none; expected https://localhost",
        ),
        (
            "http://localhost?x=1",
            "has no meaning here; expected http://localhost",
        ),
        (
            "h2c://localhost#x",
            "has no meaning here; expected h2c://localhost",
        ),
        (
            "http://u:p@localhost",
            "are not sent on; expected http://localhost",
        ),
        (
            "https://u@localhost",
            "are not sent on; expected https://localhost",
        ),
        (
            "http://",
            "expected a host, or a host and a port, behind http://",
        ),
        (
            "https:///x",
            "expected a host, or a host and a port, behind https://",
        ),
        ("http://:80", "expected a host"),
        ("http://a b", "expected a host"),
        ("http://localhost:99999", "a port between 1 and 65535"),
        ("http://localhost:0", "a port between 1 and 65535"),
        ("http://localhost:", "a port between 1 and 65535"),
        ("http://localhost:x", "a port between 1 and 65535"),
        ("http://[zz]:80", "not an IPv6 address"),
        ("unix:", "expected a path behind unix:"),
        ("unix:~/a.sock", "`~` is the shell's"),
        (
            "unix://run/a.sock",
            "a socket has no host; expected unix:run/a.sock",
        ),
        ("tape:", "expected a path behind tape:"),
        ("har://t/a.har", "a file has no host; expected har:t/a.har"),
        ("", "a URL such as"),
    ];

    #[test]
    fn urls() {
        for (text, expected) in GOOD {
            let shown = match target(text, Path::new("/base")).unwrap() {
                BackendTarget::Echo { address, fixed } => {
                    assert_eq!(fixed, *text != "echo");
                    format!("echo://{address}")
                }
                BackendTarget::Origin(origin) => origin.to_string(),
            };
            assert_eq!(shown, *expected);
        }
        for (text, part) in BAD {
            let problem = target(text, Path::new("/base")).unwrap_err();
            assert!(problem.contains(part), "{text:?}: {problem}");
        }
        for echo in ["echo", "echo://1"] {
            let problem = origin(echo, Path::new("")).unwrap_err();
            assert!(problem.starts_with("only the default backend"), "{problem}");
        }
    }

    #[test]
    fn what_a_scheme_says() {
        let cases = [
            ("http://a", false, None),
            ("https://a", true, None),
            ("h2c://a", false, Some(Protocol::Http2)),
            ("unix:/a", false, None),
        ];
        for (text, tls, protocol) in cases {
            let origin = origin(text, Path::new("")).unwrap();
            assert_eq!(
                (origin.url.tls, origin.protocol()),
                (tls, protocol),
                "{text}"
            );
        }
    }

    #[test]
    fn the_path_of_a_socket_has_an_end() {
        let path = format!("/{}", "a".repeat(LONGEST_SOCKET_PATH - 1));
        assert!(origin(&format!("unix:{path}"), Path::new("")).is_ok());
        let problem = origin(&format!("unix:{path}b"), Path::new("")).unwrap_err();
        assert!(problem.ends_with("aab has 108"), "{problem}");
        assert!(origin(&format!("unix:{}", &path[1..]), Path::new("/b")).is_err());
    }

    #[test]
    fn loops() {
        let cases = [
            ("127.0.0.1:80", "http://127.0.0.1:80", true),
            ("127.0.0.1:80", "http://127.0.0.1", true),
            ("127.0.0.1:80", "http://LOCALHOST:80", true),
            ("127.0.0.1:80", "http://0.0.0.0:80", true),
            ("127.0.0.1:80", "http://[::ffff:127.0.0.1]:80", true),
            ("0.0.0.0:80", "http://localhost", true),
            ("0.0.0.0:80", "http://127.0.0.9", true),
            ("[::]:80", "http://127.0.0.1", true),
            ("[::]:80", "http://[::1]", true),
            ("[::1]:80", "http://[::1]", true),
            ("[::1]:80", "http://localhost", true),
            ("127.0.0.1:443", "https://127.0.0.1", true),
            ("127.0.0.1:80", "https://127.0.0.1", false),
            ("127.0.0.1:80", "h2c://127.0.0.1", true),
            ("127.0.0.1:80", "unix:/run/80", false),
            ("0.0.0.0:80", "http://[::1]", false),
            ("[::1]:80", "http://127.0.0.1", false),
            ("127.0.0.1:80", "http://127.0.0.1:81", false),
            ("127.0.0.1:80", "http://127.0.0.2", false),
            ("0.0.0.0:80", "http://10.0.0.1", false),
            ("10.0.0.1:80", "http://localhost", false),
            ("127.0.0.1:80", "http://example.com", false),
        ];
        for (listener, target, expected) in cases {
            let origin = origin(target, Path::new("")).unwrap();
            let got = is_loop(listen(listener).unwrap(), &origin.url);
            assert_eq!(got, expected, "{listener} {target}");
        }
        let cases = [("80", "80", true), ("0", "0", false), ("80", "81", false)];
        for (listener, target, expected) in cases {
            let got = reaches(listen(listener).unwrap(), listen(target).unwrap());
            assert_eq!(got, expected, "{listener} {target}");
        }
    }

    #[test]
    fn what_the_field_host_holds() {
        let fixed = |text| Ok(HostField::Fixed(HeaderValue::from_static(text)));
        let cases = [
            ("keep", Ok(HostField::Keep)),
            ("rewrite", Ok(HostField::Rewrite)),
            ("api.internal", fixed("api.internal")),
            ("api.internal:8080", fixed("api.internal:8080")),
            ("[::1]:80", fixed("[::1]:80")),
            ("Keep", Err("did you mean \"keep\"?")),
            ("http://a", Err("expected keep, rewrite, or a host")),
            ("u@a", Err("expected keep, rewrite, or a host")),
            ("a:0", Err("expected keep, rewrite, or a host")),
            ("a b", Err("expected keep, rewrite, or a host")),
            ("", Err("expected keep, rewrite, or a host")),
        ];
        for (text, expected) in cases {
            match (host_field(text), expected) {
                (Err(problem), Err(part)) => assert!(problem.contains(part), "{text:?}: {problem}"),
                (got, expected) => assert_eq!(got, expected.map_err(str::to_owned), "{text:?}"),
            }
        }
    }
}
