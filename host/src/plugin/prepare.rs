//! Steps 2 and 3 for one file, off the request path: read, hash, check, compile or restore, link, try out.
//!
//! Everything here blocks. Whatever goes wrong comes back as the reason; nothing that serves is touched.

use std::path::Path;
use std::sync::Arc;

use super::cache::{Cache, Key};
use super::compile::{Code, CompileError, Compiler};
use super::engine::Tier;
use super::facts::Facts;
use super::guest::Guest;
use super::load::{self, ContentHash, Kind, LoadError, Loaded};
use super::seats::Seats;
use crate::config::PluginConfig;
use crate::interceptor::{Hook, InterceptError};

/// Why a file can't go into service.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("it {0}")]
    Compile(#[from] CompileError),
    #[error("it can't be started: it {0}")]
    Start(InterceptError),
    /// A mistake of ours; the log has the panic.
    #[error("it made the host's own loader fail")]
    Loader,
    #[error("its first call of {hook} failed: it {error}")]
    FirstCall { hook: Hook, error: InterceptError },
}

impl PluginError {
    /// Whether the file may be a copy that isn't finished.
    pub fn could_be_incomplete(&self) -> bool {
        match self {
            PluginError::Load(error) => error.could_be_incomplete(),
            // Function bodies are checked by the compiler; a hole in the file is found there.
            PluginError::Compile(CompileError::Compile(_)) => true,
            PluginError::Compile(_)
            | PluginError::Start(_)
            | PluginError::Loader
            | PluginError::FirstCall { .. } => false,
        }
    }
}

/// What became of a file.
#[derive(Debug)]
pub enum Prepared {
    /// It holds what serves already.
    Unchanged,
    /// It looks fine, but its end can't be told: look again when the file has settled.
    Unsettled,
    Ready(Fresh),
}

/// A version that has proved itself and waits to be swapped in.
#[derive(Debug)]
pub struct Fresh {
    pub guest: Arc<Guest>,
    /// The file's bytes, for the better tier; none when this is the best.
    pub improve: Option<Arc<Vec<u8>>>,
}

/// What is needed to prepare plugins.
#[derive(Debug)]
pub struct Workbench {
    pub compiler: Compiler,
    pub cache: Option<Cache>,
    /// Threads that will call the plugin.
    pub threads: usize,
    /// For the calls of all plugins.
    pub seats: Arc<Seats>,
    /// For the waits of guests that are tried out.
    pub runtime: tokio::runtime::Handle,
}

impl Workbench {
    /// Takes a file as far as it gets. `serving` is the version that serves now.
    ///
    /// # Errors
    /// The first thing that stands in its way.
    pub fn prepare(
        &self,
        name: &str,
        path: &Path,
        settled: bool,
        serving: Option<ContentHash>,
        config: PluginConfig,
    ) -> Result<Prepared, PluginError> {
        let bytes = load::read(path, load::DEFAULT_MAX_SIZE)?;
        let hash = ContentHash::of(&bytes);
        if serving == Some(hash) {
            return Ok(Prepared::Unchanged);
        }
        let facts = Arc::new(Facts::new(name.to_owned(), hash, config));
        if let Some((tier, code)) = self.restore(hash) {
            let guest = self.try_out(&facts, tier, code)?;
            let improve = (tier == Tier::Baseline).then(|| Arc::new(bytes));
            return Ok(Prepared::Ready(Fresh { guest, improve }));
        }
        let loaded = load::load_for(bytes.clone(), self.compiler.contracts())?;
        if loaded.may_be_prefix && !settled {
            return Ok(Prepared::Unsettled);
        }
        let (tier, code) = self.compile_fast(&loaded)?;
        let guest = self.try_out(&facts, tier, code)?;
        Ok(Prepared::Ready(Fresh {
            guest,
            improve: Some(Arc::new(bytes)),
        }))
    }

    /// Keeps a version's code for when these bytes are seen again.
    pub fn keep(&self, guest: &Guest) {
        self.store(guest.facts().hash, guest.tier(), guest.code());
    }

    /// Makes the best code for a version that serves, and keeps it. None when it has the best already.
    ///
    /// # Errors
    /// As for [`prepare`](Self::prepare); the version goes on with the code that it has.
    pub fn improve(&self, guest: &Guest, bytes: &[u8]) -> Result<Option<Arc<Guest>>, PluginError> {
        let facts = guest.facts();
        if guest.tier() == Tier::Optimized {
            return Ok(None);
        }
        let loaded = load::load_for(bytes.to_vec(), self.compiler.contracts())?;
        let code = self.compile(&loaded, Tier::Optimized)?;
        self.store(facts.hash, Tier::Optimized, &code);
        self.try_out(facts, Tier::Optimized, code).map(Some)
    }

    /// The quickest code that can be had: what Winch refuses (SIMD of some kinds, tail calls) goes to Cranelift.
    fn compile_fast(&self, loaded: &Loaded) -> Result<(Tier, Code), PluginError> {
        match self.compile(loaded, Tier::Baseline) {
            Ok(code) => Ok((Tier::Baseline, code)),
            Err(CompileError::Compile(reason)) => {
                tracing::debug!("the baseline compiler declined ({reason}); trying the other");
                Ok((Tier::Optimized, self.compile(loaded, Tier::Optimized)?))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn compile(&self, loaded: &Loaded, tier: Tier) -> Result<Code, CompileError> {
        self.compiler.compile(&loaded.component, loaded.kind, tier)
    }

    fn try_out(
        &self,
        facts: &Arc<Facts>,
        tier: Tier,
        code: Code,
    ) -> Result<Arc<Guest>, PluginError> {
        let guest = Guest::new(facts.clone(), tier, code, self.threads, self.seats.clone());
        self.runtime
            .block_on(guest.probe())
            .map_err(|(hook, error)| match hook {
                Some(hook) => PluginError::FirstCall { hook, error },
                None => PluginError::Start(error),
            })?;
        Ok(Arc::new(guest))
    }

    fn restore(&self, hash: ContentHash) -> Option<(Tier, Code)> {
        [Tier::Optimized, Tier::Baseline]
            .into_iter()
            .find_map(|tier| self.restore_tier(hash, tier).map(|code| (tier, code)))
    }

    fn restore_tier(&self, hash: ContentHash, tier: Tier) -> Option<Code> {
        let kept = self.cache.as_ref()?.get(&self.key(hash, tier))?;
        let kind = Kind::named(&kept.kind, self.compiler.contracts())?;
        match self.compiler.restore(&kept.code, kind, tier) {
            Ok(code) => Some(code),
            Err(error) => {
                tracing::warn!(
                    "compiled code in {} can't be used ({error}); compiling again",
                    kept.code.display()
                );
                None
            }
        }
    }

    fn store(&self, hash: ContentHash, tier: Tier, code: &Code) {
        let Some(cache) = &self.cache else { return };
        let (key, kind) = (self.key(hash, tier), code.kind.to_string());
        if cache.get(&key).is_some_and(|kept| kept.kind == kind) {
            return;
        }
        match code.serialize() {
            Ok(bytes) => cache.put(&key, &kind, &bytes),
            Err(error) => tracing::warn!("compiled code can't be kept: {error:#}"),
        }
    }

    fn key(&self, hash: ContentHash, tier: Tier) -> Key {
        Key {
            hash,
            tier,
            fingerprint: self.compiler.fingerprint(tier),
        }
    }
}
