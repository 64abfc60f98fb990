//! Values that people write as text: times, sizes, addresses and the backend's URL.
//!
//! Every function judges one value and says in one clause what was expected, so that
//! [`resolve`](mod@super::resolve) can put the place in front of it. Nothing is looked up or opened.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use http::uri::Authority;

use super::{Backend, BackendUrl, DEFAULT_ECHO, OnFailure, WatchMode};

/// The most worker threads; a number above is a slip of the hand.
const MAX_WORKERS: usize = 1024;
/// The longest time that may be configured.
const MAX_TIME: Duration = Duration::from_secs(24 * 60 * 60);
/// A page of linear memory: nothing runs with less.
const MIN_MEMORY: u64 = 64 << 10;
/// What a 32-bit guest can address.
const MAX_MEMORY: u64 = 4 << 30;

/// A time with its unit: `500ms`, `30s`, `1m30s`, `2h`.
fn duration(text: &str) -> Result<Duration, String> {
    read_duration(text.trim())
        .ok_or_else(|| "expected a time with its unit, such as 500ms, 30s or 1m30s".to_owned())
}

fn read_duration(mut rest: &str) -> Option<Duration> {
    let mut total = None;
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let end = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let millis: u64 = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60 * 1000,
            "h" => 60 * 60 * 1000,
            _ => return None,
        };
        let part = Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(millis)?);
        total = Some(total.unwrap_or(Duration::ZERO).checked_add(part)?);
        rest = tail;
    }
    total
}

/// A number of bytes, alone or with a unit: `65536`, `64KiB`, `256MiB`, `1GB`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    read_size(text.trim()).ok_or_else(|| {
        "expected a number of bytes or a size such as 64KiB, 256MiB or 1GB".to_owned()
    })
}

fn read_size(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let bytes: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1000,
        "mb" => 1000 * 1000,
        "gb" => 1000 * 1000 * 1000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(bytes)
}

/// An address to listen on: IP and port, `localhost` and port, or a port alone (127.0.0.1).
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    if let Ok(address) = SocketAddr::from_str(text) {
        return Ok(address);
    }
    let port = text.strip_prefix("localhost:").unwrap_or(text);
    if let Ok(port) = u16::from_str(port) {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    Err(not_an_address(text))
}

fn not_an_address(text: &str) -> String {
    if let Ok(ip) = IpAddr::from_str(text) {
        return format!("expected a port too, such as {}", SocketAddr::new(ip, 4567));
    }
    if let Some(port) = text.strip_prefix(':').filter(|p| u16::from_str(p).is_ok()) {
        return format!(
            "expected 127.0.0.1:{port} for this machine only or 0.0.0.0:{port} for everyone"
        );
    }
    if text.contains("://") {
        return "expected an address and port without a scheme, such as 127.0.0.1:4567".to_owned();
    }
    "expected an IP address and port such as 127.0.0.1:4567 (names are not looked up)".to_owned()
}

/// The backend: an `http` URL without path, `echo`, or `echo://` and an address.
pub(super) fn backend(text: &str) -> Result<Backend, String> {
    let text = text.trim();
    if text == "echo" {
        return Ok(Backend::Echo(DEFAULT_ECHO));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(without_scheme(text));
    };
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Ok(Backend::Url(BackendUrl {
            authority: origin(rest)?,
        })),
        "echo" => Ok(Backend::Echo(listen(rest.trim_end_matches('/'))?)),
        "https" => Err(
            "TLS to the backend is not served by this version; expected an http:// URL".to_owned(),
        ),
        _ => Err(format!(
            "the scheme {scheme:?} is not served; expected http://HOST:PORT or echo"
        )),
    }
}

fn without_scheme(text: &str) -> String {
    let host = text.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    match origin(host) {
        Ok(authority) => format!("expected a URL; did you mean http://{authority}?"),
        Err(_) => "expected a URL such as http://localhost:4566, or echo".to_owned(),
    }
}

/// Host and port of an `http` URL, from behind its `//`. Anything more has no meaning in a backend.
fn origin(rest: &str) -> Result<Authority, String> {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (userinfo, authority) = match authority.rsplit_once('@') {
        Some((_, host)) => (true, host),
        None => (false, authority),
    };
    let authority = host_and_port(authority)?;
    if userinfo {
        return Err(format!(
            "a user and password in the URL are not sent on; \
             expected http://{authority} and the field `authorization` set by client or plugin"
        ));
    }
    match tail {
        "" | "/" => Ok(authority),
        _ if tail.starts_with('/') => Err(format!(
            "requests go to the path that the client asked for, so the URL can have none; expected http://{authority}"
        )),
        _ => Err(format!(
            "a query or fragment has no meaning here; expected http://{authority}"
        )),
    }
}

fn host_and_port(text: &str) -> Result<Authority, String> {
    let invalid = || "expected a host, or a host and a port, behind http://".to_owned();
    let authority = Authority::from_str(text).map_err(|_| invalid())?;
    let host = authority.host();
    if host.is_empty() {
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

/// The value without the password that it may hold (`http://user:password@host`).
pub(super) fn redacted(value: &str) -> Cow<'_, str> {
    let Some((before, after)) = value
        .rsplit_once('@')
        .filter(|(before, _)| before.contains(':'))
    else {
        return Cow::Borrowed(value);
    };
    match before.split_once("://") {
        Some((scheme, _)) => Cow::Owned(format!("{scheme}://…@{after}")),
        None => Cow::Owned(format!("…@{after}")),
    }
}

/// Whether requests to this backend come back to the proxy. Names but `localhost` are not looked up.
pub(super) fn is_loop(listen: SocketAddr, backend: &Backend) -> bool {
    match backend {
        _ if listen.port() == 0 => false,
        Backend::Echo(echo) => reaches(listen, *echo),
        Backend::Url(BackendUrl { authority }) => {
            let port = authority.port_u16().unwrap_or(80);
            let host = authority.host().trim_matches(['[', ']']);
            if host.eq_ignore_ascii_case("localhost") {
                let v6 = listen.is_ipv6() && listen.port() == port && listen.ip().is_loopback();
                return v6 || reaches(listen, SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
            }
            host.parse()
                .is_ok_and(|ip| reaches(listen, SocketAddr::new(ip, port)))
        }
    }
}

/// Whether a connection to this address arrives at the listener, as far as addresses alone tell.
fn reaches(listen: SocketAddr, target: SocketAddr) -> bool {
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
    listen.port() == target.port() && (listen.ip() == ip || everywhere && ip.is_loopback())
}

pub(super) fn watch_mode(text: &str) -> Result<WatchMode, String> {
    match text {
        "events" => Ok(WatchMode::Events),
        "poll" => Ok(WatchMode::Poll),
        "off" => Ok(WatchMode::Off),
        _ => Err("expected events, poll or off".to_owned()),
    }
}

pub(super) fn on_failure(text: &str) -> Result<OnFailure, String> {
    match text {
        "closed" => Ok(OnFailure::Closed),
        "open" => Ok(OnFailure::Open),
        _ => Err("expected closed or open".to_owned()),
    }
}

pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

pub(super) fn workers(text: &str) -> Result<NonZeroUsize, String> {
    let number = text
        .parse()
        .ok()
        .filter(|n: &NonZeroUsize| n.get() <= MAX_WORKERS);
    number.ok_or_else(|| format!("expected a number from 1 to {MAX_WORKERS}"))
}

pub(super) fn order(text: &str) -> Result<i32, String> {
    text.parse()
        .map_err(|_| format!("expected a number from {} to {}", i32::MIN, i32::MAX))
}

pub(super) fn max_calls(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|n| *n > 0);
    number.ok_or_else(|| format!("expected a number from 1 to {}", u32::MAX))
}

pub(super) fn memory(text: &str) -> Result<u64, String> {
    match size(text)? {
        bytes if (MIN_MEMORY..=MAX_MEMORY).contains(&bytes) => Ok(bytes),
        _ => Err("expected 64KiB to 4GiB".to_owned()),
    }
}

/// A time up to a day.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let time = duration(text)?;
    if time <= MAX_TIME {
        Ok(time)
    } else {
        Err("expected at most 24h".to_owned())
    }
}

/// A time up to a day in which something can happen.
pub(super) fn time_above_zero(text: &str) -> Result<Duration, String> {
    let time = time(text)?;
    if time.is_zero() {
        Err("expected more than no time".to_owned())
    } else {
        Ok(time)
    }
}

/// A key as it must be written in TOML.
pub(super) fn quoted(key: &str) -> String {
    let bare = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if bare {
        key.to_owned()
    } else {
        format!("{key:?}")
    }
}

/// The known key that somebody most likely meant, if any is near enough to be worth a question.
pub(super) fn nearest<'k>(
    key: &str,
    known: impl Iterator<Item = &'k &'static str>,
) -> Option<&'k &'static str> {
    let key = key.to_lowercase();
    let last = |path: &'static str| path.rsplit_once('.').map_or(path, |(_, last)| last);
    known
        .map(|path| (strsim::damerau_levenshtein(&key, last(path)), path))
        .filter(|(distance, path)| *distance <= 1 + last(path).len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let cases = [
            ("500ms", Some(500)),
            ("30s", Some(30_000)),
            ("1m30s", Some(90_000)),
            (" 2h ", Some(7_200_000)),
            ("0s", Some(0)),
            ("30", None),
            ("s", None),
            ("", None),
            ("30 s", None),
            ("30sec", None),
            ("-1s", None),
            ("1.5s", None),
            ("1é", None),
            ("99999999999999999999s", None),
            ("18446744073709551615h", None),
        ];
        for (text, millis) in cases {
            assert_eq!(
                duration(text).ok(),
                millis.map(Duration::from_millis),
                "{text:?}"
            );
        }
    }

    #[test]
    fn sizes() {
        let cases = [
            ("0", Some(0)),
            ("65536", Some(65_536)),
            ("12B", Some(12)),
            ("64KiB", Some(65_536)),
            ("64 kib", Some(65_536)),
            ("3MB", Some(3_000_000)),
            ("256MiB", Some(268_435_456)),
            ("2GiB", Some(2_147_483_648)),
            ("1gb", Some(1_000_000_000)),
            ("1G", None),
            ("MiB", None),
            ("", None),
            ("-1", None),
            ("1.5GiB", None),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551615KiB", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(size(text).ok(), bytes, "{text:?}");
        }
    }

    #[test]
    fn addresses() {
        let cases = [
            ("127.0.0.1:4567", Ok("127.0.0.1:4567")),
            ("4567", Ok("127.0.0.1:4567")),
            ("0", Ok("127.0.0.1:0")),
            ("localhost:80", Ok("127.0.0.1:80")),
            ("[::1]:80", Ok("[::1]:80")),
            ("0.0.0.0:80", Ok("0.0.0.0:80")),
            (":4567", Err("0.0.0.0:4567 for everyone")),
            ("127.0.0.1", Err("127.0.0.1:4567")),
            ("::1", Err("[::1]:4567")),
            ("http://127.0.0.1:80", Err("without a scheme")),
            ("example.com:80", Err("names are not looked up")),
            ("65536", Err("an IP address and port")),
            ("", Err("an IP address and port")),
        ];
        for (text, expected) in cases {
            match (listen(text), expected) {
                (Ok(address), Ok(expected)) => assert_eq!(address.to_string(), expected),
                (Err(problem), Err(part)) => assert!(problem.contains(part), "{text:?}: {problem}"),
                (got, _) => panic!("{text:?}: {got:?}"),
            }
        }
    }

    #[test]
    fn backends() {
        let cases = [
            ("echo", Ok("echo://127.0.0.1:4566")),
            ("echo://9000", Ok("echo://127.0.0.1:9000")),
            ("echo://[::1]:9000/", Ok("echo://[::1]:9000")),
            ("http://localhost:4566", Ok("http://localhost:4566")),
            ("HTTP://localhost:4566/", Ok("http://localhost:4566")),
            ("http://my_service", Ok("http://my_service")),
            ("http://[::1]:80", Ok("http://[::1]:80")),
            (
                "https://localhost",
                Err("TLS to the backend is not served by this version"),
            ),
            ("localhost:4566", Err("did you mean http://localhost:4566?")),
            (
                "localhost:4566/x",
                Err("did you mean http://localhost:4566?"),
            ),
            (
                "user:secret@localhost",
                Err("did you mean http://localhost?"),
            ),
            ("echo:9000", Err("did you mean http://echo:9000?")),
            ("ftp://localhost", Err("the scheme \"ftp\" is not served")),
            (
                "http://localhost/base",
                Err("can have none; expected http://localhost"),
            ),
            ("http://localhost?x=1", Err("a query or fragment")),
            ("http://localhost#x", Err("a query or fragment")),
            (
                "http://u:p@localhost",
                Err("are not sent on; expected http://localhost"),
            ),
            ("http://", Err("expected a host")),
            ("http://:80", Err("expected a host")),
            ("http://a b", Err("expected a host")),
            ("http://localhost:99999", Err("a port between 1 and 65535")),
            ("http://localhost:0", Err("a port between 1 and 65535")),
            ("http://localhost:", Err("a port between 1 and 65535")),
            ("http://localhost:x", Err("a port between 1 and 65535")),
            ("http://[zz]:80", Err("not an IPv6 address")),
            ("", Err("a URL such as")),
        ];
        for (text, expected) in cases {
            match (backend(text), expected) {
                (Ok(backend), Ok(expected)) => assert_eq!(backend.to_string(), expected),
                (Err(problem), Err(part)) => assert!(problem.contains(part), "{text:?}: {problem}"),
                (got, _) => panic!("{text:?}: {got:?}"),
            }
        }
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
            ("127.0.0.1:80", "echo://80", true),
            ("0.0.0.0:80", "http://[::1]", false),
            ("[::1]:80", "http://127.0.0.1", false),
            ("127.0.0.1:80", "http://127.0.0.1:81", false),
            ("127.0.0.1:80", "http://127.0.0.2", false),
            ("0.0.0.0:80", "http://10.0.0.1", false),
            ("10.0.0.1:80", "http://localhost", false),
            ("127.0.0.1:80", "http://example.com", false),
            ("127.0.0.1:0", "echo://0", false),
            ("127.0.0.1:4566", "echo", true),
        ];
        for (listener, target, expected) in cases {
            let (listener, target) = (listen(listener).unwrap(), backend(target).unwrap());
            assert_eq!(is_loop(listener, &target), expected, "{listener} {target}");
        }
    }

    #[test]
    fn nearest_keys() {
        let known = ["listen", "drain", "cache.max-size", "limits.body"];
        let cases = [
            ("lsten", Some("listen")),
            ("Listen", Some("listen")),
            ("max_size", Some("cache.max-size")),
            ("bdoy", Some("limits.body")),
            ("train", Some("drain")),
            ("xyz", None),
            ("", None),
        ];
        for (key, expected) in cases {
            assert_eq!(nearest(key, known.iter()).copied(), expected, "{key}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        let cases = [
            ("http://u:p@host", "http://…@host"),
            ("http://u:p@@host/x", "http://…@host/x"),
            ("u:p@host", "…@host"),
            ("/opt/@scope/plugins", "/opt/@scope/plugins"),
            ("http://host", "http://host"),
        ];
        for (value, shown) in cases {
            assert_eq!(redacted(value), shown);
        }
    }
}
