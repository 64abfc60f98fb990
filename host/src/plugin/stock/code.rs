//! Compiling and linking standard components, in two tiers as our own plugins.

use std::path::Path;
use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::{p2, p3};

use super::state::{self, State};
use crate::plugin::compile::{CompileError, Compiler, map_trusted};
use crate::plugin::engine::{Engines, Tier};

/// Compiles and links standard components.
pub struct StockCompiler {
    engines: Arc<Engines>,
    baseline: Linker<State>,
    optimized: Linker<State>,
}

impl std::fmt::Debug for StockCompiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StockCompiler").finish_non_exhaustive()
    }
}

/// Code that is linked to the host.
pub struct Code {
    pub pre: ProxyPre<State>,
    component: Component,
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code").finish_non_exhaustive()
    }
}

impl Code {
    pub fn engine(&self) -> &Engine {
        self.component.engine()
    }

    /// The machine code for [`StockCompiler::restore`].
    ///
    /// # Errors
    /// When wasmtime can't serialise it.
    pub fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        self.component.serialize()
    }
}

impl StockCompiler {
    /// # Errors
    /// When the engines don't run here or the host's interfaces can't be linked.
    pub fn new(max_memory: u64) -> wasmtime::Result<Self> {
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
        threads: &Compiler,
    ) -> Result<Code, CompileError> {
        let engine = self.engines.get(tier);
        let compiled = threads.install(tier, || Component::new(engine, component))?;
        self.link(compiled, tier)
    }

    /// Maps code that [`Code::serialize`] wrote, from a file of our own cache.
    ///
    /// # Errors
    /// When the file is not of this engine, and as for [`compile`](Self::compile).
    pub fn restore(&self, file: &Path, tier: Tier) -> Result<Code, CompileError> {
        self.link(map_trusted(self.engines.get(tier), file)?, tier)
    }

    fn link(&self, component: Component, tier: Tier) -> Result<Code, CompileError> {
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
        Ok(Code { pre, component })
    }
}
