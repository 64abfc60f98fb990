//! The routes: the tables `[[routes]]`, each judged, then sorted by fit.

use std::cmp::Reverse;
use std::path::Path;

use super::backends::NamedBackends;
use super::layers::Layers;
use crate::config::backend::DEFAULT_BACKEND;
use crate::config::file::{Scalar, TomlTable, Value};
use crate::config::route::RouteConfig;
use crate::config::{Place, check_plugin_name, url};
use crate::matching::RouteHost;
use crate::matching::host::{self, Bare};

/// Whose routes they are, and what holds for those that say nothing themselves. By default those at the top.
#[derive(Debug, Default)]
pub(super) struct RouteOwner {
    pub(super) listener: Option<String>,
    pub(super) backend: Option<String>,
    pub(super) plugins: Option<Vec<String>>,
}

impl Layers<'_> {
    /// The routes, so that the first that fits is the one to take. URLs in them become backends.
    pub(super) fn routes(
        &self,
        value: Option<Value<'_>>,
        owner: &RouteOwner,
        backends: &mut NamedBackends,
        base: &Path,
    ) -> Vec<RouteConfig> {
        let Some(value) = value else {
            return Vec::new();
        };
        if !value.value.is_array() {
            let none: Option<Vec<RouteConfig>> = value.wrong(match owner.listener {
                None => "tables, each below [[routes]]",
                Some(_) => "tables, each below [[listeners.routes]]",
            });
            return none.unwrap_or_default();
        }
        let mut routes: Vec<(RouteConfig, Place)> = Vec::new();
        for table in value.items().filter_map(Value::table) {
            let place = table.place.clone().without_value();
            let Some(route) = self.route(table, owner, backends, base) else {
                continue;
            };
            let same = |(other, _): &&(RouteConfig, Place)| {
                other.host == route.host && other.path == route.path
            };
            if let Some((_, first)) = routes.iter().find(same) {
                let line = first.line().unwrap_or_default();
                let problem = format!(
                    "the route of line {line} has the same host and path; expected one of the two alone"
                );
                self.mistakes.add(place, problem);
            } else {
                routes.push((route, place));
            }
        }
        let mut routes: Vec<_> = routes.into_iter().map(|(route, _)| route).collect();
        routes.sort_by_key(rank);
        routes
    }

    /// None if it can't be compared with others.
    fn route(
        &self,
        mut table: TomlTable<'_>,
        owner: &RouteOwner,
        backends: &mut NamedBackends,
        base: &Path,
    ) -> Option<RouteConfig> {
        let place = table.place.clone().without_value();
        let (has_host, has_path) = (table.has("host"), table.has("path"));
        let host = table
            .text("host")
            .and_then(|e| e.read(self.mistakes, route_host));
        let path = table.text("path").and_then(|e| e.read(self.mistakes, path));
        let backend = match table.text("backend") {
            Some(entry) => self.backend_of_route(&entry, backends, base),
            None if table.has("backend") => None,
            None if owner.backend.is_some() => owner.backend.clone(),
            None => {
                let problem = "expected backend: a name of [backends] or a URL";
                self.mistakes.add(place, problem);
                None
            }
        };
        let plugins = table.list("plugins", "names of plugins");
        let plugins = plugins.map(|entries| self.plugins_of_route(entries));
        self.refuse_listener(&mut table);
        table.finish(&[]);
        if has_host && host.is_none() || has_path && path.is_none() {
            return None;
        }
        Some(RouteConfig {
            listener: owner.listener.clone(),
            host,
            path: path.unwrap_or_else(|| "/".to_owned()),
            // Without one there is a mistake, and the route goes nowhere.
            backend: backend.unwrap_or_default(),
            plugins: plugins.or_else(|| owner.plugins.clone()),
        })
    }

    /// What some write for the listener of a route.
    fn refuse_listener(&self, table: &mut TomlTable<'_>) {
        for key in ["listener", "listeners", "listen"] {
            if table.has(key)
                && let Some(value) = table.take(key)
            {
                let problem = "a route does not name its listener: it stands as [[listeners.routes]] below its [[listeners]]";
                self.mistakes.add(value.place, problem);
            }
        }
    }

    /// The name of the backend that is meant.
    pub(super) fn backend_of_route(
        &self,
        entry: &Scalar,
        backends: &mut NamedBackends,
        base: &Path,
    ) -> Option<String> {
        let text = entry.text.trim();
        if backends.knows(text) {
            return Some(text.to_owned());
        }
        if text.contains([':', '/']) {
            let origin = entry.read(self.mistakes, |text| url::origin(text, base))?;
            return Some(backends.at(&origin, entry.place.clone()));
        }
        let problem = match backends.nearest(text) {
            Some(name) => format!("unknown backend; did you mean {name:?}?"),
            None if text == DEFAULT_BACKEND => {
                "no default backend is given; expected `backend` at the top, or [backends.default]"
                    .to_owned()
            }
            None if text == "echo" => url::no_echo(),
            None => "unknown backend; expected a name of [backends] or a URL".to_owned(),
        };
        self.mistakes.add(entry.place.clone(), problem);
        None
    }

    pub(super) fn plugins_of_route(&self, entries: Vec<Scalar>) -> Vec<String> {
        let mut names = Vec::with_capacity(entries.len());
        for Scalar { place, text } in entries {
            let problem = match check_plugin_name(&text) {
                Err(problem) => Some(problem.to_string()),
                Ok(()) if names.contains(&text) => {
                    Some("this plugin stands in the list twice; expected it once".to_owned())
                }
                Ok(()) => None,
            };
            match problem {
                Some(problem) => self.mistakes.add(place, problem),
                None => names.push(text),
            }
        }
        names
    }
}

/// A route for everything that no other of the owner takes, unless there is one already.
pub(super) fn add_default(routes: &mut Vec<RouteConfig>, owner: &RouteOwner) {
    if routes
        .iter()
        .any(|route| route.host.is_none() && route.path == "/")
    {
        return;
    }
    let backend = owner.backend.as_deref().unwrap_or(DEFAULT_BACKEND);
    routes.push(RouteConfig {
        listener: owner.listener.clone(),
        host: None,
        path: "/".to_owned(),
        backend: backend.to_owned(),
        plugins: owner.plugins.clone(),
    });
}

/// What sorts routes by fit: exact hosts, then wildcards from long to short, then none; among equals the
/// longest path first.
fn rank(route: &RouteConfig) -> (u8, Reverse<usize>, Reverse<usize>) {
    let (class, length) = match &route.host {
        Some(RouteHost::Exact(_)) => (0, 0),
        Some(RouteHost::Below(parent)) => (1, parent.len()),
        None => (2, 0),
    };
    (class, Reverse(length), Reverse(route.path.len()))
}

/// A host, or `*.` and a host.
fn route_host(text: &str) -> Result<RouteHost, String> {
    if text == "*" {
        return Err("expected no host at all for a route of any host".to_owned());
    }
    let name = match host::bare(text)? {
        Bare::Address(address) => return Ok(RouteHost::Exact(format!("[{address}]"))),
        Bare::Name(name) => name,
    };
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    match name.strip_prefix("*.") {
        Some(parent) if host::is_name(parent) => Ok(RouteHost::Below(parent.to_owned())),
        None if host::is_name(&name) => Ok(RouteHost::Exact(name)),
        _ if !name.is_ascii() => {
            Err("expected the name as it is sent, in its ASCII form (xn--…)".to_owned())
        }
        _ => Err(
            "expected a host such as example.com, or *.example.com for all names below it"
                .to_owned(),
        ),
    }
}

/// A prefix of whole segments. A slash at its end doesn't count.
fn path(text: &str) -> Result<String, String> {
    if text.contains(['?', '#']) {
        return Err("the query doesn't count here; expected a path without `?` and `#`".to_owned());
    }
    if !text.starts_with('/') {
        return Err(format!(
            "a path begins with a slash; expected {:?}",
            format!("/{text}")
        ));
    }
    let wildcard = text.strip_suffix("/**").or(text.strip_suffix("/*"));
    if let Some(prefix) = wildcard.filter(|prefix| !prefix.contains('*')) {
        let prefix = if prefix.is_empty() { "/" } else { prefix };
        return Err(format!(
            "a path holds for all below it; expected {prefix:?}"
        ));
    }
    if text.contains('*') {
        return Err(
            "patterns are not served; expected a prefix of whole segments, such as /api".to_owned(),
        );
    }
    if text.contains("//") {
        return Err("expected no empty segment".to_owned());
    }
    let prefix = match text.strip_suffix('/') {
        Some("") | None => text,
        Some(prefix) => prefix,
    };
    if !prefix.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(
            "paths are compared as they are sent; expected %-encoding, such as /a%20b".to_owned(),
        );
    }
    Ok(prefix.to_owned())
}
