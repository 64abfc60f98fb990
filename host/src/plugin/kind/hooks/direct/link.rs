//! A core module is linked to the host's functions, and instances are made of it.

use std::collections::HashSet;

use wasmtime::{
    AsContextMut, Engine, ExternType, Func, FuncType, Instance, InstancePre, Linker, Module,
    ModuleExport, StoreContextMut, ValType, bail,
};

use super::names::{ExportedName, Names};
use crate::plugin::host::HooksState;
use crate::plugin::kind::hooks::abi::{Functions, call_on_fiber, entry};
use crate::plugin::kind::hooks::contract::{Contract, Hooks};
use crate::plugin::kind::hooks::exported::{Entrance, FoundExports, OfExports};
use crate::plugin::wasm::{CompileError, GuestFunction};

/// A module whose imports are linked and whose exports are found.
#[derive(Clone)]
pub struct LinkedModule {
    instance: InstancePre<HooksState>,
    exports: Exports,
    /// Whether it imports a function that can keep it waiting.
    pub can_wait: bool,
    /// Names of the interfaces that it imports, as in their rows.
    pub interfaces: Vec<String>,
}

/// Places of exports; to find one by its name takes longer.
#[derive(Clone)]
struct Exports {
    memory: ModuleExport,
    realloc: Option<ModuleExport>,
    initialize: Option<ModuleExport>,
    called: OfExports<(ModuleExport, Option<ModuleExport>)>,
}

impl LinkedModule {
    /// # Errors
    /// When its imports are not functions of the host with the very types that they have there, or its exports are not those of
    /// a plugin.
    pub fn new(
        module: &Module,
        contract: &'static Contract,
        functions: &Functions,
    ) -> Result<Self, CompileError> {
        let refused = |why: String| CompileError::Link(why);
        let engine = module.engine();
        let exports: Vec<&str> = module.exports().map(|export| export.name()).collect();
        let imports = module
            .imports()
            .map(|import| (import.module(), import.name()));
        let names = Names::of(imports, &exports, contract, functions).map_err(refused)?;
        let mut linker = Linker::new(engine);
        let mut defined = HashSet::new();
        for (module, name, function) in &names.imports {
            if defined.insert((module, name)) {
                let added = function.define(engine, &mut linker, (module, name));
                added.map_err(|e| refused(format!("{e:#}")))?;
            }
        }
        let instance = linker.instantiate_pre(module);
        let instance = instance.map_err(|e| refused(format!("{e:#}")))?;
        let can_wait = names.imports.iter().any(|(_, _, function)| function.waits);
        let interfaces = names.imports.iter();
        let mut interfaces: Vec<String> = interfaces
            .map(|(_, _, function)| function.interface.clone())
            .collect();
        interfaces.sort();
        interfaces.dedup();
        Ok(Self {
            instance,
            exports: Exports::find(module, &names)
                .ok_or_else(|| CompileError::Export("a name is not what it says".to_owned()))?,
            can_wait,
            interfaces,
        })
    }

    /// Whether it exports the interface with this number in [`Contract::exports`].
    pub fn exports(&self, number: usize) -> bool {
        self.exports.called[number].is_some()
    }

    pub fn engine(&self) -> &Engine {
        self.instance.module().engine()
    }

    /// Makes an instance, starts it and finds its hooks.
    ///
    /// # Errors
    /// When no slot or memory is left, and the traps of the guest's start-up.
    pub async fn enter(
        &self,
        contract: &'static Contract,
        mut store: StoreContextMut<'_, HooksState>,
    ) -> wasmtime::Result<Box<dyn Hooks>> {
        let instance = self.instance.instantiate_async(&mut store).await?;
        let initialize = self.exports.adopt(&instance, store.as_context_mut())?;
        if let Some(initialize) = initialize {
            call_on_fiber(&mut store, move |store| initialize.call(store, &mut [])).await?;
        }
        let mut found = |(called, post_return): &(ModuleExport, Option<ModuleExport>)| {
            let called = function(&instance, &mut store, called)?;
            let post_return = post_return.as_ref();
            let post_return = post_return.map(|name| function(&instance, &mut store, name));
            wasmtime::Result::<_>::Ok((called, post_return.transpose()?))
        };
        let called = self.exports.called.iter().map(|functions| {
            let functions = functions.as_ref();
            let functions = functions.map(|all| all.iter().map(&mut found).collect());
            functions.transpose()
        });
        let exports = FoundExports::Direct(called.collect::<wasmtime::Result<_>>()?);
        (contract.enter)(Entrance { exports, store })
    }
}

impl Exports {
    fn find(module: &Module, names: &Names<'_>) -> Option<Self> {
        let find = |name: &str| module.get_export_index(name);
        let maybe = |name: Option<&str>| match name {
            Some(name) => find(name).map(Some),
            None => Some(None),
        };
        let called =
            |(name, post_return): &ExportedName<'_>| Some((find(name)?, maybe(*post_return)?));
        let called = names.exported.iter().map(|functions| match functions {
            Some(functions) => functions
                .iter()
                .map(called)
                .collect::<Option<_>>()
                .map(Some),
            None => Some(None),
        });
        let is_memory = matches!(module.get_export(names.memory), Some(ExternType::Memory(memory)) if !memory.is_64());
        Some(Self {
            memory: find(names.memory).filter(|_| is_memory)?,
            realloc: maybe(names.realloc)?,
            initialize: maybe(names.initialize)?,
            called: called.collect::<Option<_>>()?,
        })
    }

    /// Puts what host functions need into the instance's store. Gives what is to be called before anything else.
    fn adopt(
        &self,
        instance: &Instance,
        mut store: StoreContextMut<'_, HooksState>,
    ) -> wasmtime::Result<Option<GuestFunction>> {
        let memory = instance.get_module_export(&mut store, &self.memory);
        let Some(memory) = memory.and_then(wasmtime::Extern::into_memory) else {
            bail!("the memory is none");
        };
        let mut typed = |export: &Option<ModuleExport>, params: usize, results: usize| {
            let Some(export) = export else {
                return Ok(None);
            };
            let numbers = |count| std::iter::repeat_n(ValType::I32, count);
            let ty = FuncType::new(store.engine(), numbers(params), numbers(results));
            let function = function(instance, &mut store, export)?;
            GuestFunction::of_type(&store, function, &ty).map(Some)
        };
        let realloc = typed(&self.realloc, 4, 1)?;
        let initialize = typed(&self.initialize, 0, 0)?;
        let entry = entry(store.as_context_mut())?;
        let core = &mut store.data_mut().core;
        core.memory = Some(memory);
        core.realloc = realloc;
        core.entry = Some(entry);
        Ok(initialize)
    }
}

fn function(
    instance: &Instance,
    mut store: impl AsContextMut<Data = HooksState>,
    export: &ModuleExport,
) -> wasmtime::Result<Func> {
    let found = instance.get_module_export(&mut store, export);
    match found.and_then(wasmtime::Extern::into_func) {
        Some(function) => Ok(function),
        None => bail!("a function is none"),
    }
}
