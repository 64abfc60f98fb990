//! Compiling and linking standard components, in two tiers as our own plugins.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::{p2, p3};

use super::state::{self, StandardState};
use crate::plugin::wasm::{CompileError, CompilerThreads, Engines, Tier, map_trusted};

/// The compiler for standard components, made when the first one comes.
#[derive(Debug)]
pub struct StandardCompilers {
    made: OnceLock<Result<StandardCompiler, String>>,
    most_memory: u64,
}

impl StandardCompilers {
    /// `most_memory` is that of any plugin's instance, in bytes.
    pub fn new(most_memory: u64) -> Self {
        Self {
            made: OnceLock::new(),
            most_memory,
        }
    }

    /// # Errors
    /// Why the machine can't run the engine.
    pub fn get(&self) -> Result<&StandardCompiler, &str> {
        let make = || StandardCompiler::new(self.most_memory).map_err(|error| format!("{error:#}"));
        self.made.get_or_init(make).as_ref().map_err(String::as_str)
    }
}

/// Compiles and links standard components.
pub struct StandardCompiler {
    engines: Arc<Engines>,
    baseline: Linker<StandardState>,
    optimized: Linker<StandardState>,
}

impl std::fmt::Debug for StandardCompiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StandardCompiler").finish_non_exhaustive()
    }
}

/// StandardCode that is linked to the host.
pub struct StandardCode {
    pub pre: ProxyPre<StandardState>,
    component: Component,
}

impl std::fmt::Debug for StandardCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StandardCode").finish_non_exhaustive()
    }
}

impl StandardCode {
    pub fn engine(&self) -> &Engine {
        self.component.engine()
    }

    /// The machine code for [`StandardCompiler::restore`].
    ///
    /// # Errors
    /// When wasmtime can't serialise it.
    pub fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        self.component.serialize()
    }
}

impl StandardCompiler {
    /// # Errors
    /// When the engines don't run here or the host's interfaces can't be linked.
    fn new(max_memory: u64) -> wasmtime::Result<Self> {
        let engines = Engines::for_standard_components(max_memory)?;
        let linker = |tier| {
            let mut linker = Linker::new(engines.get(tier));
            state::add_to_linker(&mut linker).map(|()| linker)
        };
        Ok(Self {
            baseline: linker(Tier::Baseline)?,
            optimized: linker(Tier::Optimized)?,
            engines,
        })
    }

    /// Compiles a binary component, on the threads that compile our own plugins too.
    ///
    /// # Errors
    /// As for our own plugins.
    pub fn compile(
        &self,
        component: &[u8],
        tier: Tier,
        threads: &CompilerThreads,
    ) -> Result<StandardCode, CompileError> {
        let engine = self.engines.get(tier);
        let compiled = threads.compile(tier, || Component::new(engine, component))?;
        self.link(compiled, tier)
    }

    /// Maps code that [`StandardCode::serialize`] wrote, from a file of our own cache.
    ///
    /// # Errors
    /// When the file is not of this engine, and as for [`compile`](Self::compile).
    pub fn restore(&self, file: &Path, tier: Tier) -> Result<StandardCode, CompileError> {
        self.link(map_trusted(self.engines.get(tier), file)?, tier)
    }

    fn link(&self, component: Component, tier: Tier) -> Result<StandardCode, CompileError> {
        let linker = match tier {
            Tier::Baseline => &self.baseline,
            Tier::Optimized => &self.optimized,
        };
        let linked = linker.instantiate_pre(&component);
        let linked = linked.map_err(|e| CompileError::Link(format!("{e:#}")))?;
        let pre = match p3::bindings::ServicePre::new(linked.clone()) {
            Ok(pre) => ProxyPre::P3(pre),
            Err(_) => {
                let pre = p2::bindings::ProxyPre::new(linked);
                ProxyPre::P2(pre.map_err(|e| CompileError::Export(format!("{e:#}")))?)
            }
        };
        Ok(StandardCode { pre, component })
    }
}
