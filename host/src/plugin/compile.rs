//! Step 3: a component becomes code that is linked to the host, in one of two tiers.
//!
//! Compiling runs on few threads of its own with a low priority, so that it gets what the proxy leaves.

use std::path::Path;
use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};

use super::bindings::PluginPre;
use super::engine::{Engines, Tier};
use super::host::{self, State};

/// Threads for one component; more gain little and take the proxy's caches.
const MOST_THREADS: usize = 4;

/// What a plugin exports; another patch version of the contract is found by it too.
const INTERCEPTOR: &str = "tollgate:proxy/interceptor@0.1.0";

/// Interfaces of which only the function `body` can keep a guest waiting.
const OURS: [&str; 3] = ["tollgate:proxy/", "wasi:config/", "wasi:logging/"];

/// Somebody waits for a baseline compile, so it shares the cores with the proxy like any other thread of its; for an
/// optimized one nobody waits.
const BASELINE_NICENESS: i32 = 0;
const OPTIMIZED_NICENESS: i32 = 15;

/// Why a component could not be compiled or linked, in wasmtime's words.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    #[error("can't be compiled: {0}")]
    Compile(String),
    #[error("can't be linked: {0}")]
    Link(String),
    #[error("doesn't export what a plugin must: {0}")]
    Export(String),
}

/// Compiles and links for both tiers.
pub struct Compiler {
    engines: Arc<Engines>,
    baseline: Workshop,
    optimized: Workshop,
}

impl std::fmt::Debug for Compiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiler").finish_non_exhaustive()
    }
}

/// What one tier needs.
struct Workshop {
    linker: Linker<State>,
    threads: rayon::ThreadPool,
}

/// Code that is linked to the host, and the component that it came from for the cache to keep. Clones share the code.
#[derive(Clone)]
pub struct Code {
    pub linked: Linked,
    component: Component,
}

/// A component whose imports are linked and whose exports are found: all that an instance is made of.
#[derive(Clone)]
pub struct Linked {
    pub instance: InstancePre<State>,
    pub forward_request: ComponentExportIndex,
    pub return_response: ComponentExportIndex,
    /// Whether it imports a function that can keep it waiting: a body's, or one of WASI's.
    pub can_wait: bool,
}

impl std::fmt::Debug for Linked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Linked")
            .field("can_wait", &self.can_wait)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code").finish_non_exhaustive()
    }
}

impl Code {
    /// The machine code for [`Compiler::restore`].
    ///
    /// # Errors
    /// When wasmtime can't serialise it.
    pub fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        self.component.serialize()
    }
}

impl Compiler {
    /// # Errors
    /// When threads can't be started or the host's interfaces can't be linked.
    pub fn new(engines: Arc<Engines>) -> wasmtime::Result<Self> {
        let baseline = Workshop::new(&engines, Tier::Baseline, BASELINE_NICENESS)?;
        let optimized = Workshop::new(&engines, Tier::Optimized, OPTIMIZED_NICENESS)?;
        Ok(Self {
            engines,
            baseline,
            optimized,
        })
    }

    /// Compiles a binary component. Blocks for as long as that takes: milliseconds to many seconds.
    ///
    /// # Errors
    /// When the component is invalid, uses what this tier can't do, imports what the host doesn't have, or doesn't
    /// export what a plugin must.
    pub fn compile(&self, component: &[u8], tier: Tier) -> Result<Code, CompileError> {
        let engine = self.engines.get(tier);
        let compiled = self.install(tier, || Component::new(engine, component));
        self.link(
            compiled.map_err(|e| CompileError::Compile(format!("{e:#}")))?,
            tier,
        )
    }

    /// Maps code that [`Code::serialize`] wrote, from a file of our own cache.
    ///
    /// # Errors
    /// When the file is not of this engine, and as for [`compile`](Self::compile).
    pub fn restore(&self, file: &Path, tier: Tier) -> Result<Code, CompileError> {
        self.link(map_trusted(self.engines.get(tier), file)?, tier)
    }

    /// Runs work of a compiler on this tier's threads.
    pub fn install<T: Send>(&self, tier: Tier, work: impl FnOnce() -> T + Send) -> T {
        self.workshop(tier).threads.install(work)
    }

    /// Stands for everything about the engine that compiled code depends on: its version, settings and the CPU.
    pub fn fingerprint(&self, tier: Tier) -> u64 {
        self.engines.fingerprint(tier)
    }

    fn link(&self, component: Component, tier: Tier) -> Result<Code, CompileError> {
        let linked = self.workshop(tier).linker.instantiate_pre(&component);
        let linked = linked.map_err(|e| CompileError::Link(format!("{e:#}")))?;
        // Checks the types of the exports, which an index alone doesn't say.
        PluginPre::new(linked.clone()).map_err(|e| CompileError::Export(format!("{e:#}")))?;
        let interceptor = component.get_export_index(None, INTERCEPTOR);
        let find = |name| {
            let function = component.get_export_index(interceptor.as_ref(), name);
            function
                .ok_or_else(|| CompileError::Export(format!("no function {name} in {INTERCEPTOR}")))
        };
        let linked = Linked {
            forward_request: find("forward-request")?,
            return_response: find("return-response")?,
            can_wait: can_wait(&component, self.engines.get(tier)),
            instance: linked,
        };
        Ok(Code { linked, component })
    }

    fn workshop(&self, tier: Tier) -> &Workshop {
        match tier {
            Tier::Baseline => &self.baseline,
            Tier::Optimized => &self.optimized,
        }
    }
}

/// Maps compiled code from a file of our own cache.
///
/// # Errors
/// When the file is not of this engine.
#[expect(unsafe_code, reason = "wasmtime must be told that the code is trusted")]
pub fn map_trusted(engine: &Engine, file: &Path) -> Result<Component, CompileError> {
    // SAFETY: `deserialize_file` runs what the file holds as machine code. The file comes from `cache`, which gives
    // out only what this user wrote into a directory that nobody else may enter, after checking length and
    // checksum, and which replaces and unlinks files but never changes one that may be mapped.
    let component = unsafe { Component::deserialize_file(engine, file) };
    component.map_err(|e| CompileError::Compile(format!("{e:#}")))
}

/// Whether a component imports anything that the host serves with a function that waits.
fn can_wait(component: &Component, engine: &Engine) -> bool {
    let ty = component.component_type();
    ty.imports(engine).any(|(name, import)| match import.ty {
        ComponentItem::ComponentInstance(instance)
            if OURS.iter().any(|ours| name.starts_with(ours)) =>
        {
            instance
                .exports(engine)
                .any(|(function, _)| function == "body")
        }
        _ => true,
    })
}

impl Workshop {
    fn new(engines: &Engines, tier: Tier, niceness: i32) -> wasmtime::Result<Self> {
        let mut linker = Linker::new(engines.get(tier));
        host::add_to_linker(&mut linker)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(cores.min(MOST_THREADS))
            .thread_name(move |n| format!("{tier}-{n}"))
            .start_handler(move |_| lower_priority(niceness))
            .build()?;
        Ok(Self { linker, threads })
    }
}

/// On Linux a niceness belongs to the thread; elsewhere the whole process would get it, so there it is left alone.
fn lower_priority(niceness: i32) {
    #[cfg(target_os = "linux")]
    if let Err(e) = rustix::process::nice(niceness) {
        tracing::debug!("can't lower a compiler thread's priority: {e}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = niceness;
}
