//! Step 4: one atomic pointer for each route to its chain of the moment.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::kind::hooks::HooksPlugin;
use super::kind::wasi_http::StandardComponent;
use super::kind::{Guest, PluginLink};
use crate::config::route::RouteConfig;
use crate::config::{Config, PluginConfig};
use crate::interceptor::{Absence, Chain, ChainSource, Link, Missing};

/// A plugin that chains are to have: one that serves, or one that should.
#[derive(Debug, Clone)]
pub struct Member {
    name: String,
    order: i32,
    link: PluginLink,
}

impl Member {
    /// A version that serves.
    pub fn serving(guest: &Guest) -> Self {
        Self {
            name: guest.version().name.clone(),
            order: guest.version().config.order,
            link: guest.link(),
        }
    }

    /// The place of a required plugin of which no version serves.
    pub fn missing(name: String, config: PluginConfig, why: Absence) -> Self {
        let missing = Missing {
            name: name.clone(),
            rules: config.matches,
            why,
        };
        Self {
            name,
            order: config.order,
            link: Link::Missing(Arc::new(missing)),
        }
    }

    /// The places of all required plugins, before any file was looked at.
    pub fn all_missing(config: &Config) -> Vec<Self> {
        let missing = |name: String| {
            let config = config.for_plugin(&name);
            Self::missing(name, config, Absence::Loading)
        };
        config.required().into_iter().map(missing).collect()
    }
}

/// The chains of all routes.
#[derive(Debug, Default)]
pub struct Chains(Mutex<Vec<Arc<RouteChain>>>);

/// The current chain of a route. New exchanges take it; those that run keep theirs.
#[derive(Debug)]
pub struct RouteChain {
    /// As in [`RouteConfig::plugins`].
    selection: Option<Vec<String>>,
    current: ArcSwap<Chain<HooksPlugin, StandardComponent>>,
}

impl Chains {
    /// Makes these plugins the ones of all exchanges to come, on every route.
    pub fn publish(&self, members: &[Member]) {
        for route in self.lock().iter() {
            route.publish(members);
        }
    }

    /// Chains for other routes, of these plugins. The old ones stay as they are for those who hold them, and are not
    /// published to any more.
    pub fn replace(&self, routes: &[RouteConfig], members: &[Member]) -> Vec<Arc<RouteChain>> {
        let chain = |route: &RouteConfig| RouteChain::new(route.plugins.clone(), members);
        let routes: Vec<_> = routes.iter().map(chain).map(Arc::new).collect();
        self.lock().clone_from(&routes);
        routes
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<RouteChain>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RouteChain {
    fn new(selection: Option<Vec<String>>, members: &[Member]) -> Self {
        let chain = Chain::new(select(selection.as_deref(), members));
        Self {
            selection,
            current: ArcSwap::from_pointee(chain),
        }
    }

    fn publish(&self, members: &[Member]) {
        let links = select(self.selection.as_deref(), members);
        let current = self.current.load();
        let same = links.len() == current.links().len()
            && links.iter().zip(current.links()).all(|(a, b)| a.is_same(b));
        if !same {
            self.current.store(Arc::new(Chain::new(links)));
        }
    }
}

impl ChainSource for RouteChain {
    type Hooks = HooksPlugin;
    type Around = StandardComponent;

    fn current(&self) -> Arc<Chain<HooksPlugin, StandardComponent>> {
        self.current.load_full()
    }
}

/// The plugins that a route takes, in the order in which a request meets them. Of one that is neither there nor required the
/// list knows nothing; it is taken in as soon as its file comes.
fn select(names: Option<&[String]>, members: &[Member]) -> Vec<PluginLink> {
    let Some(names) = names else {
        let mut all: Vec<_> = members.iter().collect();
        all.sort_by(|a, b| (a.order, &a.name).cmp(&(b.order, &b.name)));
        return all.into_iter().map(|member| member.link.clone()).collect();
    };
    let named = |name: &String| members.iter().find(|member| member.name == *name);
    let named = names.iter().filter_map(named);
    named.map(|member| member.link.clone()).collect()
}
