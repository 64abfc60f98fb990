//! Values that people write as text: times, sizes, numbers, addresses and words out of a few.
//!
//! Every function judges one value and says in one clause what was expected, so that
//! [`resolve`](mod@super::resolve) can put the place in front of it. Nothing is looked up or opened.
//! URLs of backends are in [`url`](super::url).

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use super::backend::{Balance, Protocol};
use super::data::WatchMode;
use super::plugin::OnFailure;
use super::server::{Certificate, HalfClose};
use crate::matching::host;
use crate::message::hygiene::Forward;
use crate::store::Durability;

/// The most worker threads; a number above is a slip of the hand.
const MAX_WORKERS: usize = 1024;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest time that something may wait or take.
const MAX_TIME: Duration = DAY;
/// The oldest that something may get: ten years.
const MAX_AGE: Duration = Duration::from_secs(3650 * DAY.as_secs());
/// A page of linear memory: nothing runs with less.
const MIN_MEMORY: u64 = 64 << 10;
/// What a 32-bit guest can address.
const MAX_MEMORY: u64 = 4 << 30;
/// A stream's number has 31 bits (RFC 9113, section 5.1.1).
const MAX_STREAMS: u32 = (1 << 31) - 1;

/// A time with its unit: `500ms`, `30s`, `1m30s`, `2h`, `7d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
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
            "d" => 24 * 60 * 60 * 1000,
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

/// Bytes of what is in memory as a whole.
pub(super) fn bytes(text: &str) -> Result<usize, String> {
    let bytes = size(text)?;
    usize::try_from(bytes).map_err(|_| "this is more than can be held in memory".to_owned())
}

pub(super) fn durability(text: &str) -> Result<Durability, String> {
    match text {
        "eventual" => Ok(Durability::Eventual),
        "immediate" => Ok(Durability::Immediate),
        _ => Err("expected eventual or immediate".to_owned()),
    }
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

/// How many at most, where none would make no sense.
pub(super) fn count(text: &str) -> Result<u32, String> {
    number(text, 1..=u32::MAX)
}

/// As [`count`], for what is counted in memory.
pub(super) fn many(text: &str) -> Result<usize, String> {
    count(text).map(|number| number as usize)
}

/// How many at most, or 0 for never.
pub(super) fn failures(text: &str) -> Result<u32, String> {
    number(text, 0..=u32::MAX)
}

pub(super) fn max_streams(text: &str) -> Result<u32, String> {
    number(text, 1..=MAX_STREAMS)
}

fn number(text: &str, range: RangeInclusive<u32>) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        format!(
            "expected a number from {} to {}",
            range.start(),
            range.end()
        )
    })
}

pub(super) fn memory(text: &str) -> Result<u64, String> {
    match size(text)? {
        bytes if (MIN_MEMORY..=MAX_MEMORY).contains(&bytes) => Ok(bytes),
        _ => Err("expected 64KiB to 4GiB".to_owned()),
    }
}

/// A head is read into one buffer, for each connection on which one comes.
pub(super) fn max_head(text: &str) -> Result<usize, String> {
    match usize::try_from(size(text)?) {
        Ok(bytes) if (1 << 10..=1 << 20).contains(&bytes) => Ok(bytes),
        _ => Err("expected 1KiB to 1MiB".to_owned()),
    }
}

/// With less than 20 hardly any browser gets through; looking through more takes time.
pub(super) fn max_fields(text: &str) -> Result<usize, String> {
    number(text, 20..=10_000).map(|number| number as usize)
}

/// The longest that [`http::Uri`] holds is 65,534 bytes; with less than 256 hardly any URL gets through.
pub(super) fn max_target(text: &str) -> Result<usize, String> {
    match usize::try_from(size(text)?) {
        Ok(bytes) if (256..=65_534).contains(&bytes) => Ok(bytes),
        _ => Err("expected 256 to 65534 bytes".to_owned()),
    }
}

/// A size with something in it. Elsewhere 0 stands for no bound at all, so here it stands for nothing.
pub(super) fn max_body(text: &str) -> Result<u64, String> {
    match size(text)? {
        0 => Err("expected more than no bytes; without this key there is no bound".to_owned()),
        bytes => Ok(bytes),
    }
}

/// `self-signed`, or two files with a comma between.
pub(super) fn certificate(text: &str) -> Result<Certificate, String> {
    let text = text.trim();
    if text == "self-signed" {
        return Ok(Certificate::SelfSigned);
    }
    let files = text.split_once(',');
    let Some((chain, key)) = files.filter(|(_, key)| !key.contains(',')) else {
        return Err(
            "expected self-signed, or two PEM files with a comma between: CHAIN.pem,KEY.pem"
                .to_owned(),
        );
    };
    let (chain, key) = (Path::new(chain.trim()), Path::new(key.trim()));
    match path_problem(chain).or_else(|| path_problem(key)) {
        None => Ok(Certificate::Files {
            chain: chain.to_owned(),
            key: key.to_owned(),
        }),
        Some(problem) => Err(format!("{problem} on both sides of the comma")),
    }
}

pub(super) fn forward(text: &str) -> Result<Forward, String> {
    match text {
        "replace" => Ok(Forward::Replace),
        "append" => Ok(Forward::Append),
        "keep" => Ok(Forward::Keep),
        "remove" => Ok(Forward::Remove),
        _ => Err("expected replace, append, keep or remove".to_owned()),
    }
}

pub(super) fn half_close(text: &str) -> Result<HalfClose, String> {
    match text {
        "answer" => Ok(HalfClose::Answer),
        "cancel" => Ok(HalfClose::Cancel),
        _ => Err("expected answer or cancel".to_owned()),
    }
}

pub(super) fn balance(text: &str) -> Result<Balance, String> {
    match text {
        "round-robin" => Ok(Balance::RoundRobin),
        "least-pending" => Ok(Balance::LeastPending),
        _ => Err("expected round-robin or least-pending".to_owned()),
    }
}

pub(super) fn protocol(text: &str) -> Result<Protocol, String> {
    match text {
        "auto" => Ok(Protocol::Auto),
        "http1" => Ok(Protocol::Http1),
        "http2" => Ok(Protocol::Http2),
        _ => Err("expected auto, http1 or http2".to_owned()),
    }
}

/// A name as certificates have it, or an IP address.
pub(super) fn server_name(text: &str) -> Result<String, String> {
    if host::is_name(text) || IpAddr::from_str(text).is_ok() {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("expected a name such as users.internal or an IP address, without port".to_owned())
    }
}

/// Why this can't be a path, if it can't.
pub(super) fn path_problem(path: &Path) -> Option<&'static str> {
    if path.as_os_str().is_empty() {
        return Some("expected a path");
    }
    let tilde = path.iter().next().is_some_and(|first| first == "~");
    tilde.then_some("`~` is the shell's and has no meaning here; expected the path in full")
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
pub(crate) fn time_above_zero(text: &str) -> Result<Duration, String> {
    let time = time(text)?;
    if time.is_zero() {
        Err("must be greater than 0".to_owned())
    } else {
        Ok(time)
    }
}

/// How old something may get: a time above zero, up to ten years.
pub(super) fn age(text: &str) -> Result<Duration, String> {
    match duration(text) {
        Ok(age) if age.is_zero() => Err("must be greater than 0".to_owned()),
        Ok(age) if age <= MAX_AGE => Ok(age),
        Ok(_) => Err("expected at most 3650d".to_owned()),
        Err(_) => Err("expected a time with its unit, such as 12h or 7d".to_owned()),
    }
}

/// The interval of background work.
pub(super) fn background(text: &str) -> Result<Duration, String> {
    const LEAST: Duration = Duration::from_millis(100);
    match time(text)? {
        time if time < LEAST => Err("expected at least 100ms".to_owned()),
        time => Ok(time),
    }
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
            ("7d", Some(604_800_000)),
            ("1d12h", Some(129_600_000)),
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
            ("18446744073709551615d", None),
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
    fn certificates() {
        let files = |chain: &str, key: &str| {
            let (chain, key) = (chain.into(), key.into());
            Ok(Certificate::Files { chain, key })
        };
        let cases = [
            ("self-signed", Ok(Certificate::SelfSigned)),
            ("a.pem,b.pem", files("a.pem", "b.pem")),
            (" /a.pem , /b.pem ", files("/a.pem", "/b.pem")),
            ("selfsigned", Err("expected self-signed, or two PEM files")),
            ("a.pem", Err("CHAIN.pem,KEY.pem")),
            ("a,b,c", Err("CHAIN.pem,KEY.pem")),
            ("a.pem,", Err("expected a path on both sides of the comma")),
            (",a.pem", Err("expected a path on both sides of the comma")),
            ("~/a.pem,b.pem", Err("`~` is the shell's")),
            ("", Err("expected self-signed")),
        ];
        for (text, expected) in cases {
            match (certificate(text), expected) {
                (Err(problem), Err(part)) => assert!(problem.contains(part), "{text:?}: {problem}"),
                (got, expected) => assert_eq!(got, expected.map_err(str::to_owned), "{text:?}"),
            }
        }
    }

    #[test]
    fn names_in_certificates() {
        let long = format!("{}.a", "a.".repeat(126));
        let cases = [
            ("Users.Internal", Some("users.internal")),
            ("my_service", Some("my_service")),
            ("10.0.0.1", Some("10.0.0.1")),
            ("::1", Some("::1")),
            ("a:443", None),
            ("*.a", None),
            ("-a", None),
            ("a..b", None),
            (&"a".repeat(64), None),
            (&long, None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(server_name(text).ok().as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn bounds() {
        let cases = [
            (max_head("1KiB").ok(), Some(1 << 10)),
            (max_head("1MiB").ok(), Some(1 << 20)),
            (max_head("1023").ok(), None),
            (max_head("1048577").ok(), None),
            (max_target("256").ok(), Some(256)),
            (max_target("65534").ok(), Some(65_534)),
            (max_target("255").ok(), None),
            (max_target("64KiB").ok(), None),
            (many("1").ok(), Some(1)),
            (many("0").ok(), None),
            (many("4294967295").ok(), Some(4_294_967_295)),
            (many("4294967296").ok(), None),
            (many("-1").ok(), None),
        ];
        for (line, (got, expected)) in cases.into_iter().enumerate() {
            assert_eq!(got, expected, "case {line}");
        }
        assert_eq!(
            (failures("0"), max_streams("2147483647")),
            (Ok(0), Ok(2_147_483_647))
        );
        let day = 24 * 60 * 60;
        let seconds = |age: Result<Duration, String>| age.map(|age| age.as_secs()).ok();
        assert_eq!(seconds(age("7d")), Some(7 * day));
        assert_eq!(seconds(age("3650d")), Some(3650 * day));
        assert!(age("0d").is_err() && age("3650d1s").is_err() && age("7").is_err());
        assert!(time("1d").is_ok() && time("25h").is_err());
        assert!(max_streams("2147483648").is_err() && max_streams("0").is_err());
        assert!(max_body("0").is_err() && max_body("1") == Ok(1));
    }
}
