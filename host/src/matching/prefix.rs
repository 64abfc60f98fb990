//! Hosts and path prefixes of routes.

use super::host;

/// The host of a route, in lower case and without port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteHost {
    Exact(String),
    /// `*.example.com`: holds `example.com`; fits every name below it.
    Below(String),
}

impl RouteHost {
    /// Whether this host, as in the field `host`, is meant. Port, case and a dot at the end don't count.
    pub fn fits(&self, host: &str) -> bool {
        let host = host::of(host);
        match self {
            Self::Exact(own) => own.eq_ignore_ascii_case(host) || is_same_address(own, host),
            Self::Below(parent) => is_subdomain(host.as_bytes(), parent.as_bytes()),
        }
    }
}

impl std::fmt::Display for RouteHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact(host) => f.write_str(host),
            Self::Below(parent) => write!(f, "*.{parent}"),
        }
    }
}

fn is_subdomain(name: &[u8], parent: &[u8]) -> bool {
    let Some(start) = name.len().checked_sub(parent.len()) else {
        return false;
    };
    let (below, rest) = name.split_at(start);
    below.len() > 1 && below.ends_with(b".") && rest.eq_ignore_ascii_case(parent)
}

/// Whether two IPv6 literals are the same address, which can be written in many ways (RFC 5952).
fn is_same_address(own: &str, host: &str) -> bool {
    host::ipv6_literal(own).is_some_and(|own| host::ipv6_literal(host) == Some(own))
}

/// Whether the path begins with all segments of the prefix.
pub fn is_below(prefix: &str, path: &str) -> bool {
    if prefix == "/" {
        return true;
    }
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let exact = |host: &str| RouteHost::Exact(host.to_owned());
        let below = |host: &str| RouteHost::Below(host.to_owned());
        let cases = [
            (exact("example.com"), "example.com", true),
            (exact("example.com"), "example.com:8080", true),
            (exact("example.com"), "EXAMPLE.Com", true),
            (exact("example.com"), "example.com.", true),
            (exact("example.com"), "Example.com.:443", true),
            (exact("example.com"), "www.example.com", false),
            (exact("example.com"), "example.com.evil.test", false),
            (exact("example.com"), "example.co", false),
            (exact("example.com"), "", false),
            (exact("127.0.0.1"), "127.0.0.1:80", true),
            (exact("[::1]"), "[::1]", true),
            (exact("[::1]"), "[::1]:80", true),
            (exact("[::1]"), "[0:0:0::1]:80", true),
            (exact("[fe80::a]"), "[FE80::A]:80", true),
            (exact("[::1]"), "[::2]:80", false),
            (exact("[::1]"), "::1", false),
            (exact("[::1]"), "[::1", false),
            (below("example.com"), "a.example.com", true),
            (below("example.com"), "a.b.Example.COM:80", true),
            (below("example.com"), "a.example.com.", true),
            (below("example.com"), "example.com", false),
            (below("example.com"), ".example.com", false),
            (below("example.com"), "badexample.com", false),
            (below("example.com"), "a.example.com.evil.test", false),
            (below("example.com"), "ü.example.com", true),
            (below("example.com"), "üexample.com", false),
            (below("example.com"), "m", false),
            (below("example.com"), "", false),
        ];
        for (route, host, expected) in cases {
            assert_eq!(route.fits(host), expected, "{route:?} on {host:?}");
        }
    }
}
