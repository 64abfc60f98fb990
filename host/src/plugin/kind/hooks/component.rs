//! One of the two ways to link: a component, with wasmtime's own machinery for its types.

use std::sync::Arc;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};
use wasmtime::{AsContextMut, Engine, StoreContextMut};

use super::capability::Capability;
use super::contract::{self, Contract, Hooks};
use super::exported::{Entrance, FoundExports, OfExports};
use super::served::Contracts;
use crate::plugin::host::HooksState;
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
    exports: Arc<OfExports<ComponentExportIndex>>,
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
        let exports = contract
            .find_exports(component)
            .map_err(|name| CompileError::Export(format!("no {name}")))?;
        let exports = Arc::new(exports);
        Ok(Self { instance, exports })
    }

    /// Whether it exports the interface with this number in [`Contract::exports`].
    pub fn exports(&self, number: usize) -> bool {
        self.exports[number].is_some()
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
            exports: FoundExports::Component(&instance, &self.exports),
        })
    }
}

/// Whether a component imports anything that the host serves with a function that waits.
pub fn can_wait(component: &Component, engine: &Engine, contracts: Contracts) -> bool {
    let waits = |name: &InterfaceName<'_>, function: &str| {
        let row = contracts.capabilities().find(|row| row.serves(name));
        row.is_some_and(|row| row.waiting.contains(&function))
    };
    let ty = component.component_type();
    ty.imports(engine).any(|(name, import)| {
        let quick = InterfaceName::parse(name).filter(|name| QUICK.contains(&name.package));
        match (import.ty, quick) {
            (ComponentItem::ComponentInstance(instance), Some(name)) => instance
                .exports(engine)
                .any(|(function, _)| waits(&name, function)),
            _ => true,
        }
    })
}

/// The interfaces with a row that a component imports.
pub fn imported(
    component: &Component,
    engine: &Engine,
    contracts: Contracts,
) -> Vec<&'static Capability> {
    let ty = component.component_type();
    let imports = ty.imports(engine);
    let row = |name: &str| {
        let name = InterfaceName::parse(name)?;
        contracts.capabilities().find(|row| row.serves(&name))
    };
    imports.filter_map(|(name, _)| row(name)).collect()
}

/// Offers a plugin everything that it may import: WASI, the interfaces of others that every version of the contract refers
/// to, and those of each version.
///
/// # Errors
/// None that a plugin could cause: the same names twice would be a mistake of ours.
pub fn linker(engine: &Engine, contracts: Contracts) -> wasmtime::Result<Linker<HooksState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    for capability in contracts.capabilities() {
        (capability.link)(&mut linker)?;
    }
    Ok(linker)
}
