//! A component becomes code that is linked to the host, in one of two tiers.

use std::path::Path;
use std::sync::Arc;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};

use super::contract::{self, Contract};
use super::served::Contracts;
use crate::plugin::host::{self, HooksState};
use crate::plugin::wasm::{
    CompileError, CompilerThreads, Engines, InterfaceName, Tier, map_trusted,
};

/// Packages of which no function keeps a guest waiting, except those that a contract names.
const QUICK: [&str; 5] = [
    contract::PACKAGE,
    "wasi:clocks",
    "wasi:config",
    "wasi:logging",
    "wasi:random",
];

/// Compiles and links for both tiers.
pub struct HooksCompiler {
    engines: Arc<Engines>,
    threads: CompilerThreads,
    contracts: Contracts,
    baseline: Linker<HooksState>,
    optimized: Linker<HooksState>,
}

impl std::fmt::Debug for HooksCompiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HooksCompiler").finish_non_exhaustive()
    }
}

/// Code that is linked to the host, and the component that it came from for the cache to keep. Clones share the code.
#[derive(Clone)]
pub struct HooksCode {
    pub linked: Linked,
    component: Component,
}

/// A component whose imports are linked and whose exports are found: all that an instance is made of.
#[derive(Clone)]
pub struct Linked {
    pub instance: InstancePre<HooksState>,
    pub contract: &'static Contract,
    /// In the order of [`Contract::hooks`].
    pub hooks: [ComponentExportIndex; 2],
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

impl std::fmt::Debug for HooksCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HooksCode").finish_non_exhaustive()
    }
}

impl HooksCode {
    /// The machine code for [`HooksCompiler::restore`].
    ///
    /// # Errors
    /// When wasmtime can't serialise it.
    pub fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        self.component.serialize()
    }
}

impl HooksCompiler {
    /// # Errors
    /// When the host's interfaces can't be linked.
    pub fn new(engines: Arc<Engines>) -> wasmtime::Result<Self> {
        Self::serving(engines, Contracts::SERVED)
    }

    /// For plugins of these versions of the contract.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn serving(engines: Arc<Engines>, contracts: Contracts) -> wasmtime::Result<Self> {
        let linker = |tier| {
            let mut linker = Linker::new(engines.get(tier));
            add_to_linker(&mut linker, contracts).map(|()| linker)
        };
        Ok(Self {
            baseline: linker(Tier::Baseline)?,
            optimized: linker(Tier::Optimized)?,
            engines,
            threads: CompilerThreads::default(),
            contracts,
        })
    }

    /// Where plugins of other kinds are compiled too.
    pub fn threads(&self) -> &CompilerThreads {
        &self.threads
    }

    /// The versions of the contract that plugins may be made for.
    pub fn contracts(&self) -> Contracts {
        self.contracts
    }

    /// Compiles a binary component of this version of the contract. Blocks for as long as that takes: milliseconds to many
    /// seconds.
    ///
    /// # Errors
    /// When the component is invalid, uses what this tier can't do, imports what the host doesn't have, or doesn't
    /// export what a plugin must.
    pub fn compile(
        &self,
        component: &[u8],
        contract: &'static Contract,
        tier: Tier,
    ) -> Result<HooksCode, CompileError> {
        let engine = self.engines.get(tier);
        let compiled = self.threads.compile(engine, tier, component)?;
        self.link(compiled, contract, tier)
    }

    /// Maps code that [`HooksCode::serialize`] wrote, from a file of our own cache.
    ///
    /// # Errors
    /// When the file is not of this engine, and as for [`compile`](Self::compile).
    pub fn restore(
        &self,
        file: &Path,
        contract: &'static Contract,
        tier: Tier,
    ) -> Result<HooksCode, CompileError> {
        self.link(map_trusted(self.engines.get(tier), file)?, contract, tier)
    }

    /// Stands for everything that compiled code depends on beside the file: wasmtime's version and settings, the CPU, and
    /// the versions of the contract among which the plugin's was chosen.
    pub fn fingerprint(&self, tier: Tier) -> u64 {
        use std::hash::{Hash, Hasher};
        let mut hasher = twox_hash::XxHash3_64::with_seed(0);
        self.engines.fingerprint(tier).hash(&mut hasher);
        self.contracts.to_string().hash(&mut hasher);
        hasher.finish()
    }

    fn link(
        &self,
        component: Component,
        contract: &'static Contract,
        tier: Tier,
    ) -> Result<HooksCode, CompileError> {
        let linked = self.linker(tier).instantiate_pre(&component);
        let linked = linked.map_err(|e| CompileError::Link(format!("{e:#}")))?;
        (contract.check)(&linked).map_err(|e| CompileError::Export(format!("{e:#}")))?;
        let hooks = contract.find_hooks(&component).map_err(|name| {
            let interceptor = contract.interceptor();
            CompileError::Export(format!("no function {name} in {interceptor}"))
        })?;
        let linked = Linked {
            contract,
            hooks,
            can_wait: self.can_wait(&component, tier),
            instance: linked,
        };
        Ok(HooksCode { linked, component })
    }

    /// Whether a component imports anything that the host serves with a function that waits.
    fn can_wait(&self, component: &Component, tier: Tier) -> bool {
        let engine = self.engines.get(tier);
        let waits = |name: &str| {
            self.contracts
                .iter()
                .any(|contract| contract.waiting.contains(&name))
        };
        let is_quick = |name: &str| {
            InterfaceName::parse(name).is_some_and(|name| QUICK.contains(&name.package))
        };
        let ty = component.component_type();
        ty.imports(engine).any(|(name, import)| match import.ty {
            ComponentItem::ComponentInstance(instance) if is_quick(name) => instance
                .exports(engine)
                .any(|(function, _)| waits(function)),
            _ => true,
        })
    }

    fn linker(&self, tier: Tier) -> &Linker<HooksState> {
        match tier {
            Tier::Baseline => &self.baseline,
            Tier::Optimized => &self.optimized,
        }
    }
}

/// Offers a plugin everything that it may import: WASI, the interfaces of others that every version of the contract refers
/// to, and those of each version.
///
/// # Errors
/// None that a plugin could cause: the same names twice would be a mistake of ours.
fn add_to_linker(linker: &mut Linker<HooksState>, contracts: Contracts) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    host::standard::add_to_linker(linker)?;
    contracts
        .iter()
        .try_for_each(|contract| (contract.link)(linker))
}
