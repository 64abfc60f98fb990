//! Steps 2 and 3 for one file, off the request path: read, hash, check, compile or restore, link; then its trial.
//!
//! Everything here blocks. Whatever goes wrong comes back as the reason; nothing that serves is touched.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::cache::{Cache, Key};
use super::compile::{CompileError, Compiler};
use super::engine::Tier;
use super::facts::Facts;
use super::guest::{Guest, Probed};
use super::load::{self, ContentHash, Kind, LoadError, Loaded, StockWorld};
use super::progress::{Progress, Step};
use super::resources::Resources;
use super::stock::{Handler, StockCompiler};
use crate::config::PluginConfig;
use crate::interceptor::{Hook, InterceptError};
use crate::text;

/// Why a file can't go into service.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// Names and texts of the file are in it.
    #[error("{}", text::lines(&.0.to_string()))]
    Load(#[from] LoadError),
    #[error("it {}", text::lines(&.0.to_string()))]
    Compile(#[from] CompileError),
    #[error(
        "a standard component for {0}, which the configuration doesn't allow; to serve it set `standard-components = true` \
         (or --standard-components)"
    )]
    StockOff(StockWorld),
    #[error("a standard component, and the engine for those can't be started: {0}")]
    StockEngine(String),
    #[error("it can't be started: it {0}")]
    Start(InterceptError),
    /// A mistake of ours; the log has the panic.
    #[error("it made the host's own loader fail")]
    Loader,
    #[error("its first call of {hook} failed: it {error}")]
    FirstCall { hook: Hook, error: InterceptError },
    #[error(
        "its trial was given up: after {limit:?} in all it was still waiting in {}; a plugin that must wait that long in \
         its first calls needs a higher `limits.trial`",
        call_words(.hook.as_ref())
    )]
    TrialStalled { hook: Option<Hook>, limit: Duration },
}

fn call_words(hook: Option<&Hook>) -> String {
    hook.map_or_else(
        || "its start-up".to_owned(),
        |hook| format!("its first call of {hook}"),
    )
}

impl PluginError {
    /// Whether the same file may be fine a little later: calls under way have all instances that there can be.
    pub fn is_for_now(&self) -> bool {
        matches!(
            self,
            PluginError::Start(InterceptError::Unavailable(_))
                | PluginError::FirstCall {
                    error: InterceptError::Unavailable(_),
                    ..
                }
        )
    }

    /// Whether the file may be a copy that isn't finished.
    pub fn could_be_incomplete(&self) -> bool {
        match self {
            PluginError::Load(error) => error.could_be_incomplete(),
            // Function bodies are checked by the compiler; a hole in the file is found there.
            PluginError::Compile(CompileError::Compile(_)) => true,
            PluginError::Compile(_)
            | PluginError::StockOff(_)
            | PluginError::StockEngine(_)
            | PluginError::Start(_)
            | PluginError::Loader
            | PluginError::FirstCall { .. }
            | PluginError::TrialStalled { .. } => false,
        }
    }
}

/// What became of a file.
#[derive(Debug)]
pub enum Prepared<V = Fresh> {
    /// It holds what serves already.
    Unchanged,
    /// It looks fine, but its end can't be told: look again when the file has settled.
    Unsettled,
    Ready(V),
}

/// A version that has code and no trial yet.
#[derive(Debug)]
pub struct Untried {
    pub guest: Arc<Guest>,
    /// As in [`Fresh`].
    pub improve: Option<Arc<Vec<u8>>>,
}

/// A version that has proved itself and waits to be swapped in.
#[derive(Debug)]
pub struct Fresh {
    pub guest: Arc<Guest>,
    pub trial: Probed,
    /// The file's bytes, for the better tier; none when this is the best.
    pub improve: Option<Arc<Vec<u8>>>,
}

/// Why a file can't go into service, and which content it had.
#[derive(Debug)]
pub struct Refusal {
    /// None if the file could not be read.
    pub hash: Option<ContentHash>,
    pub error: PluginError,
}

impl From<PluginError> for Refusal {
    fn from(error: PluginError) -> Self {
        Self { hash: None, error }
    }
}

/// What is needed to prepare plugins.
#[derive(Debug)]
pub struct Workbench {
    pub compiler: Compiler,
    pub cache: Option<Cache>,
    pub resources: Resources,
    /// For the waits of guests that are tried out.
    pub runtime: tokio::runtime::Handle,
    /// Made when the first standard component comes.
    pub stock: Stock,
}

/// The compiler for standard components, when there is need of one.
#[derive(Debug)]
pub struct Stock {
    compiler: OnceLock<Result<StockCompiler, String>>,
    most_memory: u64,
}

impl Stock {
    /// `most_memory` is that of any plugin's instance, in bytes.
    pub fn new(most_memory: u64) -> Self {
        Self {
            compiler: OnceLock::new(),
            most_memory,
        }
    }

    fn compiler(&self) -> Result<&StockCompiler, PluginError> {
        let make = || StockCompiler::new(self.most_memory).map_err(|error| format!("{error:#}"));
        let made = self.compiler.get_or_init(make).as_ref();
        made.map_err(|error| PluginError::StockEngine(error.clone()))
    }
}

impl Workbench {
    /// Makes code of a file. `serving` is the version that serves now.
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
        progress: &Progress,
    ) -> Result<Prepared<Untried>, Refusal> {
        progress.reach(Step::Reading);
        let bytes = load::read(path, config.limits.file_size).map_err(PluginError::from)?;
        let hash = ContentHash::of(&bytes);
        if serving == Some(hash) {
            return Ok(Prepared::Unchanged);
        }
        progress.reach(Step::Compiling);
        let facts = Arc::new(Facts::new(name.to_owned(), hash, config));
        let prepared = self.prepare_bytes(bytes, settled, &facts);
        prepared.map_err(|error| Refusal {
            hash: Some(hash),
            error,
        })
    }

    fn prepare_bytes(
        &self,
        bytes: Vec<u8>,
        settled: bool,
        facts: &Arc<Facts>,
    ) -> Result<Prepared<Untried>, PluginError> {
        if let Some(guest) = self.restore(facts) {
            let improve = (guest.tier() == Tier::Baseline).then(|| Arc::new(bytes));
            let guest = Arc::new(guest);
            return Ok(Prepared::Ready(Untried { guest, improve }));
        }
        let loaded = load::load_for(bytes.clone(), self.compiler.contracts())?;
        if loaded.may_be_prefix && !settled {
            return Ok(Prepared::Unsettled);
        }
        let guest = self.compile_fast(facts, &loaded)?;
        Ok(Prepared::Ready(Untried {
            guest: Arc::new(guest),
            improve: Some(Arc::new(bytes)),
        }))
    }

    /// A version from a file that nobody writes to, without a first call: for tools.
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
        self.build_from(name, bytes, config)
    }

    /// The same from what such a file would hold.
    ///
    /// # Errors
    /// As for [`build`](Self::build).
    pub fn build_from(
        &self,
        name: &str,
        bytes: Vec<u8>,
        config: PluginConfig,
    ) -> Result<Guest, PluginError> {
        let hash = ContentHash::of(&bytes);
        let facts = Arc::new(Facts::new(name.to_owned(), hash, config));
        if let Some(guest) = self.restore(&facts) {
            return Ok(guest);
        }
        let loaded = load::load_for(bytes, self.compiler.contracts())?;
        let guest = self.compile_fast(&facts, &loaded)?;
        self.keep(&guest);
        Ok(guest)
    }

    /// Keeps a version's code for when these bytes are seen again.
    pub fn keep(&self, guest: &Guest) {
        let Some(cache) = &self.cache else { return };
        let key = self.key(guest.facts().hash, guest.tier());
        let kind = guest.kind().to_string();
        if cache.get(&key).is_some_and(|kept| kept.kind == kind) {
            return;
        }
        match guest.serialize() {
            Ok(bytes) => cache.put(&key, &kind, &bytes),
            Err(error) => tracing::warn!("compiled code can't be kept: {error:#}"),
        }
    }

    /// Makes the best code for a version that serves, and keeps it. None when it has the best already.
    ///
    /// # Errors
    /// As for [`prepare`](Self::prepare); the version goes on with the code that it has.
    pub fn improve(&self, guest: &Guest, bytes: &[u8]) -> Result<Option<Arc<Guest>>, PluginError> {
        if guest.tier() == Tier::Optimized {
            return Ok(None);
        }
        let loaded = load::load_for(bytes.to_vec(), self.compiler.contracts())?;
        let better = self.compile(guest.facts(), &loaded, Tier::Optimized)?;
        self.keep(&better);
        Ok(Some(Arc::new(better)))
    }

    /// The quickest code that can be had: what Winch refuses (SIMD of some kinds, tail calls) goes to Cranelift.
    fn compile_fast(&self, facts: &Arc<Facts>, loaded: &Loaded) -> Result<Guest, PluginError> {
        match self.compile(facts, loaded, Tier::Baseline) {
            Err(PluginError::Compile(CompileError::Compile(reason))) => {
                tracing::debug!("the baseline compiler declined ({reason}); trying the other");
                self.compile(facts, loaded, Tier::Optimized)
            }
            done => done,
        }
    }

    /// Compiles and links in one tier.
    ///
    /// # Errors
    /// When the compiler declines, or a standard component is not allowed.
    pub fn compile(
        &self,
        facts: &Arc<Facts>,
        loaded: &Loaded,
        tier: Tier,
    ) -> Result<Guest, PluginError> {
        let (min, limit) = (loaded.min_memory, facts.config.limits.memory);
        if min > limit {
            return Err(CompileError::Memory { min, limit }.into());
        }
        match loaded.kind {
            Kind::Interceptor(contract) => {
                let code = self.compiler.compile(&loaded.component, contract, tier)?;
                Ok(self.hooks(facts, tier, code))
            }
            Kind::Stock(world) if !facts.config.stock => Err(PluginError::StockOff(world)),
            Kind::Stock(world) => {
                let compiler = self.stock.compiler()?;
                let code = compiler.compile(&loaded.component, tier, &self.compiler)?;
                Ok(Guest::stock(facts.clone(), tier, Handler::new(world, code)))
            }
        }
    }

    fn hooks(&self, facts: &Arc<Facts>, tier: Tier, code: super::compile::Code) -> Guest {
        Guest::new(facts.clone(), tier, code, self.resources.clone())
    }

    /// The trial of a version: its first calls, for an exchange of the host's own. Takes as long as the guest computes in
    /// them, and `limits.trial` if it waits.
    ///
    /// # Errors
    /// When it can't be started or a call fails.
    pub fn try_out(&self, guest: &Guest) -> Result<Probed, PluginError> {
        let tried = self.runtime.block_on(guest.probe());
        tried.map_err(|(hook, error)| match (hook, error) {
            (hook, InterceptError::Stalled { .. }) => PluginError::TrialStalled {
                hook,
                limit: guest.facts().limits.trial,
            },
            (Some(hook), error) => PluginError::FirstCall { hook, error },
            (None, error) => PluginError::Start(error),
        })
    }

    fn restore(&self, facts: &Arc<Facts>) -> Option<Guest> {
        [Tier::Optimized, Tier::Baseline]
            .into_iter()
            .find_map(|tier| self.restore_tier(facts, tier))
    }

    fn restore_tier(&self, facts: &Arc<Facts>, tier: Tier) -> Option<Guest> {
        let kept = self.cache.as_ref()?.get(&self.key(facts.hash, tier))?;
        let restored = match Kind::named(&kept.kind, self.compiler.contracts())? {
            Kind::Interceptor(contract) => {
                let code = self.compiler.restore(&kept.code, contract, tier);
                code.map(|code| self.hooks(facts, tier, code))
            }
            Kind::Stock(_) if !facts.config.stock => return None,
            Kind::Stock(world) => {
                let code = self.stock.compiler().ok()?.restore(&kept.code, tier);
                code.map(|code| Guest::stock(facts.clone(), tier, Handler::new(world, code)))
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

    fn key(&self, hash: ContentHash, tier: Tier) -> Key {
        Key {
            hash,
            tier,
            fingerprint: self.compiler.fingerprint(tier),
        }
    }
}
