//! Where exchanges are played: the plugins of some chains with a state that begins empty, a clock that follows the exchanges, and no
//! network. Compiled code is shared with those chains, and nothing else: no instance, no state, no counter.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use crate::config::route::RouteConfig;
use crate::config::{Bucket, PluginConfig};
use crate::interceptor::{Chain, Link};
use crate::message::{BackendChoice, RequestHead};
use crate::outbound::{CallError, Outbound, OutboundConfig, StandIn, StandInAnswer};
use crate::plugin::{
    Ambient, Guest, HooksPlugin, PausedClock, PluginServices, PluginState, PluginVersion,
    Resources, Services, StandardComponent,
};
use crate::proxy::{ExchangeError, find_route};
use crate::store::{Clock, Kind, Quotas, Store, StoreConfig};

/// One thread plays. A permit for it, so that a call runs as it does in the proxy.
const THREADS: usize = 1;
const HELD: usize = 2;

/// What an exchange goes through.
pub type PluginChain = Arc<Chain<HooksPlugin, StandardComponent>>;

/// Where an exchange goes: through this chain, and to this backend.
pub(super) type Destination<'a> = (&'a PluginChain, BackendChoice);

/// A route, with what its exchanges go through.
#[derive(Debug)]
pub struct Route {
    pub config: RouteConfig,
    /// Where its requests would go unless a plugin chose another one.
    pub backend: BackendChoice,
    pub chain: PluginChain,
}

/// See the module's text.
#[derive(Debug)]
pub struct Stage {
    /// By the listener that they are for.
    routes: BTreeMap<Option<String>, Vec<Route>>,
    /// A runtime whose time is paused: where everything waits, the wait is over.
    runtime: Runtime,
    /// When it begins, by that time.
    begin: Instant,
}

impl Stage {
    /// The chains of these routes, played by others of the same code. `now` is when the first exchange began, since 1970.
    ///
    /// # Errors
    /// When the machine can't have another runtime.
    pub fn new(routes: Vec<Route>, now: Duration) -> Result<Self, String> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let begin = {
            let _inside = runtime.enter();
            Instant::now()
        };
        let mut cast = Cast::new(&runtime, now)?;
        let mut by_listener: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for route in routes {
            let of = by_listener.entry(route.config.listener.clone());
            of.or_default().push(Route {
                chain: cast.chain(&route.chain),
                ..route
            });
        }
        Ok(Self {
            routes: by_listener,
            runtime,
            begin,
        })
    }

    /// Time passes until so many microseconds after the beginning, if it is not later already: plugins may have waited. A sleep
    /// would be as long as the next millisecond, and a thousand exchanges would be a second late.
    pub(super) fn reach(&self, micros: u64) {
        let at = self.begin.checked_add(Duration::from_micros(micros));
        self.run(async {
            let left = at.map(|at| at.saturating_duration_since(Instant::now()));
            if let Some(left) = left.filter(|left| !left.is_zero()) {
                tokio::time::advance(left).await;
            }
        });
    }

    /// Runs this in the stage's time. What is logged meanwhile is heard by nobody: it would look as if it happened.
    pub(super) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        let nobody = tracing::Dispatch::none();
        tracing::dispatcher::with_default(&nobody, || self.runtime.block_on(work))
    }

    /// The route of a request: its chain, and the backend that it would go to. `then` is the route that it took when it was
    /// recorded, which tells the listener. If that has no routes of its own now, those of the other listeners hold.
    pub(super) fn route(
        &self,
        head: &RequestHead,
        then: Option<&str>,
    ) -> Result<Destination<'_>, ExchangeError> {
        let own = then.and_then(RouteConfig::listener_in).map(str::to_owned);
        let own = own.and_then(|listener| self.routes.get(&Some(listener)));
        let routes = own.or_else(|| self.routes.get(&None)).map(Vec::as_slice);
        let route = find_route(routes.unwrap_or_default(), |route| &route.config, head)?;
        Ok((&route.chain, route.backend.clone()))
    }
}

/// The plugins of a stage, and what they share.
struct Cast {
    store: Arc<Store>,
    outbound: Outbound,
    clock: PausedClock,
    resources: Resources,
    /// Who is played, and by whom: a plugin that is in several chains is one in all of them.
    plays: Vec<(PluginLink, PluginLink)>,
}

type PluginLink = Link<HooksPlugin, StandardComponent>;

impl Cast {
    fn new(runtime: &Runtime, now: Duration) -> Result<Self, String> {
        let clock = PausedClock::new(now, runtime.handle());
        let time: Arc<dyn Clock> = Arc::new(clock.clone());
        let store = StoreConfig {
            kind: Kind::Memory,
            quotas: Quotas::default(),
        };
        let store = Store::open_at(&store, time).map_err(|error| error.to_string())?;
        let outbound = Outbound::new(OutboundConfig::default());
        let services = Services::new(None, OutboundConfig::default());
        let services = services.map_err(|error| error.to_string())?;
        Ok(Self {
            store: Arc::new(store),
            outbound: outbound.map_err(|error| error.to_string())?,
            clock,
            resources: Resources::new(THREADS, HELD, services),
            plays: Vec::new(),
        })
    }

    fn chain(&mut self, played: &PluginChain) -> PluginChain {
        let links = played.links().iter().map(|link| self.link(link));
        Arc::new(Chain::new(links.collect()))
    }

    fn link(&mut self, played: &PluginLink) -> PluginLink {
        if let Some((_, by)) = self.plays.iter().find(|(known, _)| known.is_same(played)) {
            return by.clone();
        }
        let by = match played {
            Link::Hooks(hooks) => self.guest(&Guest::Hooks(hooks.clone())).link(),
            Link::Around(around) => self.guest(&Guest::Around(around.clone())).link(),
            Link::Missing(missing) => Link::Missing(missing.clone()),
        };
        self.plays.push((played.clone(), by.clone()));
        by
    }

    /// The same code with the stage's state, clock and network, and nothing in its memory.
    fn guest(&self, played: &Guest) -> Guest {
        let own = played.version();
        let ambient = Ambient {
            clock: Some(self.clock.clone()),
            // The same numbers each time, so that two runs can be compared.
            seed: Some(0),
        };
        let version = PluginVersion::new(own.name.clone(), own.hash, own.config.clone());
        let version = version.with_ambient(ambient);
        let version = version.with_services(self.services(&own.name, &own.config));
        let version = version.with_schema(own.schema.clone());
        played.apart(Arc::new(version), self.resources.clone())
    }

    /// What a plugin has by what is granted to it. Nobody counts.
    fn services(&self, name: &str, config: &PluginConfig) -> PluginServices {
        let bucket = config.allow.state.as_ref().map(|bucket| match bucket {
            Bucket::Own => format!("plugin/{name}"),
            Bucket::Shared(shared) => format!("shared/{shared}"),
        });
        let caller = config.allow.http.clone();
        PluginServices {
            state: bucket.map(|bucket| PluginState {
                store: self.store.clone(),
                bucket,
            }),
            caller: caller.map(|allow| {
                let nowhere = Arc::new(Nowhere);
                self.outbound.caller_without_network(name, allow, nowhere)
            }),
            metrics: None,
        }
    }
}

/// Refuses every call: what others answered is not recorded, and nothing is sent for a question.
struct Nowhere;

impl StandIn for Nowhere {
    fn answer(&self, _: Request<Bytes>) -> StandInAnswer<'_> {
        let text = "a what-if sends nothing: no answer to this call is recorded";
        Box::pin(async move { Err(CallError::Configuration(text.to_owned())) })
    }
}
