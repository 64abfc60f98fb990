//! Which exchanges a plugin takes part in: rules on host, path and method.
//!
//! Any rule may match; within a rule everything it says must. Patterns are globs:
//!
//! - host: `example.com`, `*.example.com` (any depth below, not `example.com` itself). Case, port and a
//!   dot at the end don't count; IPv6 addresses are compared as addresses.
//! - path: `/health` is that path alone; `*` stands for anything within a segment (`/users/*/keys`),
//!   `**` for any number of segments. `/api/**` is everything from `/api` on: `/api`, `/api/` and all
//!   below. A query doesn't count. The path is compared as it was sent and in every other way in which
//!   a backend may read it (see [`PathReading`]): `/%61pi` and `/x/../api` match `/api` too. Case counts.
//! - method: case doesn't count, since there are backends that take `post` for `POST`.
//!
//! `?`, `[a-z]` and `{a,b}` have their usual meaning, but `?` is refused in paths, where it would be
//! taken for a query.

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use globset::{Glob, GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};
use http::Method;

use super::host::{self, Bare};
use super::reading::{self, PathReading};

/// The rules of one plugin. Without any it takes part in everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matches {
    rules: Vec<MatchRule>,
}

impl Matches {
    /// Rules of which any may match; none match everything.
    pub fn new(rules: Vec<MatchRule>) -> Self {
        if rules.iter().any(MatchRule::is_everything) {
            Self::default()
        } else {
            Self { rules }
        }
    }

    /// Whether every exchange matches, so that nobody need ask for one.
    pub fn is_everything(&self) -> bool {
        self.rules.is_empty()
    }

    /// Those of which any may match; none for everything.
    pub fn rules(&self) -> &[MatchRule] {
        &self.rules
    }

    /// Whether this exchange matches.
    ///
    /// The authority is host and port as in the field `host`, the target as in the request line.
    /// Nothing is allocated unless the path has escapes, dots or slashes that can be read in several ways.
    pub fn matches(&self, authority: &str, target: &str, method: &str) -> bool {
        if self.is_everything() {
            return true;
        }
        let (host, path) = (host::of(authority), path_of(target));
        let matches = |path: &str| {
            let mut rules = self.rules.iter();
            rules.any(|rule| rule.matches(host, path, method))
        };
        matches(path)
            || (!reading::is_plain(path)
                && PathReading::ALL
                    .iter()
                    .any(|reading| matches(&reading.read(path))))
    }
}

/// What must be true together. What a rule doesn't say is true.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MatchRule {
    pub host: Option<HostPattern>,
    pub path: Option<PathPattern>,
    /// Any of these; empty for all.
    pub methods: Vec<Method>,
}

impl MatchRule {
    fn is_everything(&self) -> bool {
        self.host.is_none() && self.path.is_none() && self.methods.is_empty()
    }

    fn matches(&self, host: &str, path: &str, method: &str) -> bool {
        self.host
            .as_ref()
            .is_none_or(|pattern| pattern.is_match(host))
            && self
                .path
                .as_ref()
                .is_none_or(|pattern| pattern.set.is_match(path))
            && (self.methods.is_empty()
                || self
                    .methods
                    .iter()
                    .any(|own| own.as_str().eq_ignore_ascii_case(method)))
    }
}

/// A host, without case and without port.
#[derive(Debug, Clone)]
pub enum HostPattern {
    Glob(GlobMatcher),
    /// It can be written in many ways (RFC 5952).
    Address(Ipv6Addr),
}

impl HostPattern {
    fn is_match(&self, host: &str) -> bool {
        match self {
            Self::Glob(glob) => glob.is_match(host),
            Self::Address(address) => host::ipv6_literal(host) == Some(*address),
        }
    }
}

/// Patterns that are written alike are equal.
impl PartialEq for HostPattern {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Glob(one), Self::Glob(other)) => one.glob() == other.glob(),
            (Self::Address(one), Self::Address(other)) => one == other,
            _ => false,
        }
    }
}

impl Eq for HostPattern {}

impl FromStr for HostPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("expected a host such as example.com or *.example.com".to_owned());
        }
        let text = match host::bare(text)? {
            Bare::Address(address) => return Ok(Self::Address(address)),
            Bare::Name(name) => name,
        };
        let glob = GlobBuilder::new(text.trim_end_matches('.'))
            .case_insensitive(true)
            .build()
            .map_err(|e| not_a_glob(&e))?;
        Ok(Self::Glob(glob.compile_matcher()))
    }
}

/// As it was written, but for the way of writing an address.
impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Glob(glob) => glob.glob().fmt(f),
            Self::Address(address) => write!(f, "[{address}]"),
        }
    }
}

/// A glob on the raw path.
#[derive(Debug, Clone)]
pub struct PathPattern {
    source: String,
    globs: Vec<Glob>,
    set: GlobSet,
}

impl PathPattern {
    /// Any of them matches what it matches.
    pub(super) fn globs(&self) -> impl Iterator<Item = &Glob> {
        self.globs.iter()
    }
}

/// As it was written.
impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

/// Patterns that are written alike are equal.
impl PartialEq for PathPattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for PathPattern {}

impl FromStr for PathPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains(['?', '#']) {
            return Err(
                "the query doesn't count here; expected a path alone, without `?` and `#`"
                    .to_owned(),
            );
        }
        if !text.starts_with(['/', '*', '{', '[']) {
            return Err(format!(
                "a path begins with a slash; expected {:?}",
                format!("/{text}")
            ));
        }
        if text
            .split('/')
            .any(|segment| segment.contains("**") && segment != "**")
        {
            return Err(
                "`**` stands for whole segments and between slashes only, as in /api/**".to_owned(),
            );
        }
        // `/api/**` has `/api` itself among what it matches, which the glob alone has not.
        let parent = text.strip_suffix("/**").filter(|parent| !parent.is_empty());
        let (mut globs, mut set) = (Vec::new(), GlobSetBuilder::new());
        for glob in std::iter::once(text).chain(parent) {
            let glob = GlobBuilder::new(glob).literal_separator(true).build();
            let glob = glob.map_err(|e| not_a_glob(&e))?;
            set.add(glob.clone());
            globs.push(glob);
        }
        let set = set.build().map_err(|e| not_a_glob(&e))?;
        let source = text.to_owned();
        Ok(Self { source, globs, set })
    }
}

/// A method, which must be written as it is sent.
pub fn method(text: &str) -> Result<Method, String> {
    const COMMON: [&str; 9] = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE",
    ];
    let upper = text.to_ascii_uppercase();
    if upper != text && COMMON.contains(&upper.as_str()) {
        return Err(format!(
            "methods are case-sensitive; did you mean {upper:?}?"
        ));
    }
    Method::from_str(text).map_err(|_| "expected a method such as GET".to_owned())
}

fn not_a_glob(error: &globset::Error) -> String {
    format!("not a glob: {}", error.kind())
}

/// The path of a target in origin form (`/a?b`) or absolute form (`http://host/a?b`), RFC 9112,
/// section 3.2. Other forms stay as they are.
pub(super) fn path_of(target: &str) -> &str {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    if path.starts_with('/') {
        return path;
    }
    match path.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |start| &rest[start..]),
        None => path,
    }
}
