//! Where exchanges go: the backends and routes of a configuration, put together.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tape;
use crate::config::Config;
use crate::config::backend::{BackendConfig, BackendUrl, DEFAULT_BACKEND};
use crate::config::listener::ListenerConfig;
use crate::config::route::RouteConfig;
use crate::plugin::RouteChain;
use crate::proxy::upstream::Backend;
use crate::proxy::{Backends, Route, Routing};

/// The backends of a configuration, by name.
pub type RunningBackends = BTreeMap<String, Arc<Backend>>;

/// The configuration with the embedded echo backend in its place.
pub fn complete(config: &mut Config, echo: Option<&BackendUrl>) {
    if let (Some(_), Some(echo)) = (config.echo, echo) {
        let backend = BackendConfig::new(vec![echo.clone()]);
        config.backends.insert(DEFAULT_BACKEND.to_owned(), backend);
    }
}

/// The backends of a configuration. One of which nothing has changed is taken over with its connections.
///
/// # Errors
/// Says which backend can't be had and why.
pub fn backends(config: &Config, old: &RunningBackends) -> Result<RunningBackends, String> {
    let running = |(name, config): (&String, &BackendConfig)| {
        let same = old.get(name).filter(|old| old.config() == config);
        let running = match same {
            Some(same) => same.clone(),
            None => {
                let new = backend(name, config).map_err(|why| format!("backend {name}: {why}"))?;
                Arc::new(new)
            }
        };
        Ok((name.clone(), running))
    };
    config.backends.iter().map(running).collect()
}

fn backend(name: &str, config: &BackendConfig) -> Result<Backend, String> {
    match config.tape() {
        Some(tape) => tape::backend(name, config, tape),
        None => Backend::new(name, config.clone()).map_err(|error| error.to_string()),
    }
}

/// The routes with their backends and chains; the chains are in the routes' order.
pub fn routing(
    config: &Config,
    backends: &RunningBackends,
    chains: Vec<Arc<RouteChain>>,
) -> Routing<RouteChain> {
    let all = Arc::new(Backends::new(backends));
    let routes = config.routes.iter().zip(chains);
    let route = |(route, chains): (&RouteConfig, Arc<RouteChain>)| {
        Some(Arc::new(Route {
            label: route.label().into(),
            config: route.clone(),
            backend: all.choice(&route.backend)?,
            backends: all.clone(),
            chains,
        }))
    };
    // A configuration that was resolved names only backends that there are.
    let routes: Vec<_> = routes.filter_map(route).collect();
    let of = |listener: &ListenerConfig| {
        let of = listener.routes_of();
        let own = routes
            .iter()
            .filter(|route| route.config.listener.as_deref() == of);
        (listener.name.as_str().into(), own.cloned().collect())
    };
    Routing {
        listeners: config.listeners.iter().map(of).collect(),
        routes,
        backends: all,
        server: Arc::new(config.server.clone()),
        forwarding: config.forwarding,
    }
}
