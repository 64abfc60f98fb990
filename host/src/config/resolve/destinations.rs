//! Where requests go, as a whole: the default backend, the backends and the routes to them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;

use toml::de::DeValue;

use super::backends::DefaultTarget;
use super::layers::{Layers, Placed};
use super::listeners::ListenerTable;
use super::routes::{RouteOwner, add_default};
use crate::config::backend::{BackendConfig, BackendUrl, DEFAULT_BACKEND};
use crate::config::file::{Scalar, TomlTable, Value};
use crate::config::route::RouteConfig;
use crate::config::url::{self, BackendTarget};
use crate::config::{DEFAULT_ECHO, Place};

#[derive(Debug)]
pub(super) struct Destinations {
    pub(super) backends: BTreeMap<String, BackendConfig>,
    /// Of all backends, also of those that have mistakes.
    pub(super) names: BTreeSet<String>,
    /// Those of each listener together, in the order in which they are tried.
    pub(super) routes: Vec<RouteConfig>,
    pub(super) listeners: Vec<ListenerTable>,
    pub(super) echo: Option<SocketAddr>,
    /// Whether it must be that address.
    pub(super) echo_fixed: bool,
    /// Where the embedded echo backend was asked for; none if it is there because nothing was said.
    pub(super) echo_place: Option<Place>,
    /// Every address of a backend and where it was given.
    pub(super) addresses: Vec<Placed<BackendUrl>>,
}

impl Layers<'_> {
    /// `has_listen` says whether there are addresses in `listen`; their requests take the routes at the top.
    pub(super) fn destinations(
        &self,
        file: &mut TomlTable<'_>,
        base: &Path,
        has_listen: bool,
    ) -> Destinations {
        let in_file = default_in_file(file);
        let is_in_file = file.has("backend");
        let is_above = self.args.backend.is_some() || self.variable("backend").is_some();
        let given = self.value_at("backend", &self.args.backend, in_file, |text, place| {
            let base = if place.is_in_file() {
                base
            } else {
                Path::new("")
            };
            url::target(text, base)
        });
        let default = DefaultTarget {
            given,
            is_in_file,
            is_given: is_in_file || is_above,
        };
        let mut backends = self.backends(file.table("backends").as_ref(), &default, base);
        let has_table = backends.knows(DEFAULT_BACKEND);
        if default.is_given {
            backends.know(DEFAULT_BACKEND);
        }
        let value = file.take("routes");
        let has_routes = value.as_ref().is_some_and(|value| !value.is_empty_list());
        let routes_place = value.as_ref().map(|value| value.place.clone());
        let owner = RouteOwner::default();
        let mut routes = self.routes(value, &owner, &mut backends, base);
        let tables = file.take("listeners");
        let has_listen = has_listen || tables.as_ref().is_none_or(Value::is_empty_list);
        let (listeners, own) = self.listener_tables(tables, default.is_given, &mut backends, base);
        if has_listen || listeners.iter().any(|listener| !listener.has_routes) {
            if default.is_given || !has_routes {
                add_default(&mut routes, &owner);
            }
        } else if let Some(place) = routes_place.filter(|_| has_routes && !listeners.is_empty()) {
            let problem = "every listener has routes of its own, so no request takes these; \
                expected them below [[listeners]] as [[listeners.routes]], or addresses in listen";
            self.mistakes.add(place.without_value(), problem);
        }
        routes.extend(own);
        self.replay_above(&mut backends);
        self.misses(&mut backends, base);
        let needs_backend = !has_table && routes.iter().any(is_default);
        let (echo, echo_fixed, echo_place) = embedded_echo(default.given, needs_backend);
        if echo.is_some() {
            backends.know(DEFAULT_BACKEND);
        }
        let names = backends.names();
        let (backends, addresses) = backends.done();
        Destinations {
            backends,
            names,
            routes,
            listeners,
            echo,
            echo_fixed,
            echo_place,
            addresses,
        }
    }
}

/// The address of the embedded echo backend, whether it has to be this one, and where it was asked for. None if requests go elsewhere.
fn embedded_echo(
    given: Option<Placed<BackendTarget>>,
    needs_backend: bool,
) -> (Option<SocketAddr>, bool, Option<Place>) {
    match given {
        Some((BackendTarget::Echo { address, fixed }, place)) => {
            (Some(address), fixed, Some(place))
        }
        Some((BackendTarget::Origin(_), _)) => (None, false, None),
        None if needs_backend => (Some(DEFAULT_ECHO), false, None),
        None => (None, false, None),
    }
}

/// `backend` is a URL; `[backend.NAME]` is what people write for `[backends.NAME]`.
fn default_in_file(file: &mut TomlTable<'_>) -> Option<Scalar> {
    let value = file.take("backend")?;
    match value.value {
        DeValue::Table(_) => {
            value.wrong("a string, the URL; the table of one backend is [backends.NAME]")
        }
        _ => value.text(),
    }
}

fn is_default(route: &RouteConfig) -> bool {
    route.backend == DEFAULT_BACKEND
}
