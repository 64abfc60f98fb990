//! One guest in every way in which it can be linked and called: directly and as a component, straight and yielding, by either
//! compiler. What comes of it must be the same.

use std::sync::Arc;

use tokio::task::block_in_place;

use super::{Exchange, HooksPlugin, Resources, Workbench, hooks_of, hosts, services};
use crate::config::{PluginConfig, PluginLimits};
use crate::interceptor::{InterceptError, Transform, Verdict};
use crate::plugin::hash::ContentHash;
use crate::plugin::kind::hooks::Contracts;
use crate::plugin::kind::linking::Linking;
use crate::plugin::load;
use crate::plugin::prepare::PluginError;
use crate::plugin::{Guest, Services, Tier};

/// One of the ways.
pub struct Way {
    host: Workbench,
    tier: Tier,
    pub name: String,
}

/// All of them. The first half links directly.
pub fn all() -> Vec<Way> {
    let mut ways = Vec::new();
    for number in [0, 1] {
        for (straight, tier) in [
            (true, Tier::Optimized),
            (false, Tier::Baseline),
            (false, Tier::Optimized),
        ] {
            let [direct, component] = hosts(Contracts::SERVED, None);
            let mut host = if number == 0 { direct } else { component };
            // One thread that may be held, or none.
            host.resources = Resources::new(1, if straight { 2 } else { 1 }, services());
            let linking = ["direct", "component"][number];
            let pace = if straight { "straight" } else { "yielding" };
            ways.push(Way {
                host,
                tier,
                name: format!("{linking}, {pace}, {tier}"),
            });
        }
    }
    ways
}

impl Way {
    pub fn is_direct(&self) -> bool {
        self.name.starts_with("direct")
    }

    /// What its plugins reach.
    pub fn services(&self) -> &Services {
        &self.host.resources.services
    }

    /// Code of a plugin file, with no trial.
    pub fn load(&self, file: &str, limits: PluginLimits) -> Result<Guest, PluginError> {
        let mut config = PluginConfig::new(limits);
        config.settings = [("one", "first"), ("two", "ü")].into();
        self.load_with(file, config)
    }

    /// The same with this configuration.
    pub fn load_with(&self, file: &str, config: PluginConfig) -> Result<Guest, PluginError> {
        let loaded = load::load_for(file.as_bytes().to_vec(), Contracts::SERVED)?;
        let hash = ContentHash::of(file.as_bytes());
        let version = self.host.version("p", hash, config, None)?;
        block_in_place(|| self.host.compile(&version, &loaded, self.tier))
    }

    /// The same, sure to be linked in this way.
    pub fn plugin(&self, file: &str, limits: PluginLimits) -> Arc<HooksPlugin> {
        let guest = self.load(file, limits).unwrap();
        let linking = guest.linking().cloned();
        assert_eq!(
            linking == Some(Linking::Direct),
            self.is_direct(),
            "{}: {linking:?}",
            self.name
        );
        hooks_of(&guest.link())
    }
}

/// Both hooks for one exchange, and what became of it.
pub async fn call_both(
    plugin: &HooksPlugin,
    exchange: Exchange,
) -> (
    Box<Exchange>,
    Result<Verdict, InterceptError>,
    Result<(), InterceptError>,
) {
    let (exchange, forward) = plugin.forward_request(Box::new(exchange)).await;
    let (exchange, back) = plugin.return_response(exchange).await;
    (exchange, forward, back)
}
