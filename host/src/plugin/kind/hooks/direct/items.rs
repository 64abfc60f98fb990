//! A component's items, each with where it comes from: as much as is needed to say which of its functions is which.

use std::ops::Range;

use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentTypeRef, ExternalKind, Instance, Parser, Payload,
};

/// By their indices in the component.
#[derive(Debug, Default)]
pub struct Items<'a> {
    /// Where nested ones are.
    pub modules: Vec<Range<usize>>,
    pub components: Vec<Range<usize>>,
    pub core_instances: Vec<Instance<'a>>,
    pub core_functions: Vec<CoreFunction<'a>>,
    pub memories: Vec<CoreExport<'a>>,
    pub tables: Vec<CoreExport<'a>>,
    pub functions: Vec<Function<'a>>,
    pub instances: Vec<InterfaceInstance<'a>>,
    pub exports: Vec<(&'a str, u32)>,
}

/// A core instance, and the name of what it exports.
pub type CoreExport<'a> = (u32, &'a str);

#[derive(Debug, Clone)]
pub enum CoreFunction<'a> {
    Exported(CoreExport<'a>),
    /// A function of the component as a core function.
    Lowered(u32, Box<[CanonicalOption]>),
    /// One that the component model has by itself.
    Other,
}

#[derive(Debug, Clone)]
pub enum Function<'a> {
    /// Of an instance of an interface.
    Of(u32, &'a str),
    /// A core function as one of the component.
    Lifted(u32, Box<[CanonicalOption]>),
}

#[derive(Debug, Clone)]
pub enum InterfaceInstance<'a> {
    Imported(&'a str),
    /// Of a nested component, with the functions that it gets by name.
    Made(u32, Vec<(&'a str, u32)>),
    /// A list of functions by name.
    Listed(Vec<(&'a str, u32)>),
}

/// What a component has that none has of which one module is all.
type Unknown = String;

impl<'a> Items<'a> {
    /// # Errors
    /// What of it is not known, in words that follow on "it".
    pub fn read(component: &'a [u8]) -> Result<Self, Unknown> {
        let mut items = Self::default();
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(component) {
            let payload = payload.map_err(malformed)?;
            match &payload {
                Payload::Version { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                _ if depth == 1 => items.add(payload)?,
                _ => {}
            }
        }
        Ok(items)
    }

    fn add(&mut self, payload: Payload<'a>) -> Result<(), Unknown> {
        match payload {
            Payload::ModuleSection {
                unchecked_range, ..
            } => self.modules.push(unchecked_range),
            Payload::ComponentSection {
                unchecked_range, ..
            } => self.components.push(unchecked_range),
            Payload::InstanceSection(section) => {
                for instance in section {
                    self.core_instances.push(instance.map_err(malformed)?);
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    let instance = listed(instance.map_err(malformed)?);
                    self.instances.push(instance);
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    self.alias(&alias.map_err(malformed)?)?;
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    self.canonical(function.map_err(malformed)?);
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import.map_err(malformed)?;
                    match import.ty {
                        ComponentTypeRef::Instance(_) => self
                            .instances
                            .push(InterfaceInstance::Imported(import.name.name)),
                        ComponentTypeRef::Type(_) => {}
                        _ => {
                            return Err(format!(
                                "imports {}, which is no interface",
                                import.name.name
                            ));
                        }
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export.map_err(malformed)?;
                    self.export(export.name.name, export.kind, export.index)?;
                }
            }
            Payload::CustomSection(_)
            | Payload::CoreTypeSection(_)
            | Payload::ComponentTypeSection(_) => {}
            _ => return Err("has a section that plugins do not have".to_owned()),
        }
        Ok(())
    }

    fn alias(&mut self, alias: &ComponentAlias<'a>) -> Result<(), Unknown> {
        match *alias {
            ComponentAlias::InstanceExport {
                kind: ComponentExternalKind::Func,
                instance_index,
                name,
            } => self.functions.push(Function::Of(instance_index, name)),
            ComponentAlias::InstanceExport {
                kind: ComponentExternalKind::Type,
                ..
            }
            | ComponentAlias::Outer {
                kind:
                    wasmparser::ComponentOuterAliasKind::CoreType
                    | wasmparser::ComponentOuterAliasKind::Type,
                ..
            } => {}
            ComponentAlias::CoreInstanceExport {
                kind,
                instance_index,
                name,
            } => {
                let export = (instance_index, name);
                match kind {
                    ExternalKind::Func => self.core_functions.push(CoreFunction::Exported(export)),
                    ExternalKind::Memory => self.memories.push(export),
                    ExternalKind::Table => self.tables.push(export),
                    _ => {}
                }
            }
            _ => return Err("refers to items in a way that is not known".to_owned()),
        }
        Ok(())
    }

    fn canonical(&mut self, function: CanonicalFunction) {
        match function {
            CanonicalFunction::Lift {
                core_func_index,
                options,
                ..
            } => self
                .functions
                .push(Function::Lifted(core_func_index, options)),
            CanonicalFunction::Lower {
                func_index,
                options,
            } => self
                .core_functions
                .push(CoreFunction::Lowered(func_index, options)),
            // All others make core functions.
            _ => self.core_functions.push(CoreFunction::Other),
        }
    }

    /// What is exported gets one more index.
    fn export(
        &mut self,
        name: &'a str,
        kind: ComponentExternalKind,
        index: u32,
    ) -> Result<(), Unknown> {
        match kind {
            ComponentExternalKind::Instance => {
                self.exports.push((name, index));
                let instance = get(&self.instances, index)?.clone();
                self.instances.push(instance);
            }
            ComponentExternalKind::Func => {
                let function = get(&self.functions, index)?.clone();
                self.functions.push(function);
            }
            ComponentExternalKind::Type => {}
            _ => return Err(format!("exports {name}, which is no interface")),
        }
        Ok(())
    }
}

fn listed(instance: ComponentInstance<'_>) -> InterfaceInstance<'_> {
    let is_function = |kind: ComponentExternalKind| kind == ComponentExternalKind::Func;
    match instance {
        ComponentInstance::Instantiate {
            component_index,
            args,
        } => {
            let functions = args.iter().filter(|arg| is_function(arg.kind));
            let functions = functions.map(|arg| (arg.name, arg.index)).collect();
            InterfaceInstance::Made(component_index, functions)
        }
        ComponentInstance::FromExports(exports) => {
            let functions = exports.iter().filter(|export| is_function(export.kind));
            let functions = functions
                .map(|export| (export.name.name, export.index))
                .collect();
            InterfaceInstance::Listed(functions)
        }
    }
}

/// # Errors
/// When there is no item of this index.
pub fn get<T>(items: &[T], index: u32) -> Result<&T, Unknown> {
    let item = items.get(index as usize);
    item.ok_or_else(|| "refers to an item that it does not have".to_owned())
}

/// A file that can't be read was refused before; so this is no news for anybody.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
pub fn malformed(error: wasmparser::Error) -> Unknown {
    format!("can't be read ({})", error.message())
}

/// Which import a nested component passes on as the function of this name, if all that it does is to pass on.
///
/// # Errors
/// What else it does.
pub fn passed_on<'a>(nested: &'a [u8], function: &str) -> Result<&'a str, Unknown> {
    let mut functions = Vec::new();
    let mut found = None;
    for payload in Parser::new(0).parse_all(nested) {
        match payload.map_err(malformed)? {
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import.map_err(malformed)?;
                    match import.ty {
                        ComponentTypeRef::Func(_) => functions.push(import.name.name),
                        ComponentTypeRef::Type(_) => {}
                        _ => {
                            return Err("has a nested component that imports more than functions"
                                .to_owned());
                        }
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export.map_err(malformed)?;
                    if export.kind == ComponentExternalKind::Func {
                        let import = *get(&functions, export.index)?;
                        functions.push(import);
                        if export.name.name == function {
                            found = Some(import);
                        }
                    }
                }
            }
            Payload::Version { .. }
            | Payload::ComponentTypeSection(_)
            | Payload::CustomSection(_)
            | Payload::End(_) => {}
            Payload::ComponentAliasSection(section) => {
                let is_type = |alias| {
                    matches!(
                        alias,
                        ComponentAlias::Outer {
                            kind: wasmparser::ComponentOuterAliasKind::Type,
                            ..
                        } | ComponentAlias::InstanceExport {
                            kind: ComponentExternalKind::Type,
                            ..
                        }
                    )
                };
                for alias in section {
                    if !is_type(alias.map_err(malformed)?) {
                        return Err(
                            "has a nested component that does more than to pass functions on"
                                .to_owned(),
                        );
                    }
                }
            }
            _ => {
                return Err(
                    "has a nested component that does more than to pass functions on".to_owned(),
                );
            }
        }
    }
    found.ok_or_else(|| format!("has a nested component without {function}"))
}
