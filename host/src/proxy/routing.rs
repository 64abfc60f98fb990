//! Which backend and which chain a request meets. One pointer is swapped when the configuration changes, so that an
//! exchange sees all of the old or all of the new.

use std::sync::Arc;

use http::{HeaderMap, Uri, header};

use super::upstream::Backend;
use crate::config::route::RouteConfig;
use crate::config::server::{Forwarding, ServerConfig};

/// All that exchanges take from the configuration.
#[derive(Debug)]
pub struct Routing<S> {
    /// In the order in which they are tried.
    pub routes: Vec<Arc<Route<S>>>,
    pub server: ServerConfig,
    pub forwarding: Forwarding,
}

/// A route with what it leads to.
#[derive(Debug)]
pub struct Route<S> {
    pub config: RouteConfig,
    pub backend: Arc<Backend>,
    pub chains: Arc<S>,
}

impl<S> Routing<S> {
    /// The route of a request as it was received: its `host` and its raw path decide.
    pub fn find(&self, target: &Uri, fields: &HeaderMap) -> Option<&Arc<Route<S>>> {
        let host = fields.get(header::HOST).and_then(|host| host.to_str().ok());
        let (host, path) = (host.unwrap_or(""), target.path());
        self.routes
            .iter()
            .find(|route| route.config.fits(host, path))
    }
}
