//! One of the two ways to link: a component, with wasmtime's own machinery for its types.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};
use wasmtime::{AsContextMut, Engine, StoreContextMut};

use super::contract::{self, Contract, Hooks};
use super::exported::{Entrance, FoundHooks};
use super::served::Contracts;
use crate::plugin::host::{self, HooksState};
use crate::plugin::wasm::{CompileError, InterfaceName};

/// Packages of which no function keeps a guest waiting, except those that a contract names.
const QUICK: [&str; 5] = [
    contract::PACKAGE,
    "wasi:clocks",
    "wasi:config",
    "wasi:logging",
    "wasi:random",
];

/// A component whose imports are linked and whose exports are found.
#[derive(Clone)]
pub struct LinkedComponent {
    instance: InstancePre<HooksState>,
    /// In the order of [`Contract::hooks`].
    hooks: [ComponentExportIndex; 2],
}

impl LinkedComponent {
    /// # Errors
    /// When it imports what the host doesn't have, or doesn't export what a plugin must.
    pub fn new(
        linker: &Linker<HooksState>,
        component: &Component,
        contract: &'static Contract,
    ) -> Result<Self, CompileError> {
        let linked = linker.instantiate_pre(component);
        let instance = linked.map_err(|e| CompileError::Link(format!("{e:#}")))?;
        (contract.check)(&instance).map_err(|e| CompileError::Export(format!("{e:#}")))?;
        let hooks = contract.find_hooks(component).map_err(|name| {
            let interceptor = contract.interceptor();
            CompileError::Export(format!("no function {name} in {interceptor}"))
        })?;
        Ok(Self { instance, hooks })
    }

    pub fn engine(&self) -> &Engine {
        self.instance.engine()
    }

    /// Makes an instance and finds its hooks.
    ///
    /// # Errors
    /// When no slot or memory is left, and the traps of the guest's start-up.
    pub async fn enter(
        &self,
        contract: &'static Contract,
        mut store: StoreContextMut<'_, HooksState>,
    ) -> wasmtime::Result<Box<dyn Hooks>> {
        let instance = self.instance.instantiate_async(&mut store).await?;
        (contract.enter)(Entrance {
            store: store.as_context_mut(),
            hooks: FoundHooks::Component(&instance, &self.hooks),
        })
    }
}

/// Whether a component imports anything that the host serves with a function that waits.
pub fn can_wait(component: &Component, engine: &Engine, contracts: Contracts) -> bool {
    let waits = |name: &str| {
        contracts
            .iter()
            .any(|contract| contract.waiting.contains(&name))
    };
    let is_quick =
        |name: &str| InterfaceName::parse(name).is_some_and(|name| QUICK.contains(&name.package));
    let ty = component.component_type();
    ty.imports(engine).any(|(name, import)| match import.ty {
        ComponentItem::ComponentInstance(instance) if is_quick(name) => instance
            .exports(engine)
            .any(|(function, _)| waits(function)),
        _ => true,
    })
}

/// Offers a plugin everything that it may import: WASI, the interfaces of others that every version of the contract refers
/// to, and those of each version.
///
/// # Errors
/// None that a plugin could cause: the same names twice would be a mistake of ours.
pub fn linker(engine: &Engine, contracts: Contracts) -> wasmtime::Result<Linker<HooksState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    host::standard::add_to_linker(&mut linker)?;
    for contract in contracts.iter() {
        (contract.link)(&mut linker)?;
    }
    Ok(linker)
}
