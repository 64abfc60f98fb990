//! Where a tape runs again: the plugins of a directory as they are now, with a state that begins empty, a clock that follows the tape,
//! and no network.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::runtime::{Builder, Runtime};

use crate::config::backend::DEFAULT_BACKEND;
use crate::config::route::RouteConfig;
use crate::config::{Bucket, Config, PluginConfig};
use crate::interceptor::{Absence, Chain, ChainSource as _};
use crate::message::{BackendChoice, BackendNames, Known, RequestHead};
use crate::outbound::{CallError, Outbound, OutboundConfig, StandIn, StandInAnswer};
use crate::plugin::watch::{self, PluginFiles};
use crate::plugin::{
    Ambient, Cache, Chains, Guest, HooksPlugin, Member, PausedClock, PluginServices, PluginState,
    PluginVersion, RouteChain, StandardComponent, beside,
};
use crate::store::{Clock, Kind, Quotas, Store, StoreConfig};
use crate::text;
use crate::tools::lab::Lab;

/// See the module's text.
pub(super) struct Stage {
    routes: Vec<(RouteConfig, Arc<RouteChain>)>,
    backends: Arc<BackendNames>,
    /// A runtime whose time is paused: where everything waits, the wait is over.
    pub runtime: Runtime,
    /// Guests need it.
    _lab: Lab,
}

/// What an exchange goes through.
pub(super) type StageChain = Arc<Chain<HooksPlugin, StandardComponent>>;

/// What all plugins share.
struct Shared {
    store: Arc<Store>,
    outbound: Outbound,
    clock: PausedClock,
}

impl Stage {
    /// `now` is when the tape begins, since 1970.
    ///
    /// # Errors
    /// When a plugin can't serve, or the machine can't run the engine; says why.
    pub fn new(config: &Config, now: Duration) -> Result<Self, String> {
        let directory = &config.plugins;
        let shown = text::path(directory);
        let plugins = watch::plugins(directory, config.file.as_deref())
            .map_err(|error| format!("can't look into {shown}: {error}"))?;
        let (beside, mistakes) = beside::read_all(&plugins, config);
        if let Some((name, error)) = mistakes.into_iter().next() {
            return Err(format!("plugin {name}: {error}"));
        }
        let config = Config {
            beside,
            ..config.clone()
        };
        let lab = Lab::new(cache(&config), config.most_memory())?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let shared = Shared::new(&runtime, now)?;
        let members = members(&lab, &config, &plugins, &shared)?;
        let chains = Chains::default().replace(&config.routes, &members);
        let names = config.backends.keys().cloned();
        let names = names.chain([DEFAULT_BACKEND.to_owned()]);
        Ok(Self {
            routes: config.routes.iter().cloned().zip(chains).collect(),
            backends: Arc::new(BackendNames::new(names)),
            runtime,
            _lab: lab,
        })
    }

    /// So many microseconds pass.
    pub fn wait(&self, micros: u64) {
        if micros > 0 {
            let time = Duration::from_micros(micros);
            // In the runtime, whose clock it is.
            self.runtime
                .block_on(async { tokio::time::sleep(time).await });
        }
    }

    /// The route of a request: its chain, and the backend that it would go to. None if no route matches.
    pub fn route(&self, head: &RequestHead) -> Option<(StageChain, BackendChoice)> {
        let host = head.fields.get_text(Known::Host).unwrap_or("");
        let path = head.target.path();
        let (route, chain) = self
            .routes
            .iter()
            .find(|(route, _)| route.fits(host, path))?;
        let backend = BackendChoice::of(&self.backends, &route.backend);
        Some((chain.current(), backend.unwrap_or_default()))
    }
}

impl Shared {
    fn new(runtime: &Runtime, now: Duration) -> Result<Self, String> {
        let clock = PausedClock::new(now, runtime.handle());
        let time: Arc<dyn Clock> = Arc::new(clock.clone());
        let store = StoreConfig {
            kind: Kind::Memory,
            quotas: Quotas::default(),
        };
        let store = Store::open_at(&store, time).map_err(|error| error.to_string())?;
        let outbound = Outbound::new(OutboundConfig::default());
        Ok(Self {
            store: Arc::new(store),
            outbound: outbound.map_err(|error| error.to_string())?,
            clock,
        })
    }

    /// What a plugin has by what is granted to it.
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

/// The plugins that would serve, and the places of those that must and can't.
fn members(
    lab: &Lab,
    config: &Config,
    plugins: &BTreeMap<String, PluginFiles>,
    shared: &Shared,
) -> Result<Vec<Member>, String> {
    let mut members = Vec::new();
    for (name, files) in plugins {
        let own = config.for_plugin(name);
        let Some(code) = files.code.as_ref().filter(|_| own.enabled) else {
            continue;
        };
        let refused = |error| format!("plugin {name}: {}: {error}", text::path(code));
        let mut alone = own.clone();
        // For its first calls: it is granted, and leads nowhere.
        alone.allow.http = alone.allow.http.map(|_| crate::outbound::Allow::default());
        let guest = lab.plugin_file(name, code, alone).map_err(refused)?;
        lab.trial(&guest).map_err(refused)?;
        members.push(Member::serving(&on_stage(&guest, own, shared)));
    }
    for name in config.required() {
        let has_file = plugins.get(&name).is_some_and(|files| files.code.is_some());
        if !has_file {
            let own = config.for_plugin(&name);
            members.push(Member::missing(name, own, Absence::NoFile));
        }
    }
    Ok(members)
}

/// The same code with the stage's state, clock and network, and nothing in its memory.
fn on_stage(guest: &Guest, config: PluginConfig, shared: &Shared) -> Guest {
    let own = guest.version();
    let services = shared.services(&own.name, &config);
    let ambient = Ambient {
        clock: Some(shared.clock.clone()),
        // The same numbers each time, so that two runs can be compared.
        seed: Some(0),
    };
    let version = PluginVersion::new(own.name.clone(), own.hash, config);
    let version = version.with_ambient(ambient).with_services(services);
    guest.again(Arc::new(version.with_schema(own.schema.clone())))
}

/// The cache of `run`, if there is one already.
fn cache(config: &Config) -> Option<Cache> {
    let directory = config.cache.dir.as_ref();
    let directory = directory.filter(|directory| directory.exists())?;
    Cache::open(directory, config.cache.max_bytes).ok()
}

/// Refuses every call: what others answered is not on a tape, and nothing is sent for a question.
struct Nowhere;

impl StandIn for Nowhere {
    fn answer(&self, _: Request<Bytes>) -> StandInAnswer<'_> {
        let text = "a what-if sends nothing: no answer to this call is on the tape";
        Box::pin(async move { Err(CallError::Configuration(text.to_owned())) })
    }
}
