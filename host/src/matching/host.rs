//! Hosts as requests name them and as people write them into rules.

use std::net::Ipv6Addr;
use std::str::FromStr;

/// A name in DNS as text (RFC 1035, section 2.3.4, without the dot at the end).
const LONGEST_NAME: usize = 253;

/// A host in a rule, without port.
#[derive(Debug, PartialEq, Eq)]
pub enum Bare<'a> {
    /// It can be written in many ways (RFC 5952), so it is compared as an address.
    Address(Ipv6Addr),
    /// A name or an IPv4 address, perhaps with wildcards.
    Name(&'a str),
}

/// A host that a rule is about.
///
/// # Errors
/// When there is more than a host; says what was expected.
pub fn bare(text: &str) -> Result<Bare<'_>, String> {
    if Ipv6Addr::from_str(text).is_ok() {
        return Err(format!("expected an IPv6 address in brackets: [{text}]"));
    }
    if let Some(at) = text.find(['/', '@']) {
        let stray = &text[at..=at];
        return Err(format!("expected a host alone, without {stray:?}"));
    }
    let (host, port) = split_port(text);
    if port {
        return Err(format!("the port doesn't count here; expected {host:?}"));
    }
    Ok(match ipv6_literal(text) {
        Some(address) => Bare::Address(address),
        None => Bare::Name(text),
    })
}

/// Whether this is a name in DNS, or an IPv4 address. Underscores are not for hosts, but in use.
pub fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    text.len() <= LONGEST_NAME && text.split('.').all(label)
}

/// The host of an authority: no userinfo, no port, no dots at the end.
pub fn of(authority: &str) -> &str {
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let (host, _) = split_port(authority);
    host.trim_end_matches('.')
}

/// The host, and whether a port stood behind it. Colons in brackets belong to the host.
fn split_port(authority: &str) -> (&str, bool) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, true),
        _ => (authority, false),
    }
}

pub fn ipv6_literal(host: &str) -> Option<Ipv6Addr> {
    let inner = host.strip_prefix('[')?.strip_suffix(']')?;
    Ipv6Addr::from_str(inner).ok()
}
