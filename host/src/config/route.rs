//! Which backend and which plugins a request meets, by its host and path.

use crate::matching::{PathReading, RouteHost, is_below};

/// One entry of `[[routes]]`. A request takes the one that fits best: an exact host before a wildcard before none,
/// among equals the longest path. Routes are compared with the request as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteConfig {
    /// The listener whose requests alone take it. None: it is for every listener without routes of its own.
    pub listener: Option<String>,
    pub host: Option<RouteHost>,
    /// A prefix of whole segments: `/api` fits `/api` and `/api/x`, not `/apis`. `/` fits everything.
    pub path: String,
    /// The name of a backend in [`Config::backends`](super::Config::backends).
    pub backend: String,
    /// The plugins of this route in the order of the list; none for all, in their own order.
    pub plugins: Option<Vec<String>>,
}

impl RouteConfig {
    /// Whether every request may take the route.
    pub fn is_everything(&self) -> bool {
        self.host.is_none() && self.path == "/"
    }

    /// Host and path as the configuration has them: `*.example.test/api`, or `/` for what is every request's. The name of a listener
    /// and a space before that, if the route is one of its own: `s3 /`.
    pub fn label(&self) -> String {
        let listener = self.listener.as_ref().map(|name| format!("{name} "));
        let host = self.host.as_ref().map(ToString::to_string);
        listener.unwrap_or_default() + &host.unwrap_or_default() + &self.path
    }

    /// The listener of a route with this [label](Self::label), as far as routes name it.
    pub fn listener_in(label: &str) -> Option<&str> {
        label.split_once(' ').map(|(listener, _)| listener)
    }

    /// Whether a request with this host and path may take the route. Of
    /// [`Config::routes`](super::Config::routes) the first that fits is the one to take.
    ///
    /// The host is as in the field `host`: with or without port, in any case, empty if there is none. The path is as it
    /// was sent; a query behind it doesn't count, and `*` or nothing fits `/` alone. Nothing is allocated.
    pub fn fits(&self, host: &str, path: &str) -> bool {
        self.host.as_ref().is_none_or(|own| own.fits(host)) && is_below(&self.path, path)
    }

    /// The same for a backend that reads paths in this way. The path has no query.
    pub fn fits_as(&self, reading: PathReading, host: &str, path: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_label_tells_the_listener() {
        let mut own = route(Some(RouteHost::Below("a.test".to_owned())), "/x");
        assert_eq!(RouteConfig::listener_in(&own.label()), None);
        own.listener = Some("s3".to_owned());
        assert_eq!(own.label(), "s3 *.a.test/x");
        assert_eq!(RouteConfig::listener_in(&own.label()), Some("s3"));
    }

    fn route(host: Option<RouteHost>, path: &str) -> RouteConfig {
        RouteConfig {
            listener: None,
            host,
            path: path.to_owned(),
            backend: "default".to_owned(),
            plugins: None,
        }
    }
}
