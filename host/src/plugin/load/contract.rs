//! Which version of the contract does a component keep, and does it? Asked before compiling, because the answer is cheap
//! and exact here.
//!
//! The exports must hold an interceptor that is served, with both hooks, every import must be one that this host serves,
//! and each function of ours must have the very type of that version's WIT: wasmtime knows no subtyping for functions. A
//! plugin may import less than there is and export more than is asked for, an interceptor of another version too.

use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentEntityType, ComponentInstanceTypeId, ComponentItem,
    ComponentTypeId,
};
use wasmparser::types::Types;
use wasmparser::{Payload, ValidPayload, Validator, WasmFeatures};

use super::LoadError;
use super::compare::Comparison;
use super::imports::{Claims, check_names_of_imports, find_served};
use super::parse::{check_nesting, malformed, walk};
use crate::plugin::kind::PluginKind;
use crate::plugin::kind::hooks::{Contracts, INTERCEPTOR, PACKAGE};
use crate::plugin::kind::wasi_http::StandardWorld;
use crate::plugin::wasm::InterfaceName;
use crate::text;

/// What a component imports and exports, by name, in the order of the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Interfaces {
    pub imports: Vec<String>,
    pub exports: Vec<String>,
}

/// Lists what a binary component imports and exports.
pub fn interfaces(component: &[u8]) -> Result<Interfaces, LoadError> {
    Ok(Typed::parse(&mut validator(), component)?.interfaces)
}

/// Checks a binary component against the newest version of the contract that it is made for.
pub(super) fn check(component: &[u8], contracts: Contracts) -> Result<PluginKind, LoadError> {
    let mut validator = validator();
    let plugin = Typed::parse(&mut validator, component)?;
    let Interfaces { imports, exports } = &plugin.interfaces;
    if !exports.iter().any(|name| is_interceptor(name))
        && let Some(world) = StandardWorld::of(imports, exports)
    {
        return Ok(PluginKind::Standard(world));
    }
    let exports: Vec<&str> = plugin
        .interfaces
        .exports
        .iter()
        .map(String::as_str)
        .collect();
    let claims =
        Claims::of(&exports, contracts).ok_or_else(|| none_of_ours(&exports, contracts))?;
    check_names_of_imports(&plugin.interfaces.imports, &claims)?;
    for contract in claims.served() {
        validator.reset();
        let host = Typed::parse(&mut validator, &contract.wit.parsed().encoded)?;
        let comparison = Comparison {
            contract,
            plugin: plugin.types.as_ref(),
            host: host.types.as_ref(),
        };
        let world = host_world(&host.types, contract.wit.parsed().encoded_world());
        check_imports(&comparison, &plugin.interfaces.imports, world)?;
        if contract == claims.newest {
            check_exports(&comparison, &exports, world)?;
        }
    }
    Ok(PluginKind::Interceptor(claims.newest))
}

/// Those that are of this version, by their types. One that the host would not call must not seem to be of use.
fn check_exports(
    comparison: &Comparison<'_>,
    exports: &[&str],
    world: ComponentTypeId,
) -> Result<(), LoadError> {
    let contract = comparison.contract;
    for export in exports {
        let Some(name) = InterfaceName::parse(export).filter(|name| contract.has(name)) else {
            continue;
        };
        let Some(number) = contract.export_number(&name) else {
            return Err(LoadError::UnknownExport {
                export: (*export).to_owned(),
                contract,
            });
        };
        let ours = contract.name_of(contract.exports[number].name);
        let expected = instance(comparison.host[world].exports.get(&ours));
        let actual = instance(comparison.plugin.component_item_for_export(export));
        comparison.export(export, actual, expected)?;
    }
    Ok(())
}

fn is_interceptor(name: &str) -> bool {
    let name = InterfaceName::parse(name);
    name.is_some_and(|name| (name.package, name.interface) == (PACKAGE, INTERCEPTOR))
}

/// Reading is lenient about proposals: which of them are on is the engine's decision.
fn validator() -> Validator {
    Validator::new_with_features(WasmFeatures::all())
}

/// A component's names and their types.
struct Typed {
    interfaces: Interfaces,
    types: Types,
}

impl Typed {
    fn parse(validator: &mut Validator, component: &[u8]) -> Result<Typed, LoadError> {
        let mut interfaces = Interfaces::default();
        let mut types = None;
        walk(component, |depth, payload| {
            if let Payload::ComponentTypeSection(section) = payload {
                let range = section.range();
                check_nesting(&component[range.clone()], range.start)?;
            }
            if let ValidPayload::End(found) = validator.payload(payload).map_err(malformed)? {
                types = Some(found);
            }
            match payload {
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section.clone() {
                        interfaces
                            .imports
                            .push(import.map_err(malformed)?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section.clone() {
                        interfaces
                            .exports
                            .push(export.map_err(malformed)?.name.name.to_owned());
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
        let types = types.ok_or(LoadError::Truncated {
            size: component.len(),
            place: "before its end",
        })?;
        Ok(Typed { interfaces, types })
    }
}

/// The type of our world in the component that wit-component encodes it in.
fn host_world(types: &Types, name: &str) -> ComponentTypeId {
    let wrapper = match types
        .as_ref()
        .component_item_for_export(name)
        .map(|item| item.ty)
    {
        Some(ComponentEntityType::Type {
            referenced: ComponentAnyTypeId::Component(id),
            ..
        }) => id,
        other => unreachable!(
            "wit-component encodes a world as an exported component type, not {other:?}"
        ),
    };
    match types[wrapper].exports.values().next().map(|item| item.ty) {
        Some(ComponentEntityType::Component(world)) => world,
        other => unreachable!("wit-component wraps a world in a component type, not {other:?}"),
    }
}

fn instance(item: Option<&ComponentItem>) -> Option<ComponentInstanceTypeId> {
    match item?.ty {
        ComponentEntityType::Instance(id) => Some(id),
        _ => None,
    }
}

/// What a component seems to be that exports no interceptor which is served.
fn none_of_ours(exports: &[&str], contracts: Contracts) -> LoadError {
    for name in exports {
        let Some(parsed) = InterfaceName::parse(name) else {
            continue;
        };
        match (parsed.package, parsed.interface) {
            (PACKAGE, INTERCEPTOR) => {
                return LoadError::other_contract("exports", name, parsed.version, contracts);
            }
            ("wasi:http", "handler" | "incoming-handler" | "middleware") => {
                return LoadError::WasiHttp {
                    export: (*name).to_owned(),
                };
            }
            _ => {}
        }
    }
    LoadError::NotAPlugin {
        found: format!("the component exports {}", list(exports)),
    }
}

/// Those that are of this version's world, by their types.
fn check_imports(
    comparison: &Comparison<'_>,
    imports: &[String],
    world: ComponentTypeId,
) -> Result<(), LoadError> {
    let host_imports = &comparison.host[world].imports;
    let served: Vec<&str> = host_imports.keys().map(String::as_str).collect();
    for name in imports {
        let parsed = InterfaceName::parse(name);
        if let Some(ours) = parsed.and_then(|parsed| find_served(&parsed, &served)) {
            let actual = instance(comparison.plugin.component_item_for_import(name));
            comparison.import(name, actual, instance(host_imports.get(ours)))?;
        }
    }
    Ok(())
}

/// Names for a message: the first few, and how many more.
pub(super) fn list(names: &[impl AsRef<str>]) -> String {
    const SHOWN: usize = 6;
    if names.is_empty() {
        return "nothing".into();
    }
    let shown: Vec<_> = names
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{}`", text::name(name.as_ref())))
        .collect();
    let more = names.len().saturating_sub(SHOWN);
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{rest}", shown.join(", "))
}
