//! Does a component keep the contract? Asked before compiling, because the answer is cheap and exact here.
//!
//! The exports must hold our interceptor with both hooks, every import must be one that this host serves, and each
//! function of ours must have the very type of `wit/v0.1`: wasmtime knows no subtyping for functions. A plugin may import
//! less than there is and export more than is asked for.

use std::fmt;

use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentEntityType, ComponentInstanceTypeId, ComponentItem,
    ComponentTypeId,
};
use wasmparser::types::Types;
use wasmparser::{Payload, ValidPayload, Validator, WasmFeatures};

use super::LoadError;
use super::compare::Comparison;
use super::interface::{InterfaceName, versions_fit};
use super::parse::{check_nesting, malformed, walk};
use super::wit::{self, FUNCTIONS, HOST_WORLD, INTERCEPTOR, PACKAGE_NAME, VERSION};

/// Which contract a plugin was built for, of those that this host serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Contract {
    /// `tollgate:proxy@0.1.x`
    V0_1,
}

impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Contract::V0_1 => f.write_str("tollgate:proxy@0.1"),
        }
    }
}

/// What a plugin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A plugin for a contract of ours.
    Interceptor(Contract),
    /// A component for a world of `wasi:http`.
    Stock(StockWorld),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Interceptor(contract) => contract.fmt(f),
            Kind::Stock(world) => world.fmt(f),
        }
    }
}

/// The worlds of `wasi:http` that this host serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockWorld {
    /// `wasi:http/proxy@0.2.x`
    Proxy,
    /// `wasi:http/service@0.3.x`
    Service,
    /// `wasi:http/middleware@0.3.x`
    Middleware,
}

impl fmt::Display for StockWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StockWorld::Proxy => "wasi:http/proxy@0.2",
            StockWorld::Service => "wasi:http/service@0.3",
            StockWorld::Middleware => "wasi:http/middleware@0.3",
        })
    }
}

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

/// Checks a binary component against the contract.
pub(super) fn check(component: &[u8]) -> Result<Kind, LoadError> {
    let mut validator = validator();
    let host = Typed::parse(&mut validator, &HOST_WORLD.encoded)?;
    validator.reset();
    let plugin = Typed::parse(&mut validator, component)?;
    let world = host_world(&host.types);
    let comparison = Comparison {
        plugin: plugin.types.as_ref(),
        host: host.types.as_ref(),
    };

    if let Some(world) = stock_world(&plugin.interfaces) {
        return Ok(Kind::Stock(world));
    }
    let interceptor = find_interceptor(&plugin.interfaces.exports)?;
    check_imports(&comparison, &plugin.interfaces.imports, world)?;
    let expected = instance(comparison.host[world].exports.get(INTERCEPTOR));
    let actual = instance(comparison.plugin.component_item_for_export(interceptor));
    comparison.export(interceptor, actual, expected)?;
    Ok(Kind::Interceptor(Contract::V0_1))
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

/// The type of our world in the component that [`HOST_WORLD`] encodes it in.
fn host_world(types: &Types) -> ComponentTypeId {
    let wrapper = match types
        .as_ref()
        .component_item_for_export(wit::WORLD)
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

/// The world of `wasi:http` that a component is for, by its exports, unless it exports our interceptor too. The linker has
/// the last word on its types.
fn stock_world(interfaces: &Interfaces) -> Option<StockWorld> {
    let names = |list: &[String], package: &str, interface: &str, version: &str| {
        list.iter()
            .filter_map(|name| InterfaceName::parse(name))
            .any(|name| {
                (name.package, name.interface) == (package, interface)
                    && (version.is_empty() || versions_fit(name.version, Some(version)))
            })
    };
    if names(&interfaces.exports, PACKAGE_NAME, "interceptor", "") {
        None
    } else if names(&interfaces.exports, "wasi:http", "handler", "0.3.0") {
        let surrounds = names(&interfaces.imports, "wasi:http", "handler", "0.3.0");
        Some(match surrounds {
            true => StockWorld::Middleware,
            false => StockWorld::Service,
        })
    } else if names(
        &interfaces.exports,
        "wasi:http",
        "incoming-handler",
        "0.2.0",
    ) {
        Some(StockWorld::Proxy)
    } else {
        None
    }
}

/// Our export among all, whatever patch version it names; otherwise what the component seems to be instead.
fn find_interceptor(exports: &[String]) -> Result<&str, LoadError> {
    let expected = InterfaceName::parse(INTERCEPTOR);
    let names = || {
        exports
            .iter()
            .filter_map(|name| Some((name.as_str(), InterfaceName::parse(name)?)))
    };
    if let Some((name, _)) =
        names().find(|(_, parsed)| expected.is_some_and(|ours| ours.fits(parsed)))
    {
        return Ok(name);
    }
    for (name, parsed) in names() {
        match (parsed.package, parsed.interface) {
            (PACKAGE_NAME, "interceptor") => {
                return Err(other_version(
                    "exports",
                    name,
                    parsed.version.unwrap_or_default(),
                ));
            }
            ("wasi:http", "handler" | "incoming-handler" | "middleware") => {
                return Err(LoadError::WasiHttp {
                    export: name.to_owned(),
                });
            }
            _ => {}
        }
    }
    Err(LoadError::NotAPlugin {
        found: format!("the component exports {}", list(exports)),
    })
}

fn check_imports(
    comparison: &Comparison<'_>,
    imports: &[String],
    world: ComponentTypeId,
) -> Result<(), LoadError> {
    let host_imports = &comparison.host[world].imports;
    let served: Vec<&str> = host_imports.keys().map(String::as_str).collect();
    check_names_of_imports(imports, &served)?;
    for name in imports {
        let Some(parsed) = InterfaceName::parse(name) else {
            continue;
        };
        if let Some(ours) = find_served(&parsed, &served) {
            let actual = instance(comparison.plugin.component_item_for_import(name));
            comparison.import(name, actual, instance(host_imports.get(ours)))?;
        }
    }
    Ok(())
}

/// Whether imports are of our world or of WASI 0.2, by their names.
pub(super) fn check_names_of_imports(
    imports: &[impl AsRef<str>],
    served: &[impl AsRef<str>],
) -> Result<(), LoadError> {
    let mut unknown = Vec::new();
    for name in imports.iter().map(AsRef::as_ref) {
        let parsed = InterfaceName::parse(name);
        if let Some(other) = parsed.filter(is_other_contract) {
            return Err(other_version(
                "imports",
                name,
                other.version.unwrap_or_default(),
            ));
        }
        let is_known = |parsed: InterfaceName<'_>| {
            is_wasi_0_2(&parsed) || find_served(&parsed, served).is_some()
        };
        if !parsed.is_some_and(is_known) {
            unknown.push(format!("`{name}`{}", remark(parsed, served)));
        }
    }
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(LoadError::UnknownImport { imports: unknown })
    }
}

/// The interface of ours that an import of this name gets.
fn find_served<'a>(name: &InterfaceName<'_>, served: &'a [impl AsRef<str>]) -> Option<&'a str> {
    let fits = |ours: &&str| InterfaceName::parse(ours).is_some_and(|ours| ours.fits(name));
    served.iter().map(AsRef::as_ref).find(fits)
}

fn is_other_contract(name: &InterfaceName<'_>) -> bool {
    name.package == PACKAGE_NAME && !versions_fit(name.version, Some(VERSION))
}

fn is_wasi_0_2(name: &InterfaceName<'_>) -> bool {
    versions_fit(name.version, Some("0.2.0"))
        && wit::wasi_interfaces(name.package)
            .is_some_and(|interfaces| interfaces.contains(&name.interface))
}

/// What is known about an import that isn't served.
fn remark(name: Option<InterfaceName<'_>>, served: &[impl AsRef<str>]) -> String {
    let Some(name) = name else {
        return " (imports must be interfaces with a package)".into();
    };
    if name.package == PACKAGE_NAME {
        let declared = HOST_WORLD.declares(name.interface);
        let what = if declared {
            "the contract declares it, but this host does not serve it yet"
        } else {
            "unknown"
        };
        return format!(" ({what})");
    }
    let same = |ours: &&str| {
        let ours = InterfaceName::parse(ours);
        ours.is_some_and(|ours| (ours.package, ours.interface) == (name.package, name.interface))
    };
    if let Some(ours) = served.iter().map(AsRef::as_ref).find(same) {
        return format!(" (this host has `{ours}`)");
    }
    match wit::wasi_interfaces(name.package) {
        Some(interfaces) if interfaces.contains(&name.interface) => {
            " (this host has version 0.2)".into()
        }
        _ if name.package == "wasi:http" => " (plugins have no HTTP client in this version)".into(),
        _ => " (which this host does not have)".into(),
    }
}

pub(super) fn missing_export(function: &str) -> LoadError {
    debug_assert!(FUNCTIONS.contains(&function));
    LoadError::MissingExport {
        interface: INTERCEPTOR.into(),
        function: function.to_owned(),
    }
}

/// The error about a version of our package that this host doesn't serve.
pub(super) fn other_version(direction: &'static str, name: &str, version: &str) -> LoadError {
    let advice = match number(version).cmp(&number(VERSION)) {
        std::cmp::Ordering::Greater => {
            "use a newer tollgate, or rebuild the plugin with the SDK for 0.1"
        }
        _ => "rebuild the plugin with the SDK for 0.1",
    };
    LoadError::OtherContract {
        direction,
        name: name.to_owned(),
        advice,
    }
}

/// Major and minor version; 0 for what is missing or no number.
fn number(version: &str) -> (u64, u64) {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
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
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    let more = names.len().saturating_sub(SHOWN);
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{rest}", shown.join(", "))
}
