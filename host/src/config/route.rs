//! Which backend and which plugins a request meets, by its host and path.

use super::matching::{host_of, ipv6_literal};
use super::reading::Reading;

/// One entry of `[[routes]]`. A request takes the one that fits best: an exact host before a wildcard before none,
/// among equals the longest path. Routes are compared with the request as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteConfig {
    pub host: Option<RouteHost>,
    /// A prefix of whole segments: `/api` fits `/api` and `/api/x`, not `/apis`. `/` fits everything.
    pub path: String,
    /// The name of a backend in [`Config::backends`](super::Config::backends).
    pub backend: String,
    /// The plugins of this route in the order of the list; none for all, in their own order.
    pub plugins: Option<Vec<String>>,
}

/// The host of a route, in lower case and without port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteHost {
    Exact(String),
    /// `*.example.com`: holds `example.com`; fits every name below it.
    Below(String),
}

impl RouteConfig {
    /// Whether a request with this host and path may take the route. Of
    /// [`Config::routes`](super::Config::routes) the first that fits is the one to take.
    ///
    /// The host is as in the field `host`: with or without port, in any case, empty if there is none. The path is as it
    /// was sent; a query behind it doesn't count, and `*` or nothing fits `/` alone. Nothing is allocated.
    pub fn fits(&self, host: &str, path: &str) -> bool {
        self.host.as_ref().is_none_or(|own| own.fits(host)) && is_below(&self.path, path)
    }

    /// The same for a backend that reads paths in this way. The path has no query.
    pub fn fits_as(&self, reading: Reading, host: &str, path: &str) -> bool {
        self.host.as_ref().is_none_or(|own| own.fits(host))
            && is_below(&reading.read(&self.path), &reading.read(path))
    }

    /// Whether an exchange on this route meets every plugin that it would meet on the other one.
    pub fn has_plugins_of(&self, other: &Self) -> bool {
        match (&self.plugins, &other.plugins) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(others)) => others.iter().all(|name| own.contains(name)),
        }
    }
}

impl RouteHost {
    /// Whether this host, as in the field `host`, is meant. Port, case and a dot at the end don't count.
    pub fn fits(&self, host: &str) -> bool {
        let host = host_of(host);
        match self {
            Self::Exact(own) => own.eq_ignore_ascii_case(host) || is_same_address(own, host),
            Self::Below(parent) => is_subdomain(host.as_bytes(), parent.as_bytes()),
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
    ipv6_literal(own).is_some_and(|own| ipv6_literal(host) == Some(own))
}

/// Whether the path begins with all segments of the prefix.
fn is_below(prefix: &str, path: &str) -> bool {
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

    #[test]
    fn paths() {
        let cases = [
            ("/", "/", true),
            ("/", "/a/b", true),
            ("/", "*", true),
            ("/", "", true),
            ("/", "/?x", true),
            ("/api", "/api", true),
            ("/api", "/api/", true),
            ("/api", "/api/x", true),
            ("/api", "/api?x=1", true),
            ("/api", "/api//x", true),
            ("/api", "/apis", false),
            ("/api", "/api.json", false),
            ("/api", "/API", false),
            ("/api", "/%61pi", false),
            ("/api", "/x/api", false),
            ("/api", "/", false),
            ("/api", "/ap", false),
            ("/api", "*", false),
            ("/api", "", false),
            ("/a/b", "/a/b/c", true),
            ("/a/b", "/a", false),
            ("/a/b", "/a/bc", false),
        ];
        for (prefix, path, expected) in cases {
            let route = route(None, prefix);
            assert_eq!(
                route.fits("any.test", path),
                expected,
                "{prefix} on {path:?}"
            );
            assert_eq!(route.fits("", path), expected, "{prefix} on {path:?}");
        }
    }

    #[test]
    fn host_and_path_must_both_fit() {
        let route = route(Some(RouteHost::Exact("a.test".to_owned())), "/x");
        let cases = [
            ("a.test:1", "/x/1", true),
            ("b.test:1", "/x/1", false),
            ("a.test:1", "/y", false),
        ];
        for (host, path, expected) in cases {
            assert_eq!(route.fits(host, path), expected, "{host}{path}");
        }
    }

    fn route(host: Option<RouteHost>, path: &str) -> RouteConfig {
        RouteConfig {
            host,
            path: path.to_owned(),
            backend: "default".to_owned(),
            plugins: None,
        }
    }
}
