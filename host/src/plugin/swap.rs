//! Step 4: one atomic pointer for each route to its chain of the moment.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::guest::Guest;
use crate::config::route::RouteConfig;
use crate::interceptor::{Chain, ChainSource};

/// The chains of all routes.
#[derive(Debug, Default)]
pub struct Chains(Mutex<Vec<Arc<RouteChain>>>);

/// The current chain of a route. New exchanges take it; those that run keep theirs.
#[derive(Debug)]
pub struct RouteChain {
    /// As in [`RouteConfig::plugins`].
    selection: Option<Vec<String>>,
    current: ArcSwap<Chain<Guest>>,
}

impl Chains {
    /// Makes these plugins the ones of all exchanges to come, on every route.
    pub fn publish(&self, guests: &[Arc<Guest>]) {
        for route in self.lock().iter() {
            route.publish(guests);
        }
    }

    /// Chains for other routes, of these plugins. The old ones stay as they are for those who hold them, and are not
    /// published to any more.
    pub fn replace(&self, routes: &[RouteConfig], guests: &[Arc<Guest>]) -> Vec<Arc<RouteChain>> {
        let chain = |route: &RouteConfig| RouteChain::new(route.plugins.clone(), guests);
        let routes: Vec<_> = routes.iter().map(chain).map(Arc::new).collect();
        self.lock().clone_from(&routes);
        routes
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<RouteChain>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RouteChain {
    fn new(selection: Option<Vec<String>>, guests: &[Arc<Guest>]) -> Self {
        let chain = Chain {
            interceptors: select(selection.as_deref(), guests),
            generation: 0,
        };
        Self {
            selection,
            current: ArcSwap::from_pointee(chain),
        }
    }

    fn publish(&self, guests: &[Arc<Guest>]) {
        let interceptors = select(self.selection.as_deref(), guests);
        let current = self.current.load();
        let same = interceptors.len() == current.interceptors.len()
            && interceptors
                .iter()
                .zip(&current.interceptors)
                .all(|(a, b)| Arc::ptr_eq(a, b));
        if same {
            return;
        }
        let generation = current.generation + 1;
        self.current.store(Arc::new(Chain {
            interceptors,
            generation,
        }));
    }
}

impl ChainSource for RouteChain {
    type Interceptor = Guest;

    fn current(&self) -> Arc<Chain<Guest>> {
        self.current.load_full()
    }
}

/// The plugins that a route takes, in the order in which a request meets them. Of one that isn't there the list knows
/// nothing; it is taken in as soon as its file comes.
fn select(names: Option<&[String]>, guests: &[Arc<Guest>]) -> Vec<Arc<Guest>> {
    let Some(names) = names else {
        let mut all = guests.to_vec();
        all.sort_by(|a, b| {
            let key = |guest: &Guest| guest.facts().config.order;
            key(a)
                .cmp(&key(b))
                .then_with(|| a.facts().name.cmp(&b.facts().name))
        });
        return all;
    };
    let named = |name: &String| guests.iter().find(|guest| guest.facts().name == *name);
    names.iter().filter_map(named).cloned().collect()
}
