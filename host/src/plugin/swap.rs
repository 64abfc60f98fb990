//! Step 4: one atomic pointer to the chain of the moment.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::guest::Guest;
use crate::interceptor::{Chain, ChainSource};

/// The current chain. New exchanges take it; those that run keep theirs.
#[derive(Debug)]
pub struct Chains {
    current: ArcSwap<Chain<Guest>>,
}

impl Default for Chains {
    fn default() -> Self {
        Self {
            current: ArcSwap::from_pointee(Chain {
                interceptors: vec![],
                generation: 0,
            }),
        }
    }
}

impl Chains {
    /// Makes these plugins the chain of all exchanges to come: by order, then by name.
    pub fn publish(&self, mut guests: Vec<Arc<Guest>>) {
        guests.sort_by(|a, b| {
            let key = |guest: &'_ Guest| guest.facts().config.order;
            key(a)
                .cmp(&key(b))
                .then_with(|| a.facts().name.cmp(&b.facts().name))
        });
        let generation = self.current.load().generation + 1;
        self.current.store(Arc::new(Chain {
            interceptors: guests,
            generation,
        }));
    }
}

impl ChainSource for Chains {
    type Interceptor = Guest;

    fn current(&self) -> Arc<Chain<Guest>> {
        self.current.load_full()
    }
}
