//! Who a request comes from, and whether that is allowed: pure decisions on the text of `Origin` and `Referer`.

use std::fmt;

/// Who sent a request, as far as a browser tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A page of this origin, which is on the list.
    Allowed(String),
    /// A page of another origin.
    Foreign(String),
    /// No page that says so: a program, or a browser where the page doesn't matter.
    Unknown,
}

/// An entry of the list: `*`, `null`, or `scheme://host[:port]` where the scheme or the port may be `*` and the host
/// may be `*` or begin with `*.`. A port of `*` includes none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    Any,
    Null,
    Origin {
        scheme: String,
        host: String,
        port: Option<String>,
    },
}

/// Decides on a request with these `Origin` fields and, if it shall be looked at, this `Referer`.
pub(crate) fn caller(origins: &[String], referer: Option<&str>, allowed: &[Pattern]) -> Caller {
    let origin = match (origins, referer) {
        ([origin], _) => origin.clone(),
        // Two of them come from no browser.
        ([_, ..], _) => return Caller::Foreign(origins.join(", ")),
        ([], Some(referer)) => origin_of(referer),
        ([], None) => return Caller::Unknown,
    };
    if allowed.iter().any(|pattern| pattern.matches(&origin)) {
        Caller::Allowed(origin)
    } else {
        Caller::Foreign(origin)
    }
}

/// Scheme, host and port of a URL.
fn origin_of(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{host}")
}

impl Pattern {
    /// Reads an entry of the list.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "*" => return Ok(Self::Any),
            "null" => return Ok(Self::Null),
            _ => {}
        }
        let wrong = || {
            format!("{text:?} is not an origin: expected scheme://host[:port], \"null\" or \"*\"")
        };
        let (scheme, host, port) = split(text).ok_or_else(wrong)?;
        let stars = host
            .strip_prefix("*.")
            .unwrap_or(if host == "*" { "" } else { &host })
            .contains('*');
        let odd_port = port
            .as_deref()
            .is_some_and(|port| port != "*" && port.parse::<u16>().is_err());
        if stars || odd_port || host.is_empty() || host.contains(['/', '?', '#', '@']) {
            return Err(wrong());
        }
        Ok(Self::Origin { scheme, host, port })
    }

    fn matches(&self, origin: &str) -> bool {
        let Self::Origin { scheme, host, port } = self else {
            return *self == Self::Any || origin == "null";
        };
        let Some((its_scheme, its_host, its_port)) = split(origin) else {
            return false;
        };
        let port_fits = match (port.as_deref(), its_port) {
            (Some("*"), Some(port)) => port.parse::<u16>().is_ok(),
            (Some("*"), None) => true,
            (port, its_port) => port == its_port.as_deref(),
        };
        port_fits && (scheme == "*" || *scheme == its_scheme) && host_fits(host, &its_host)
    }
}

fn host_fits(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some("") => true,
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => pattern == host,
    }
}

/// Scheme, host and port, in lower case. The colons of `[::1]` are part of the host.
fn split(origin: &str) -> Option<(String, String, Option<String>)> {
    let origin = origin.to_ascii_lowercase();
    let (scheme, authority) = origin.split_once("://")?;
    let host_end = authority.find(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match authority[host_end..].find(':') {
        Some(colon) => (
            &authority[..host_end + colon],
            Some(authority[host_end + colon + 1..].to_owned()),
        ),
        None => (authority, None),
    };
    Some((scheme.to_owned(), host.to_owned(), port))
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed(origin) | Self::Foreign(origin) => f.write_str(origin),
            Self::Unknown => f.write_str("no origin"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_fits_a_pattern_exactly() {
        for (pattern, origin, fits) in [
            ("https://app.example", "https://app.example", true),
            ("https://app.example", "HTTPS://App.Example", true),
            ("https://app.example", "http://app.example", false),
            ("https://app.example", "https://app.example:8443", false),
            ("https://app.example", "https://app.example.evil.com", false),
            ("http://localhost:*", "http://localhost", true),
            ("http://localhost:*", "http://localhost:3000", true),
            (
                "http://localhost:*",
                "http://localhost:3000.evil.com",
                false,
            ),
            ("http://localhost:*", "http://localhost.evil.com", false),
            ("http://localhost:4566", "http://localhost:4566", true),
            ("*://localhost:4566", "https://localhost:4566", true),
            ("https://*.example", "https://a.b.example", true),
            ("https://*.example", "https://example", false),
            ("https://*.example", "https://.example", false),
            ("https://*.example", "https://evil-example", false),
            ("http://[::1]:*", "http://[::1]:3000", true),
            ("http://*:3000", "http://anything:3000", true),
            ("null", "null", true),
            ("*", "null", true),
            ("*", "https://anything", true),
            ("https://app.example", "null", false),
            ("https://app.example", "", false),
        ] {
            assert_eq!(
                Pattern::parse(pattern).unwrap().matches(origin),
                fits,
                "{pattern} {origin}"
            );
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_its_text() {
        for bad in [
            "",
            "localhost",
            "http://",
            "http://a*b",
            "http://h/",
            "http://h:x",
            "http://h:99999",
            "https://*.*.x",
        ] {
            let error = Pattern::parse(bad).unwrap_err();
            assert!(
                error.contains(&format!("{bad:?} is not an origin")),
                "{error}"
            );
        }
    }

    #[test]
    fn the_referer_counts_only_without_an_origin() {
        let allowed = [Pattern::parse("https://app.example").unwrap()];
        let decide = |origins: &[&str], referer| {
            let origins: Vec<_> = origins.iter().map(ToString::to_string).collect();
            caller(&origins, referer, &allowed)
        };
        let allowed = Caller::Allowed("https://app.example".into());
        assert_eq!(decide(&[], None), Caller::Unknown);
        assert_eq!(
            decide(&["https://app.example"], Some("https://evil.example/")),
            allowed
        );
        assert_eq!(decide(&[], Some("https://app.example/page?x#y")), allowed);
        assert_eq!(decide(&[], Some("https://app.example?x")), allowed);
        assert!(
            matches!(decide(&[], Some("https://app.example@evil.example/")), Caller::Foreign(o) if o == "https://evil.example")
        );
        assert!(matches!(
            decide(&["https://app.example", "https://app.example"], None),
            Caller::Foreign(_)
        ));
    }
}
