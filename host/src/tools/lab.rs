//! What the tools need to compile a plugin and to call it as the proxy does.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::cli::RunArgs;
use crate::config::{self, ConfigErrors, PluginConfig};
use crate::outbound::OutboundConfig;
use crate::plugin::load::Loaded;
use crate::plugin::schema::SettingsSchema;
use crate::plugin::{
    self, Cache, ContentHash, Engines, Guest, HooksCompiler, PluginError, PluginVersion, Resources,
    Services, StandardCompilers, Tier, Trial, Workbench,
};
use crate::store::{Kind, Quotas, StoreConfig};

/// One thread calls the plugin. A permit for it, so that a call runs as it does in the proxy.
const THREADS: usize = 1;
const HELD: usize = 2;

/// An engine, compilers, and a thread for the plugin's calls. Guests need it for as long as they are called.
pub struct Lab {
    bench: Workbench,
    pub runtime: Runtime,
}

impl Lab {
    /// `most_memory` is that of any plugin's instance, in bytes.
    ///
    /// # Errors
    /// When the machine can't run the engine; says why.
    pub fn new(cache: Option<Cache>, most_memory: u64) -> Result<Self, String> {
        let failed =
            |error: wasmtime::Error| format!("can't start the WebAssembly engine: {error:#}");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let engines = Engines::new(most_memory).map_err(failed)?;
        let bench = Workbench {
            compiler: HooksCompiler::new(engines).map_err(failed)?,
            cache,
            most_memory,
            resources: Resources::new(THREADS, HELD, services()?),
            runtime: runtime.handle().clone(),
            standard: StandardCompilers::new(most_memory),
        };
        Ok(Self { bench, runtime })
    }

    /// A plugin from what its file holds, compiled or out of the cache.
    ///
    /// # Errors
    /// The first thing that stands in its way, in the proxy's words.
    pub fn plugin(
        &self,
        name: &str,
        bytes: Vec<u8>,
        config: PluginConfig,
    ) -> Result<Guest, PluginError> {
        self.bench.build_from(name, bytes, None, config)
    }

    /// The same from a file that nobody writes to.
    ///
    /// # Errors
    /// As for [`plugin`](Self::plugin).
    pub fn plugin_file(
        &self,
        name: &str,
        path: &Path,
        config: PluginConfig,
    ) -> Result<Guest, PluginError> {
        self.bench.build(name, path, config)
    }

    /// A version of a plugin, with state and a client if its configuration grants them.
    ///
    /// # Errors
    /// When it can't have them.
    pub fn version(
        &self,
        name: &str,
        hash: ContentHash,
        config: PluginConfig,
        schema: Option<Arc<SettingsSchema>>,
    ) -> Result<Arc<PluginVersion>, PluginError> {
        self.bench.version(name, hash, config, schema)
    }

    /// Compiles and links in one tier.
    ///
    /// # Errors
    /// As for [`plugin`](Self::plugin), and when this tier's compiler declines.
    pub fn compile(
        &self,
        version: &Arc<PluginVersion>,
        loaded: &Loaded,
        tier: Tier,
    ) -> Result<Guest, PluginError> {
        self.bench.compile(version, loaded, tier)
    }

    /// Holds a version's settings against their schema, and makes the calls that the proxy makes before it serves.
    ///
    /// # Errors
    /// Why the proxy would refuse it, in its words.
    pub fn trial(&self, guest: &Guest) -> Result<Trial, PluginError> {
        guest.version().check_settings()?;
        // Not through the bench, whose handle of this runtime drives neither timers nor the guest's tasks.
        self.runtime.block_on(plugin::trial(guest))
    }
}

/// State that ends with the tool, and a client: what the proxy would keep must not change by a test.
fn services() -> Result<Services, String> {
    let state = StoreConfig {
        kind: Kind::Memory,
        quotas: Quotas::default(),
    };
    let services = Services::new(Some(state), OutboundConfig::default());
    services.map_err(|error| error.to_string())
}

/// The cache that `tollgate run` would use here; none if there is none or it can't be used.
///
/// # Errors
/// What is wrong with the variables that name it.
pub fn cache(no_cache: bool) -> Result<Option<Cache>, ConfigErrors> {
    const LOOKED_AT: [&str; 4] = [
        "TOLLGATE_CACHE_DIR",
        "TOLLGATE_NO_CACHE",
        "XDG_CACHE_HOME",
        "HOME",
    ];
    let args = RunArgs {
        no_cache,
        ..RunArgs::default()
    };
    let env = |name: &str| {
        LOOKED_AT
            .contains(&name)
            .then(|| std::env::var_os(name))
            .flatten()
    };
    let config = config::resolve(&args, env)?;
    let Some(directory) = config.cache.dir else {
        return Ok(None);
    };
    let opened = Cache::open(&directory, config.cache.max_bytes);
    Ok(opened
        .inspect_err(|error| tracing::warn!("no cache for compiled plugins: {error}"))
        .ok())
}
