//! Where requests go, as a whole: the default backend, the backends and the routes to them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;

use toml::de::DeValue;

use super::layers::{Layers, Placed, PlacedAddress};
use crate::config::backend::{BackendConfig, BackendUrl, DEFAULT_BACKEND};
use crate::config::file::{Scalar, TomlTable};
use crate::config::route::RouteConfig;
use crate::config::url::{self, BackendTarget, is_loop, reaches};
use crate::config::{DEFAULT_ECHO, DEFAULT_LISTEN, Place};

#[derive(Debug)]
pub(super) struct Destinations {
    pub(super) backends: BTreeMap<String, BackendConfig>,
    /// Of all backends, also of those that have mistakes.
    pub(super) names: BTreeSet<String>,
    pub(super) routes: Vec<RouteConfig>,
    pub(super) echo: Option<SocketAddr>,
    /// Whether it must be that address.
    pub(super) echo_fixed: bool,
    /// Where the embedded echo backend was asked for; none if it is there because nothing was said.
    echo_place: Option<Place>,
    /// Every address of a backend and where it was given.
    addresses: Vec<Placed<BackendUrl>>,
}

/// What is said of the default backend outside of its table.
#[derive(Debug, Default)]
pub(super) struct DefaultTarget {
    /// None also if nobody could read it.
    pub(super) given: Option<Placed<BackendTarget>>,
    pub(super) is_given: bool,
    /// Whether the file says something, even if a stronger layer does too.
    pub(super) is_in_file: bool,
}

impl Layers<'_> {
    pub(super) fn destinations(&self, file: &mut TomlTable<'_>, base: &Path) -> Destinations {
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
        let mut routes = self.routes(value, &mut backends, base);
        if default.is_given || !has_routes {
            add_default(&mut routes);
        }
        let (echo, echo_fixed, echo_place) = match default.given {
            Some((BackendTarget::Echo { address, fixed }, place)) => {
                (Some(address), fixed, Some(place))
            }
            Some((BackendTarget::Origin(_), _)) => (None, false, None),
            None if has_routes || has_table => (None, false, None),
            None => (Some(DEFAULT_ECHO), false, None),
        };
        if echo.is_some() {
            backends.know(DEFAULT_BACKEND);
        }
        let names = backends.names();
        let (backends, addresses) = backends.done();
        Destinations {
            backends,
            names,
            routes,
            echo,
            echo_fixed,
            echo_place,
            addresses,
        }
    }

    /// Refuses backends that are the proxy itself, and a listener in another's place.
    pub(super) fn check_addresses(
        &self,
        listen: Option<&PlacedAddress>,
        admin: Option<&PlacedAddress>,
        destinations: &Destinations,
    ) {
        let unread = !self.mistakes.is_empty();
        let listen_place = listen.map(|(_, place)| place);
        let address = match listen {
            // What is absent may have been given in a way that nobody could read.
            None if unread => return,
            None => DEFAULT_LISTEN,
            Some((address, _)) => *address,
        };
        let refuse = |place: &Place, backend: &dyn std::fmt::Display| {
            let problem = format!(
                "the proxy listens on {address} and its backend is {backend}, so requests would come back; \
                 expected another backend or another listen address"
            );
            self.mistakes.add(place.clone(), problem);
        };
        for (url, place) in &destinations.addresses {
            if is_loop(address, url) {
                refuse(place, url);
            }
        }
        let echo_place = destinations.echo_place.as_ref();
        if let Some(echo) = destinations.echo
            && reaches(address, echo)
            && let Some(place) = echo_place.or(listen_place.filter(|_| !unread))
        {
            refuse(place, &format_args!("echo://{echo}"));
        }
        let Some((admin, place)) = admin else { return };
        if reaches(address, *admin) || destinations.echo.is_some_and(|echo| reaches(echo, *admin)) {
            let problem =
                "something else of the proxy listens there; expected an address of its own";
            self.mistakes.add(place.clone(), problem);
        }
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

/// A route for everything that no other takes, unless there is one already.
fn add_default(routes: &mut Vec<RouteConfig>) {
    if routes
        .iter()
        .any(|route| route.host.is_none() && route.path == "/")
    {
        return;
    }
    routes.push(RouteConfig {
        host: None,
        path: "/".to_owned(),
        backend: DEFAULT_BACKEND.to_owned(),
        plugins: None,
    });
}
