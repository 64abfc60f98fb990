//! Takes the one module out of a component that has no other, after a look at everything around it.
//!
//! The component was checked before: its imports and exports have the contract's types. Here it is found out which of its core
//! functions is which, so that linking by the module's own names does what the component would do. What is not known
//! exactly is a reason to leave the component as it is.

use wasmparser::{CanonicalOption, ExternalKind, Instance, Parser, Payload, TypeRef};

use super::items::{CoreFunction, Function, InterfaceInstance, Items, get, malformed, passed_on};
use super::names::{ExportedName, Names};
use super::shims::{TABLE, check_starter, read_fixup, read_shim};
use crate::plugin::kind::hooks::abi::Functions;
use crate::plugin::kind::hooks::contract::Contract;
use crate::plugin::kind::hooks::exported::OfExports;
use crate::plugin::wasm::InterfaceName;

type Unknown = String;

/// The one module in a component.
///
/// # Errors
/// Why it can't be linked directly, in words that follow on "it".
pub fn take_apart<'a>(
    component: &'a [u8],
    contract: &Contract,
    functions: &Functions,
) -> Result<&'a [u8], Unknown> {
    let items = Items::read(component)?;
    let parts = Parts {
        component,
        items: &items,
    };
    let lifted = parts.exports(contract)?;
    let interceptor = lifted[0].as_ref().and_then(|hooks| hooks.first());
    let main = interceptor
        .ok_or("does not export one interceptor")?
        .instance;
    let module = parts.module(main)?;
    let (imports, exports) = read_names(module)?;
    let names = Names::of(imports.into_iter(), &exports, contract, functions)?;
    for (number, named) in names.exported.iter().enumerate() {
        let name = contract.exports[number].name;
        match (&lifted[number], named) {
            (None, None) => {}
            (Some(lifted), Some(named)) => {
                for (lifted, named) in lifted.iter().zip(named) {
                    parts.check_export(lifted, main, *named, &names)?;
                }
            }
            _ => return Err(format!("does not take {name} for what its name says")),
        }
    }
    parts.check_imports(main, &names)?;
    Ok(module)
}

struct Parts<'a, 'i> {
    component: &'a [u8],
    items: &'i Items<'a>,
}

/// A function that the host calls, as the component lifts it.
struct LiftedExport<'i> {
    instance: u32,
    export: &'i str,
    options: &'i [CanonicalOption],
}

impl<'a, 'i> Parts<'a, 'i> {
    /// What the host calls, in the order of the contract's row.
    fn exports(&self, contract: &Contract) -> Result<OfExports<LiftedExport<'i>>, Unknown> {
        let interfaces = contract.exports.iter().enumerate();
        let interfaces = interfaces.map(|(number, interface)| {
            let is_it = |name: &str| {
                let name = InterfaceName::parse(name);
                name.and_then(|name| contract.export_number(&name)) == Some(number)
            };
            let exports = self.items.exports.iter();
            let mut found = exports.filter(|(name, _)| is_it(name));
            let instance = match (found.next(), found.next()) {
                (Some((_, instance)), None) => *instance,
                (None, _) => return Ok(None),
                _ => return Err(format!("exports more than one {}", interface.name)),
            };
            let functions = interface.functions.iter();
            let functions = functions.map(|function| self.lifted(function, instance));
            functions.collect::<Result<_, _>>().map(Some)
        });
        interfaces.collect()
    }

    /// A function of an interface that the component exports.
    fn lifted(&self, hook: &str, interface: u32) -> Result<LiftedExport<'i>, Unknown> {
        let by_name = |functions: &[(&str, u32)], name: &str| {
            let found = functions.iter().find(|(function, _)| *function == name);
            let found = found.map(|(_, index)| *index);
            found.ok_or_else(|| format!("does not say which function {name} is"))
        };
        let function = match get(&self.items.instances, interface)? {
            InterfaceInstance::Made(nested, functions) => {
                let range = get(&self.items.components, *nested)?;
                let nested = self.component.get(range.clone()).unwrap_or_default();
                by_name(functions, passed_on(nested, hook)?)?
            }
            InterfaceInstance::Listed(functions) => by_name(functions, hook)?,
            InterfaceInstance::Imported(_) => return Err("exports what it imports".to_owned()),
        };
        let Function::Lifted(core, options) = get(&self.items.functions, function)? else {
            return Err(format!("exports as {hook} what it imports"));
        };
        let CoreFunction::Exported((instance, export)) = get(&self.items.core_functions, *core)?
        else {
            return Err(format!("exports as {hook} what is no function of a module"));
        };
        Ok(LiftedExport {
            instance: *instance,
            export,
            options,
        })
    }

    /// The module of an instance.
    fn module(&self, instance: u32) -> Result<&'a [u8], Unknown> {
        match get(&self.items.core_instances, instance)? {
            Instance::Instantiate { module_index, .. } => {
                let range = get(&self.items.modules, *module_index)?;
                Ok(self.component.get(range.clone()).unwrap_or_default())
            }
            Instance::FromExports(_) => Err("has its hooks in no module".to_owned()),
        }
    }

    fn check_export(
        &self,
        hook: &LiftedExport<'_>,
        main: u32,
        (export, post_return): ExportedName<'_>,
        names: &Names<'_>,
    ) -> Result<(), Unknown> {
        if hook.instance != main || hook.export != export {
            return Err(format!("does not take {export} for what its name says"));
        }
        let frees = self.check_options(hook.options, main, names)?;
        match (frees, post_return) {
            (Some(frees), Some(name)) if self.is_export(frees, main, name)? => Ok(()),
            (None, None) => Ok(()),
            _ => Err(format!(
                "frees what {export} gives in a way that is not known"
            )),
        }
    }

    /// Checks the options of lifting or lowering. Gives the function that frees a result, if there is one.
    fn check_options(
        &self,
        options: &[CanonicalOption],
        main: u32,
        names: &Names<'_>,
    ) -> Result<Option<u32>, Unknown> {
        let mut post_return = None;
        for option in options {
            match option {
                CanonicalOption::UTF8 => {}
                CanonicalOption::Memory(memory) => {
                    if *get(&self.items.memories, *memory)? != (main, names.memory) {
                        return Err("uses another memory than its own".to_owned());
                    }
                }
                CanonicalOption::Realloc(function) => {
                    let name = names.realloc.unwrap_or_default();
                    if !self.is_export(*function, main, name)? {
                        return Err("makes room for results in a way that is not known".to_owned());
                    }
                }
                CanonicalOption::PostReturn(function) => post_return = Some(*function),
                CanonicalOption::UTF16 | CanonicalOption::CompactUTF16 => {
                    return Err("has strings that are not UTF-8".to_owned());
                }
                CanonicalOption::Async
                | CanonicalOption::Callback(_)
                | CanonicalOption::CoreType(_)
                | CanonicalOption::Gc => return Err("uses another ABI".to_owned()),
            }
        }
        Ok(post_return)
    }

    fn is_export(&self, function: u32, instance: u32, name: &str) -> Result<bool, Unknown> {
        Ok(match get(&self.items.core_functions, function)? {
            CoreFunction::Exported(export) => *export == (instance, name),
            _ => false,
        })
    }

    /// Checks that each import of the module is the host function that its name says, and that all other instances are there
    /// for nothing else.
    fn check_imports(&self, main: u32, names: &Names<'_>) -> Result<(), Unknown> {
        let others = self.others(main)?;
        for (module, name, function) in &names.imports {
            let core = self.argument(main, module, name)?;
            let core = match get(&self.items.core_functions, core)? {
                CoreFunction::Exported((shim, slot)) if Some(*shim) == others.shim => {
                    others.behind(slot)?
                }
                _ => core,
            };
            let CoreFunction::Lowered(lowered, options) = get(&self.items.core_functions, core)?
            else {
                return Err(format!(
                    "gets {name} of {module} from another place than the host"
                ));
            };
            self.check_options(options, main, names)?;
            let Function::Of(instance, imported) = get(&self.items.functions, *lowered)? else {
                return Err(format!("gets {name} of {module} from itself"));
            };
            let interface = match get(&self.items.instances, *instance)? {
                InterfaceInstance::Imported(interface) => InterfaceName::parse(interface),
                _ => None,
            };
            let expected = InterfaceName::parse(&function.interface);
            let fits = interface
                .zip(expected)
                .is_some_and(|(given, ours)| given.fits(&ours));
            if !fits || *imported != function.name {
                return Err(format!(
                    "does not take {name} of {module} for what its name says"
                ));
            }
        }
        if others.initializes != names.initialize.is_some() {
            return Err("starts in a way that is not known".to_owned());
        }
        Ok(())
    }

    /// The core function that an instance gets under these names.
    fn argument(&self, instance: u32, module: &str, name: &str) -> Result<u32, Unknown> {
        let missing = || format!("does not say what {name} of {module} is");
        let Instance::Instantiate { args, .. } = get(&self.items.core_instances, instance)? else {
            return Err(missing());
        };
        let given = args
            .iter()
            .find(|arg| arg.name == module)
            .ok_or_else(missing)?;
        match get(&self.items.core_instances, given.index)? {
            Instance::FromExports(exports) => {
                let export = exports
                    .iter()
                    .find(|export| export.name == name && export.kind == ExternalKind::Func);
                export.map(|export| export.index).ok_or_else(missing)
            }
            Instance::Instantiate { .. } => Err(format!("gets {name} of {module} from a module")),
        }
    }

    /// What there is beside the plugin's own module.
    fn others(&self, main: u32) -> Result<Others, Unknown> {
        let mut others = Others::default();
        for (index, instance) in (0..).zip(&self.items.core_instances) {
            let Instance::Instantiate { args, .. } = instance else {
                continue;
            };
            if index == main {
                continue;
            }
            let module = self.module(index)?;
            if args.is_empty() && others.shim.is_none() && index < main {
                let names = read_shim(module).map_err(|_| self.several())?;
                others.slots = names
                    .into_iter()
                    .map(|name| (name.to_owned(), None))
                    .collect();
                others.shim = Some(index);
                continue;
            }
            let [only] = &**args else {
                return Err(self.several());
            };
            let Instance::FromExports(given) = get(&self.items.core_instances, only.index)? else {
                return Err(self.several());
            };
            if index < main {
                return Err(self.several());
            }
            if let [start] = &**given
                && check_starter(module).is_ok()
            {
                let is_first = !others.initializes && others.is_filled();
                let name = start.kind == ExternalKind::Func;
                if !is_first || !name || !self.is_initialize(start.index, main)? {
                    return Err("starts in a way that is not known".to_owned());
                }
                others.initializes = true;
                continue;
            }
            self.fill(&mut others, module, given)?;
        }
        Ok(others)
    }

    fn is_initialize(&self, function: u32, main: u32) -> Result<bool, Unknown> {
        Ok(self.is_export(function, main, "_initialize")?
            || self.is_export(function, main, "cm32p2_initialize")?)
    }

    /// A fix-up, which puts functions into the places of the shim.
    fn fill(
        &self,
        others: &mut Others,
        module: &[u8],
        given: &[wasmparser::Export<'_>],
    ) -> Result<(), Unknown> {
        let names = read_fixup(module).map_err(|_| self.several())?;
        if others.shim.is_none() || others.is_filled() || names.len() != others.slots.len() {
            return Err(self.several());
        }
        for export in given {
            match export.kind {
                ExternalKind::Table => {
                    let (instance, table) = *get(&self.items.tables, export.index)?;
                    if Some(instance) != others.shim || table != TABLE || export.name != TABLE {
                        return Err(self.several());
                    }
                }
                ExternalKind::Func => {
                    let slot = names.iter().position(|name| *name == export.name);
                    let slot = slot.and_then(|slot| others.slots.get_mut(slot));
                    let slot = slot.ok_or_else(|| self.several())?;
                    slot.1 = Some(export.index);
                }
                _ => return Err(self.several()),
            }
        }
        Ok(())
    }

    fn several(&self) -> Unknown {
        format!("has {} modules", self.items.modules.len())
    }
}

/// What there is beside the plugin's own module.
#[derive(Debug, Default)]
struct Others {
    shim: Option<u32>,
    /// The shim's exports by their places in its table, and the core functions that are put there.
    slots: Vec<(String, Option<u32>)>,
    /// Something calls the plugin's `_initialize` when all else is done.
    initializes: bool,
}

impl Others {
    /// Whether nothing of the shim is left to be filled.
    fn is_filled(&self) -> bool {
        self.slots.iter().all(|(_, function)| function.is_some())
    }

    /// The function that a shim's export leads to.
    fn behind(&self, export: &str) -> Result<u32, Unknown> {
        let slot = self.slots.iter().find(|(name, _)| name == export);
        let function = slot.and_then(|(_, function)| *function);
        function.ok_or_else(|| "leaves an import unfilled".to_owned())
    }
}

/// Names of what a module imports and exports.
type ModuleNames<'a> = (Vec<(&'a str, &'a str)>, Vec<&'a str>);

fn read_names(module: &[u8]) -> Result<ModuleNames<'_>, Unknown> {
    let (mut imports, mut exports, mut memories) = (Vec::new(), Vec::new(), 0);
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(malformed)? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.map_err(malformed)?;
                    let TypeRef::Func(_) = import.ty else {
                        return Err(format!(
                            "imports {} of {}, which is no function",
                            import.name, import.module
                        ));
                    };
                    imports.push((import.module, import.name));
                }
            }
            Payload::MemorySection(section) => memories += section.count(),
            Payload::ExportSection(section) => {
                for export in section {
                    exports.push(export.map_err(malformed)?.name);
                }
            }
            _ => {}
        }
    }
    match memories {
        1 => Ok((imports, exports)),
        _ => Err(format!("has {memories} memories")),
    }
}
