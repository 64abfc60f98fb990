//! The chains that a proxy would have with the plugins of a directory as they are now.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::backend::DEFAULT_BACKEND;
use crate::config::{Config, PluginConfig};
use crate::interceptor::{Absence, ChainSource as _};
use crate::message::{BackendChoice, BackendNames};
use crate::outbound::Allow;
use crate::plugin::watch::{self, PluginFiles};
use crate::plugin::{Cache, Chains, Guest, Member, PluginVersion, beside};
use crate::text;
use crate::tools::lab::Lab;
use crate::what_if::Route;

/// The routes of a configuration with their chains. Guests need the lab for as long as they are called.
pub struct Directory {
    pub routes: Vec<Route>,
    pub lab: Lab,
}

impl Directory {
    /// Loads its plugins, and tries them as the proxy does.
    ///
    /// # Errors
    /// When a plugin can't serve, or the machine can't run the engine; says why.
    pub fn load(config: &Config) -> Result<Self, String> {
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
        let members = members(&lab, &config, &plugins)?;
        Ok(Self {
            routes: routes(&config, &members),
            lab,
        })
    }
}

fn routes(config: &Config, members: &[Member]) -> Vec<Route> {
    let names = config.backends.keys().cloned();
    let names = names.chain([DEFAULT_BACKEND.to_owned()]);
    let names = Arc::new(BackendNames::new(names));
    let chains = Chains::default().replace(&config.routes, members);
    let routes = config.routes.iter().zip(chains);
    let route = routes.map(|(route, chain)| Route {
        config: route.clone(),
        backend: BackendChoice::of(&names, &route.backend).unwrap_or_default(),
        chain: chain.current(),
    });
    route.collect()
}

/// The plugins that would serve, and the places of those that must and can't.
fn members(
    lab: &Lab,
    config: &Config,
    plugins: &BTreeMap<String, PluginFiles>,
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
        alone.allow.http = alone.allow.http.map(|_| Allow::default());
        let guest = lab.plugin_file(name, code, alone).map_err(refused)?;
        lab.trial(&guest).map_err(refused)?;
        members.push(Member::serving(&configured(&guest, own)));
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

/// The same code under its own configuration.
fn configured(guest: &Guest, config: PluginConfig) -> Guest {
    let tried = guest.version();
    let version = PluginVersion::new(tried.name.clone(), tried.hash, config);
    guest.again(Arc::new(version.with_schema(tried.schema.clone())))
}

/// The cache of `run`, if there is one already.
fn cache(config: &Config) -> Option<Cache> {
    let directory = config.cache.dir.as_ref();
    let directory = directory.filter(|directory| directory.exists())?;
    Cache::open(directory, config.cache.max_bytes).ok()
}
