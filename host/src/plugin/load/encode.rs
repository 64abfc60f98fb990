//! A core module becomes a component: by the description that wit-bindgen left in it, or, for one written by hand,
//! by our own WIT of the version that its exports name.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW1,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as ADAPTER,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use super::contract::list;
use super::imports::{Claims, check_names_of_imports, importable};
use super::parse::{CoreModule, one_line};
use super::{LoadError, SourceKind};
use crate::plugin::kind::hooks::{Contract, Contracts, INTERCEPTOR, PACKAGE};
use crate::plugin::wasm::{InterfaceName, track};
use crate::text;

pub(super) struct Encoded {
    pub component: Vec<u8>,
    pub source: SourceKind,
    /// The module did not describe itself; see [`super::Loaded::may_be_prefix`].
    pub bare: bool,
}

pub(super) fn componentize(module: &[u8], contracts: Contracts) -> Result<Encoded, LoadError> {
    let found = CoreModule::parse(module)?;
    let preview1 = found.imports.contains(&PREVIEW1);
    let component = if found.has_component_type {
        encode(module, preview1)?
    } else {
        encode(&describe(module, &found, contracts)?, preview1)?
    };
    let source = if preview1 {
        SourceKind::CoreModuleWasip1
    } else {
        SourceKind::CoreModule
    };
    Ok(Encoded {
        component,
        source,
        bare: !found.has_component_type,
    })
}

fn encode(module: &[u8], preview1: bool) -> Result<Vec<u8>, LoadError> {
    let mut encoder = ComponentEncoder::default()
        .validate(true)
        .module(module)
        .map_err(|error| failed(&error))?;
    if preview1 {
        encoder = encoder
            .adapter(PREVIEW1, ADAPTER)
            .map_err(|error| failed(&error))?;
    }
    encoder.encode().map_err(|error| failed(&error))
}

fn failed(error: &impl std::fmt::Display) -> LoadError {
    let mut reason = one_line(&format!("{error:#}"));
    if reason.contains("`cabi_realloc`") {
        reason.push_str(", which is needed for imported functions that return strings or lists");
    }
    LoadError::Encode { reason }
}

/// Adds what wit-bindgen would have added, of the newest version that the module's exports name.
fn describe(
    module: &[u8],
    found: &CoreModule<'_>,
    contracts: Contracts,
) -> Result<Vec<u8>, LoadError> {
    let contract = check_exports(found, contracts)?;
    check_imports(found, contract, contracts)?;
    let interfaces = optional_exports(found, contract)?;
    let (resolve, world) = contract.wit.parsed().world_with(&interfaces);
    let mut described = module.to_vec();
    embed_component_metadata(&mut described, &resolve, world, StringEncoding::UTF8)
        .map_err(|error| failed(&error))?;
    Ok(described)
}

/// Both hooks of a version must be among the exports of a module that doesn't describe itself. (wit-component would make
/// a component of anything, one that exports nothing.)
fn check_exports(
    found: &CoreModule<'_>,
    contracts: Contracts,
) -> Result<&'static Contract, LoadError> {
    let exports = found.exports.iter();
    let exports = exports.filter_map(|name| NamedExport::parse(name));
    let hooks: Vec<NamedExport<'_>> = exports
        .filter(|export| export.interface == INTERCEPTOR)
        .collect();
    let Some(first) = hooks.first() else {
        return Err(LoadError::NotAPlugin {
            found: guess(found),
        });
    };
    let served = contracts.iter().find_map(|contract| {
        let hook = hooks.iter().find(|hook| hook.is_of(contract))?;
        Some((contract, hook))
    });
    let Some((contract, hook)) = served else {
        let version = first.full_version();
        return Err(LoadError::other_contract(
            "exports",
            &first.full_interface(),
            version.as_deref(),
            contracts,
        ));
    };
    if hook.version != Some(contract.version) && !hook.standard {
        let reason = format!(
            "without a component-type section its exports must be named after `{}` exactly",
            contract.interceptor()
        );
        return Err(LoadError::Encode { reason });
    }
    let is_there = |name: &&str| {
        hooks
            .iter()
            .any(|hook| hook.function == *name && hook.is_of(contract))
    };
    match contract.hooks().iter().find(|name| !is_there(name)) {
        Some(missing) => Err(LoadError::MissingExport {
            interface: contract.interceptor(),
            function: (*missing).to_owned(),
        }),
        None => Ok(contract),
    }
}

/// The interfaces beside the interceptor that a module which doesn't describe itself exports; each whole.
fn optional_exports(
    found: &CoreModule<'_>,
    contract: &'static Contract,
) -> Result<Vec<&'static str>, LoadError> {
    let exports = found.exports.iter();
    let exports = exports.filter_map(|name| NamedExport::parse(name));
    let exports: Vec<NamedExport<'_>> = exports.filter(|export| export.is_of(contract)).collect();
    let known = |export: &&NamedExport<'_>| {
        let mut known = contract.exports.iter();
        known.any(|interface| interface.name == export.interface)
    };
    if let Some(unknown) = exports.iter().find(|export| !known(export)) {
        return Err(LoadError::UnknownExport {
            export: unknown.full_interface(),
            contract,
        });
    }
    let mut interfaces = Vec::new();
    for interface in &contract.exports[1..] {
        let mut given = exports
            .iter()
            .filter(|export| export.interface == interface.name);
        let has = |name: &&str| given.clone().any(|export| export.function == *name);
        if given.clone().next().is_none() {
            continue;
        }
        if let Some(missing) = interface.functions.iter().find(|name| !has(name)) {
            return Err(LoadError::MissingExport {
                interface: contract.name_of(interface.name),
                function: (*missing).to_owned(),
            });
        }
        if given.any(|export| export.version != Some(contract.version) && !export.standard) {
            let reason = format!(
                "without a component-type section its exports must be named after `{}` exactly",
                contract.name_of(interface.name)
            );
            return Err(LoadError::Encode { reason });
        }
        interfaces.push(interface.name);
    }
    Ok(interfaces)
}

/// What a module that doesn't describe itself imports must be in our world by that very name: only there are the types
/// that its component needs.
fn check_imports(
    found: &CoreModule<'_>,
    contract: &'static Contract,
    contracts: Contracts,
) -> Result<(), LoadError> {
    let served = contract.wit.parsed().imports();
    let is_named_otherwise = |name: &str| name == PREVIEW1 || name.starts_with(STANDARD);
    let missing: Vec<&str> = found
        .imports
        .iter()
        .copied()
        .filter(|name| !is_named_otherwise(name) && !served.iter().any(|ours| ours == name))
        .collect();
    check_symbols(found, contract)?;
    let interceptors: Vec<String> = found
        .exports
        .iter()
        .filter_map(|name| NamedExport::parse(name))
        .filter(|export| export.interface == INTERCEPTOR)
        .map(|export| export.full_interface())
        .chain([contract.interceptor()])
        .collect();
    let names: Vec<&str> = interceptors.iter().map(String::as_str).collect();
    if let Some(claims) = Claims::of(&names, contracts) {
        check_names_of_imports(&missing, &claims)?;
    }
    match missing.first() {
        None => Ok(()),
        Some(name) => Err(LoadError::Encode {
            reason: format!(
                "without a component-type section it can import only {} (and {PREVIEW1}), by these very names, and it \
                 imports {}",
                list(&served),
                list(&[name])
            ),
        }),
    }
}

/// What a module imports from something that is no interface is a symbol that the build left undefined: compilers import those
/// from `env`.
fn check_symbols(found: &CoreModule<'_>, contract: &'static Contract) -> Result<(), LoadError> {
    let is_symbol = |module: &str| {
        module != PREVIEW1
            && !module.starts_with(STANDARD)
            && InterfaceName::parse(module).is_none()
    };
    let symbols: Vec<String> = found
        .imported
        .iter()
        .filter(|(module, _)| is_symbol(module))
        .map(|(module, name)| format!("{}.{}", text::name(module), text::name(name)))
        .collect();
    if symbols.is_empty() {
        return Ok(());
    }
    let what = "no part of the build defines it, and imports must be interfaces with a package";
    Err(LoadError::UnknownImport {
        imports: vec![format!("{} ({what})", list(&symbols))],
        served: importable(contract),
    })
}

/// What names by the newer scheme (`cm32p2|…@0.1|forward-request`) begin with.
const STANDARD: &str = "cm32p2|";

/// An export of a core module that is, by its name, a function of an interface of ours.
struct NamedExport<'a> {
    interface: &'a str,
    version: Option<&'a str>,
    function: &'a str,
    /// Named by the newer scheme, which gives only the compatible part of a version.
    standard: bool,
}

impl<'a> NamedExport<'a> {
    fn parse(export: &'a str) -> Option<Self> {
        let (name, separator, standard) = match export.strip_prefix(STANDARD) {
            Some(name) => (name, '|', true),
            None => (export, '#', false),
        };
        let (interface, function) = name.split_once(separator)?;
        let interface = interface.strip_prefix(PACKAGE)?.strip_prefix('/')?;
        let (interface, version) = match interface.split_once('@') {
            Some((interface, version)) => (interface, Some(version)),
            None => (interface, None),
        };
        Some(NamedExport {
            interface,
            version,
            function,
            standard,
        })
    }

    /// The interface that the function is in.
    fn full_interface(&self) -> String {
        let at = self.version.map(|version| format!("@{version}"));
        format!("{PACKAGE}/{}{}", self.interface, at.unwrap_or_default())
    }

    fn is_of(&self, contract: &Contract) -> bool {
        if self.standard {
            return self.version == Some(track(contract.version).unwrap_or(contract.version));
        }
        contract.has(&InterfaceName {
            package: PACKAGE,
            interface: self.interface,
            version: self.version,
        })
    }

    /// With the numbers that the newer scheme leaves out.
    fn full_version(&self) -> Option<String> {
        let version = self.version?;
        let missing = 2_usize.saturating_sub(version.matches('.').count());
        Some(version.to_owned() + &".0".repeat(if self.standard { missing } else { 0 }))
    }
}

/// What a module without our names seems to be, for its author.
fn guess(found: &CoreModule<'_>) -> String {
    let exports = |start: &str| found.exports.iter().any(|name| name.starts_with(start));
    if exports("proxy_abi_version") || exports("proxy_on_") {
        return "it is a proxy-wasm filter, an ABI that this version does not serve".into();
    }
    if found.imports.contains(&"http_handler") {
        return "it is an http-wasm guest, an ABI that this version does not serve".into();
    }
    if exports("_start") {
        return "it is a program with a `main` (it exports `_start`), not a library with hooks"
            .into();
    }
    let what = "it is a core module without a component-type section (which wit-bindgen or the SDK would add)";
    format!("{what} and exports {}", list(&found.exports))
}
