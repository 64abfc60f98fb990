//! Which backend and which chain a request meets. One pointer is swapped when the configuration changes, so that an
//! exchange sees all of the old or all of the new.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::backends::Backends;
use super::error::ExchangeError;
use crate::config::route::RouteConfig;
use crate::config::server::ServerConfig;
use crate::matching::{self, PathReading};
use crate::message::hygiene::Forwarding;
use crate::message::{BackendChoice, Known, RequestHead};

/// Routes in the order in which they are tried.
pub type OrderedRoutes<S> = Arc<[Arc<Route<S>>]>;

/// All that exchanges take from the configuration.
#[derive(Debug)]
pub struct Routing<S> {
    /// All of them; those of one listener in the order in which they are tried.
    pub routes: Vec<Arc<Route<S>>>,
    /// The routes of each listener by its name, in the order in which they are tried. Those without routes of their own share some.
    pub listeners: BTreeMap<Arc<str>, OrderedRoutes<S>>,
    /// All backends that requests can go to.
    pub backends: Arc<Backends>,
    /// Connections keep that of their beginning.
    pub server: Arc<ServerConfig>,
    pub forwarding: Forwarding,
}

/// A route with what it leads to.
#[derive(Debug)]
pub struct Route<S> {
    pub config: RouteConfig,
    /// Host and path, for observers.
    pub label: Arc<str>,
    /// Where its requests go unless a plugin chooses another one.
    pub backend: BackendChoice,
    /// Those that can be chosen.
    pub backends: Arc<Backends>,
    pub chains: Arc<S>,
}

impl<S> Routing<S> {
    /// The route of a request as it was received by this listener.
    ///
    /// # Errors
    /// Those of [`find_route`]. When there is no such listener any more: whose routes the request would take is not certain then.
    pub fn find(
        &self,
        head: &RequestHead,
        listener: &Arc<str>,
    ) -> Result<&Arc<Route<S>>, ExchangeError> {
        let routes = self.listeners.get(listener);
        let routes = routes.ok_or_else(|| ExchangeError::NoListener(listener.clone()))?;
        find_route(routes, |route| &route.config, head)
    }
}

/// The one of these routes that a request takes as it was received: its `host` and its raw path decide.
///
/// # Errors
/// When no route matches. When the path can be read in another way, by which it would take a route whose plugins this
/// one lacks: a backend may read it so, and those plugins would not have seen the request.
pub fn find_route<'r, R>(
    routes: &'r [R],
    config: impl Fn(&R) -> &RouteConfig,
    head: &RequestHead,
) -> Result<&'r R, ExchangeError> {
    // As a configuration without routes has it.
    if let [route, ..] = routes
        && config(route).is_everything()
        && config(route).plugins.is_none()
    {
        return Ok(route);
    }
    let host = head.fields.get_text(Known::Host).unwrap_or("");
    let path = head.target.path();
    let route = routes.iter().find(|route| config(route).fits(host, path));
    let route = route.ok_or(ExchangeError::NoRoute)?;
    let own = config(route);
    if own.plugins.is_some() && !matching::is_plain(path) {
        let read = |reading: &PathReading| {
            let mut routes = routes.iter();
            routes.find(|route| config(route).fits_as(*reading, host, path))
        };
        let misses = |other: &R| !own.has_plugins_of(config(other));
        if PathReading::ALL.iter().filter_map(read).any(misses) {
            return Err(ExchangeError::Ambiguous);
        }
    }
    Ok(route)
}
