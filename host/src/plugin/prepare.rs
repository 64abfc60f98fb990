//! Steps 2 and 3 for one file, off the request path: read, hash, check, compile or restore, link; then its trial.
//!
//! Everything here blocks. Whatever goes wrong comes back as the reason; nothing that serves is touched.

mod again;
mod compile;
mod current;
mod error;
mod files;

use std::path::Path;
use std::sync::Arc;

use super::cache::{Cache, CacheKey, KeptCode};
use super::hash::ContentHash;
use super::kind::hooks::{HooksCode, HooksCompiler, HooksPlugin, Resources};
use super::kind::wasi_http::{StandardCompilers, StandardComponent};
use super::kind::{Guest, Linking, PluginKind, Trial};
use super::load::{self, Loaded};
use super::progress::{LoadProgress, LoadStep};
use super::schema::SettingsSchema;
use super::wasm::{CompileError, PluginVersion, Tier};
use super::watch;
use crate::config::{Permission, PluginConfig};
use crate::interceptor::InterceptError;

use current::is_so;
pub use current::{Current, Pin};
pub use error::PluginError;
pub use files::{CodeFiles, settings_schema};

/// What became of a file.
#[derive(Debug)]
pub enum PreparedFile<V = Fresh> {
    /// There is configuration for it, and no code.
    NoCode,
    /// Its configuration switches it off.
    Disabled,
    /// It holds what serves already.
    Unchanged,
    /// It looks fine, but its end can't be told: look again when the file has settled.
    Unsettled,
    Ready(V),
}

/// A version that has code and no trial yet.
#[derive(Debug)]
pub struct Untried {
    pub guest: Guest,
    /// As in [`Fresh`].
    pub improve: Option<Arc<Vec<u8>>>,
}

/// A version that has proved itself and waits to be swapped in.
#[derive(Debug)]
pub struct Fresh {
    pub guest: Guest,
    pub trial: Trial,
    /// The file's bytes, for the better tier; none when this is the best.
    pub improve: Option<Arc<Vec<u8>>>,
}

/// Why a file can't go into service, and which content it had.
#[derive(Debug)]
pub struct FileRefusal {
    /// None if the file could not be read.
    pub hash: Option<ContentHash>,
    pub error: PluginError,
}

impl From<PluginError> for FileRefusal {
    fn from(error: PluginError) -> Self {
        Self { hash: None, error }
    }
}

/// What is needed to prepare plugins.
#[derive(Debug)]
pub struct Workbench {
    pub compiler: HooksCompiler,
    pub cache: Option<Cache>,
    /// Bytes of linear memory that an instance can have at the most, whatever is configured.
    pub most_memory: u64,
    pub resources: Resources,
    /// For the waits of guests in their trial.
    pub runtime: tokio::runtime::Handle,
    pub standard: StandardCompilers,
}

impl Workbench {
    /// Makes code of a file. Under another configuration the code of the version that serves is taken again. `content` is set
    /// when the file could be read.
    ///
    /// # Errors
    /// The first thing that stands in its way.
    #[expect(
        clippy::too_many_arguments,
        reason = "one for each thing that it depends on"
    )]
    pub fn prepare(
        &self,
        name: &str,
        code: CodeFiles<'_>,
        settled: bool,
        current: &Current,
        config: PluginConfig,
        progress: &LoadProgress,
        content: &mut Option<ContentHash>,
    ) -> Result<PreparedFile<Untried>, FileRefusal> {
        progress.reach(LoadStep::Reading);
        let bytes = load::read(code.code, config.limits.file_size).map_err(PluginError::from)?;
        let hash = ContentHash::of(&bytes);
        *content = Some(hash);
        let refused = |error| FileRefusal {
            hash: Some(hash),
            error,
        };
        if let Some(pin) = current.pin_against(hash) {
            let prepared = self.prepare_pinned(pin, current.serving.as_ref(), code.schema, config);
            return prepared.map_err(refused);
        }
        let serving = current.serving.as_ref();
        let serving = serving.filter(|guest| guest.version().hash == hash);
        let prepare = || {
            let schema = settings_schema(&bytes, code.schema)?;
            if serving.is_some_and(|guest| is_so(guest, &config, schema.as_ref())) {
                return Ok(PreparedFile::Unchanged);
            }
            // What the standard components' switch says decides whether there may be such code at all.
            let same_kind = |guest: &&Guest| guest.version().config.standard == config.standard;
            let serving = serving.filter(same_kind);
            progress.reach(LoadStep::Compiling);
            let version = self.version(name, hash, config, schema)?;
            version.check_settings()?;
            match serving {
                Some(guest) => allowed(guest.again(version)).map(|guest| ready(guest, bytes)),
                None => self.prepare_bytes(bytes, settled, &version),
            }
        };
        prepare().map_err(refused)
    }

    /// A version of this plugin, with what it reaches.
    ///
    /// # Errors
    /// When the store of its state can't be opened.
    pub fn version(
        &self,
        name: &str,
        hash: ContentHash,
        config: PluginConfig,
        schema: Option<Arc<SettingsSchema>>,
    ) -> Result<Arc<PluginVersion>, PluginError> {
        let services = self.resources.services.for_plugin(name, &config.allow)?;
        let version = PluginVersion::new(name.to_owned(), hash, config);
        let version = version.with_services(services).with_schema(schema);
        Ok(Arc::new(version))
    }

    fn prepare_bytes(
        &self,
        bytes: Vec<u8>,
        settled: bool,
        version: &Arc<PluginVersion>,
    ) -> Result<PreparedFile<Untried>, PluginError> {
        if let Some(guest) = self.restore(version)? {
            return Ok(ready(guest, bytes));
        }
        let loaded = load::load_for(bytes.clone(), self.compiler.contracts())?;
        if loaded.may_be_prefix && !settled {
            return Ok(PreparedFile::Unsettled);
        }
        let guest = self.compile_fast(version, &loaded)?;
        Ok(PreparedFile::Ready(Untried {
            guest,
            improve: Some(Arc::new(bytes)),
        }))
    }

    /// A version from a file that nobody writes to, without a first call and whatever its settings are: for tools.
    ///
    /// # Errors
    /// The first thing that stands in its way.
    pub fn build(
        &self,
        name: &str,
        path: &Path,
        config: PluginConfig,
    ) -> Result<Guest, PluginError> {
        let bytes = load::read(path, config.limits.file_size)?;
        let schema = watch::schema_beside(path).filter(|path| path.exists());
        self.build_from(name, bytes, schema.as_deref(), config)
    }

    /// The same from what such a file would hold, and the file of a schema if there is one.
    ///
    /// # Errors
    /// As for [`build`](Self::build).
    pub fn build_from(
        &self,
        name: &str,
        bytes: Vec<u8>,
        schema: Option<&Path>,
        config: PluginConfig,
    ) -> Result<Guest, PluginError> {
        let hash = ContentHash::of(&bytes);
        let schema = settings_schema(&bytes, schema)?;
        let version = self.version(name, hash, config, schema)?;
        if let Some(guest) = self.restore(&version)? {
            return Ok(guest);
        }
        let loaded = load::load_for(bytes, self.compiler.contracts())?;
        let guest = self.compile_fast(&version, &loaded)?;
        self.keep(&guest);
        Ok(guest)
    }

    /// Keeps a version's code for when these bytes are seen again.
    pub fn keep(&self, guest: &Guest) {
        let Some(cache) = &self.cache else { return };
        let key = self.key(guest.version().hash, guest.tier());
        let kind = guest.kind();
        let what = (&*kind, guest.linking().map(Linking::name));
        let is_kept = |kept: KeptCode| (&*kept.kind, kept.linking.as_deref()) == what;
        if cache.get(&key).is_some_and(is_kept) {
            return;
        }
        match guest.serialize() {
            Ok(bytes) => cache.put(&key, what, &bytes),
            Err(error) => tracing::warn!("compiled code can't be kept: {error:#}"),
        }
    }

    /// Makes the best code for a version that serves, and keeps it. None when it has the best already.
    ///
    /// # Errors
    /// As for [`prepare`](Self::prepare); the version goes on with the code that it has.
    pub fn improve(&self, guest: &Guest, bytes: &[u8]) -> Result<Option<Guest>, PluginError> {
        if guest.tier() == Tier::Optimized {
            return Ok(None);
        }
        let loaded = load::load_for(bytes.to_vec(), self.compiler.contracts())?;
        let better = self.compile(guest.version(), &loaded, Tier::Optimized)?;
        self.keep(&better);
        Ok(Some(better))
    }

    /// The quickest code that can be had: what Winch refuses (SIMD of some kinds, tail calls) goes to Cranelift.
    fn compile_fast(
        &self,
        version: &Arc<PluginVersion>,
        loaded: &Loaded,
    ) -> Result<Guest, PluginError> {
        match self.compile(version, loaded, Tier::Baseline) {
            Err(PluginError::Compile(CompileError::Compile(reason))) => {
                tracing::debug!("the baseline compiler declined ({reason}); trying the other");
                self.compile(version, loaded, Tier::Optimized)
            }
            done => done,
        }
    }

    fn hooks(&self, version: &Arc<PluginVersion>, tier: Tier, code: HooksCode) -> Guest {
        let resources = self.resources.clone();
        Guest::Hooks(Arc::new(HooksPlugin::new(
            version.clone(),
            tier,
            code,
            resources,
        )))
    }

    /// The [trial](trial) of a version, on this thread.
    ///
    /// # Errors
    /// When it can't be started or a call fails.
    pub fn trial(&self, guest: &Guest) -> Result<Trial, PluginError> {
        self.runtime.block_on(trial(guest))
    }

    /// A version of which the code was kept.
    ///
    /// # Errors
    /// When the configuration does not grant it what it imports.
    fn restore(&self, version: &Arc<PluginVersion>) -> Result<Option<Guest>, PluginError> {
        let mut tiers = [Tier::Optimized, Tier::Baseline].into_iter();
        let restored = tiers.find_map(|tier| self.restore_tier(version, tier));
        restored.map(allowed).transpose()
    }

    fn restore_tier(&self, version: &Arc<PluginVersion>, tier: Tier) -> Option<Guest> {
        let kept = self.cache.as_ref()?.get(&self.key(version.hash, tier))?;
        let restored = match PluginKind::named(&kept.kind, self.compiler.contracts())? {
            PluginKind::Interceptor(contract) => {
                let linking = kept.linking.as_deref().and_then(Linking::named)?;
                let code = self.compiler.restore(&kept.code, contract, tier, &linking);
                code.map(|code| self.hooks(version, tier, code))
            }
            PluginKind::Standard(_) if !version.config.standard => return None,
            PluginKind::Standard(world) => {
                let code = self.standard.get().ok()?.restore(&kept.code, tier);
                code.map(|code| {
                    let component = StandardComponent::new(version.clone(), tier, world, code);
                    Guest::Around(Arc::new(component))
                })
            }
        };
        restored
            .inspect_err(|error| {
                tracing::warn!(
                    "compiled code in {} can't be used ({error}); compiling again",
                    kept.code.display()
                );
            })
            .ok()
    }

    fn key(&self, hash: ContentHash, tier: Tier) -> CacheKey {
        CacheKey {
            hash,
            tier,
            fingerprint: self.compiler.fingerprint(tier),
        }
    }
}

/// A version of which there is code; if it is not the best, the bytes are for better.
fn ready(guest: Guest, bytes: Vec<u8>) -> PreparedFile<Untried> {
    let improve = (guest.tier() == Tier::Baseline).then(|| Arc::new(bytes));
    PreparedFile::Ready(Untried { guest, improve })
}

/// A version to which the configuration grants what it imports.
fn allowed(guest: Guest) -> Result<Guest, PluginError> {
    let version = guest.version();
    let permissions = guest.permissions().iter().copied();
    let missing: Vec<_> = permissions
        .filter(|permission| !version.config.allow.grants(*permission))
        .collect();
    match missing.is_empty() {
        true => Ok(guest),
        false => Err(PluginError::NotAllowed {
            lines: Permission::lines(&missing, &version.name),
            name: version.name.clone(),
        }),
    }
}

/// The trial of a version: its first calls, for an exchange of the host's own. Takes as long as the guest computes in
/// them, and `limits.trial` if it waits.
///
/// # Errors
/// When it can't be started or a call fails.
pub async fn trial(guest: &Guest) -> Result<Trial, PluginError> {
    let tried = guest.trial().await;
    tried.map_err(|(hook, error)| match (hook, error) {
        (hook, InterceptError::Stalled { .. }) => PluginError::TrialStalled {
            hook,
            limit: guest.version().limits.trial,
        },
        (None, InterceptError::NotStarted(message)) => PluginError::NotStarted(message),
        (Some(hook), error) => PluginError::FirstCall { hook, error },
        (None, error) => PluginError::Start(error),
    })
}
