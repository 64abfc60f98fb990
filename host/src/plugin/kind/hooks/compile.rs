//! A plugin becomes code that is linked to the host, in one of two tiers and in one of two ways.

use std::path::Path;
use std::sync::Arc;

use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Module, StoreContextMut};

use super::abi::Functions;
use super::capability::Capability;
use super::component::{self, LinkedComponent};
use super::contract::{Contract, Hooks};
use super::direct::{LinkedModule, take_apart};
use super::served::Contracts;
use crate::config::Permission;
use crate::message::Side;
use crate::plugin::host::HooksState;
use crate::plugin::kind::linking::Linking;
use crate::plugin::wasm::{CompileError, CompilerThreads, Engines, Tier, map_module, map_trusted};

/// Set to `component`, it makes every plugin one: to measure, and to run tests on both ways of linking.
const VARIABLE: &str = "TOLLGATE_LINKING";

/// Compiles and links for both tiers.
pub struct HooksCompiler {
    engines: Arc<Engines>,
    threads: CompilerThreads,
    contracts: Contracts,
    functions: Functions,
    baseline: Linker<HooksState>,
    optimized: Linker<HooksState>,
    only_components: bool,
}

impl std::fmt::Debug for HooksCompiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HooksCompiler").finish_non_exhaustive()
    }
}

/// Code that is linked to the host, and what it came from for the cache to keep. Clones share the code.
#[derive(Clone)]
pub struct HooksCode {
    pub linked: Linked,
    compiled: Compiled,
}

#[derive(Clone)]
enum Compiled {
    Component(Component),
    Module(Module),
}

/// All that an instance is made of.
#[derive(Clone)]
pub struct Linked {
    code: LinkedCode,
    pub contract: &'static Contract,
    pub linking: Linking,
    /// Whether it imports a function that can keep it waiting: a body's, or one of WASI's.
    pub can_wait: bool,
    /// Whether it exports what rewrites the request's body, and the response's.
    rewrites: [bool; 2],
    pub has_background: bool,
    /// Whether it exports what gets the messages of WebSockets.
    pub reads_messages: bool,
    /// What it needs to be granted, for what it imports.
    pub permissions: Arc<[Permission]>,
}

/// One of the two ways to link.
#[derive(Clone)]
enum LinkedCode {
    Component(LinkedComponent),
    Direct(LinkedModule),
}

impl std::fmt::Debug for Linked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Linked")
            .field("linking", &self.linking)
            .field("can_wait", &self.can_wait)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for HooksCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HooksCode").finish_non_exhaustive()
    }
}

impl Linked {
    pub fn engine(&self) -> &Engine {
        match &self.code {
            LinkedCode::Component(component) => component.engine(),
            LinkedCode::Direct(module) => module.engine(),
        }
    }

    /// Whether it may want to rewrite bodies of this side.
    pub fn rewrites(&self, side: Side) -> bool {
        match side {
            Side::Request => self.rewrites[0],
            Side::Response => self.rewrites[1],
        }
    }

    /// Makes an instance in this store and finds its hooks.
    ///
    /// # Errors
    /// When no slot or memory is left, and the traps of the guest's start-up.
    pub async fn enter(
        &self,
        store: StoreContextMut<'_, HooksState>,
    ) -> wasmtime::Result<Box<dyn Hooks>> {
        match &self.code {
            LinkedCode::Component(component) => component.enter(self.contract, store).await,
            LinkedCode::Direct(module) => module.enter(self.contract, store).await,
        }
    }
}

/// Whether what a plugin exports can rewrite the request's body, and the response's.
fn rewrites(contract: &Contract, exports: impl Fn(usize) -> bool) -> [bool; 2] {
    let numbers = contract.body_exports;
    numbers.map(|number| number.is_some_and(&exports))
}

/// Whether there is background work in what a plugin exports.
fn has_background(contract: &Contract, exports: impl Fn(usize) -> bool) -> bool {
    contract.background_export.is_some_and(exports)
}

/// Whether what a plugin exports gets the messages of WebSockets.
fn reads_messages(contract: &Contract, exports: impl Fn(usize) -> bool) -> bool {
    contract.messages_export.is_some_and(exports)
}

/// What a plugin with these imports needs to be granted.
fn permissions(imported: impl Iterator<Item = &'static Capability>) -> Arc<[Permission]> {
    let mut needed: Vec<_> = imported.filter_map(|row| row.permission).collect();
    needed.sort();
    needed.dedup();
    needed.into()
}

impl HooksCode {
    /// The machine code for [`HooksCompiler::restore`].
    ///
    /// # Errors
    /// When wasmtime can't serialise it.
    pub fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        match &self.compiled {
            Compiled::Component(component) => component.serialize(),
            Compiled::Module(module) => module.serialize(),
        }
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
        let linker = |tier| component::linker(engines.get(tier), contracts);
        Ok(Self {
            baseline: linker(Tier::Baseline)?,
            optimized: linker(Tier::Optimized)?,
            engines,
            threads: CompilerThreads::default(),
            contracts,
            functions: contracts.functions(),
            only_components: std::env::var_os(VARIABLE).is_some_and(|way| way == "component"),
        })
    }

    /// The same, linking every plugin as a component, or each as it can be; whatever the environment says.
    #[cfg(test)]
    #[must_use]
    pub fn with_only_components(mut self, only_components: bool) -> Self {
        self.only_components = only_components;
        self
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
        let why = match self.compile_directly(component, contract, tier) {
            Ok(code) => return Ok(code),
            Err(why) => why,
        };
        let engine = self.engines.get(tier);
        let compiled = self
            .threads
            .compile(tier, || Component::new(engine, component))?;
        self.link(compiled, contract, tier, Some(why))
    }

    /// Compiles the one module of a component, if that is all there is.
    ///
    /// # Errors
    /// Why it must be a component. Whatever is wrong with the module itself is told by compiling that.
    fn compile_directly(
        &self,
        component: &[u8],
        contract: &'static Contract,
        tier: Tier,
    ) -> Result<HooksCode, String> {
        if self.only_components {
            return Err(format!("{VARIABLE} says so"));
        }
        let module =
            take_apart(component, contract, &self.functions).map_err(|why| format!("it {why}"))?;
        let engine = self.engines.get(tier);
        let compiled = self.threads.compile(tier, || Module::new(engine, module));
        let linked = compiled.and_then(|compiled| self.link_directly(compiled, contract));
        linked.map_err(|error| format!("its module {error}"))
    }

    /// Maps code that [`HooksCode::serialize`] wrote, from a file of our own cache, which was linked in this way.
    ///
    /// # Errors
    /// When the file is not of this engine, and as for [`compile`](Self::compile).
    pub fn restore(
        &self,
        file: &Path,
        contract: &'static Contract,
        tier: Tier,
        linking: &Linking,
    ) -> Result<HooksCode, CompileError> {
        let engine = self.engines.get(tier);
        match linking {
            Linking::Direct => self.link_directly(map_module(engine, file)?, contract),
            Linking::Component { why } => {
                self.link(map_trusted(engine, file)?, contract, tier, why.clone())
            }
        }
    }

    /// Stands for everything that compiled code depends on beside the file: wasmtime's version and settings, the CPU, the
    /// versions of the contract among which the plugin's was chosen, and how plugins are linked.
    pub fn fingerprint(&self, tier: Tier) -> u64 {
        use std::hash::{Hash, Hasher};
        let mut hasher = twox_hash::XxHash3_64::with_seed(0);
        self.engines.fingerprint(tier).hash(&mut hasher);
        self.contracts.to_string().hash(&mut hasher);
        self.only_components.hash(&mut hasher);
        hasher.finish()
    }

    fn link_directly(
        &self,
        module: Module,
        contract: &'static Contract,
    ) -> Result<HooksCode, CompileError> {
        let linked = LinkedModule::new(&module, contract, &self.functions)?;
        let rows = self.contracts.capabilities();
        let rows = rows.filter(|row| linked.interfaces.iter().any(|name| name == row.interface));
        Ok(HooksCode {
            linked: Linked {
                can_wait: linked.can_wait,
                rewrites: rewrites(contract, |number| linked.exports(number)),
                has_background: has_background(contract, |number| linked.exports(number)),
                reads_messages: reads_messages(contract, |number| linked.exports(number)),
                permissions: permissions(rows),
                code: LinkedCode::Direct(linked),
                contract,
                linking: Linking::Direct,
            },
            compiled: Compiled::Module(module),
        })
    }

    fn link(
        &self,
        component: Component,
        contract: &'static Contract,
        tier: Tier,
        why: Option<String>,
    ) -> Result<HooksCode, CompileError> {
        let linker = match tier {
            Tier::Baseline => &self.baseline,
            Tier::Optimized => &self.optimized,
        };
        let linked = LinkedComponent::new(linker, &component, contract)?;
        let engine = self.engines.get(tier);
        Ok(HooksCode {
            linked: Linked {
                rewrites: rewrites(contract, |number| linked.exports(number)),
                has_background: has_background(contract, |number| linked.exports(number)),
                reads_messages: reads_messages(contract, |number| linked.exports(number)),
                can_wait: component::can_wait(&component, engine, self.contracts),
                permissions: permissions(
                    component::imported(&component, engine, self.contracts).into_iter(),
                ),
                code: LinkedCode::Component(linked),
                contract,
                linking: Linking::Component { why },
            },
            compiled: Compiled::Component(component),
        })
    }
}
