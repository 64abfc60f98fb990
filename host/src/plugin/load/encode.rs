//! A core module becomes a component: by the description that wit-bindgen left in it, or, for one written by hand,
//! by our own WIT when its exports carry our names.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW1,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as ADAPTER,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use super::interface::versions_fit;
use super::parse::{CoreModule, one_line};
use super::wit::{FUNCTIONS, HOST_WORLD, INTERCEPTOR, PACKAGE_NAME, VERSION};
use super::{LoadError, SourceKind, contract};

pub(super) struct Encoded {
    pub component: Vec<u8>,
    pub source: SourceKind,
    /// The module did not describe itself; see [`super::Loaded::may_be_prefix`].
    pub bare: bool,
}

pub(super) fn componentize(module: &[u8]) -> Result<Encoded, LoadError> {
    let found = CoreModule::parse(module)?;
    let preview1 = found.imports.contains(&PREVIEW1);
    let component = if found.has_component_type {
        encode(module, preview1)?
    } else {
        check_names(&found)?;
        check_imports(&found)?;
        let mut described = module.to_vec();
        embed_component_metadata(
            &mut described,
            &HOST_WORLD.resolve,
            HOST_WORLD.world,
            StringEncoding::UTF8,
        )
        .map_err(|error| failed(&error))?;
        encode(&described, preview1)?
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

/// Both hooks must be among the exports of a module that doesn't describe itself. (wit-component would make a component
/// of anything, one that exports nothing.)
fn check_names(found: &CoreModule<'_>) -> Result<(), LoadError> {
    let hooks: Vec<Hook<'_>> = found
        .exports
        .iter()
        .filter_map(|name| Hook::parse(name))
        .collect();
    let Some(first) = hooks.first() else {
        return Err(LoadError::NotAPlugin {
            found: describe(found),
        });
    };
    if let Some(stranger) = hooks.iter().find(|hook| !hook.version_fits()) {
        let name = format!("{PACKAGE_NAME}/interceptor@{}", stranger.version);
        return Err(contract::other_version("exports", &name, stranger.version));
    }
    if first.version != VERSION && !first.standard {
        let reason = format!(
            "without a component-type section its exports must be named after `{INTERCEPTOR}` exactly"
        );
        return Err(LoadError::Encode { reason });
    }
    match FUNCTIONS
        .iter()
        .find(|name| !hooks.iter().any(|hook| hook.function == **name))
    {
        Some(missing) => Err(contract::missing_export(missing)),
        None => Ok(()),
    }
}

/// What a module that doesn't describe itself imports must be in our world by that very name: only there are the types
/// that its component needs.
fn check_imports(found: &CoreModule<'_>) -> Result<(), LoadError> {
    let world = &HOST_WORLD.resolve.worlds[HOST_WORLD.world];
    let names = world
        .imports
        .keys()
        .map(|key| HOST_WORLD.resolve.name_world_key(key));
    let served: Vec<String> = names.collect();
    let is_named_otherwise = |name: &str| name == PREVIEW1 || name.starts_with(STANDARD);
    let missing: Vec<&str> = found
        .imports
        .iter()
        .copied()
        .filter(|name| !is_named_otherwise(name) && !served.iter().any(|ours| ours == name))
        .collect();
    contract::check_names_of_imports(&missing, &served)?;
    match missing.first() {
        None => Ok(()),
        Some(name) => Err(LoadError::Encode {
            reason: format!(
                "without a component-type section it can import only {} (and {PREVIEW1}), by these very names, and it \
                 imports `{name}`",
                contract::list(&served)
            ),
        }),
    }
}

/// What names by the newer scheme (`cm32p2|…@0.1|forward-request`) begin with.
const STANDARD: &str = "cm32p2|";

/// An export of a core module that is, by its name, one of our hooks.
struct Hook<'a> {
    version: &'a str,
    function: &'a str,
    /// Named by the newer scheme, which gives only the compatible part of a version.
    standard: bool,
}

impl<'a> Hook<'a> {
    fn parse(export: &'a str) -> Option<Self> {
        let (name, separator, standard) = match export.strip_prefix(STANDARD) {
            Some(name) => (name, '|', true),
            None => (export, '#', false),
        };
        let name = name
            .strip_prefix(PACKAGE_NAME)?
            .strip_prefix("/interceptor@")?;
        let (version, function) = name.split_once(separator)?;
        Some(Hook {
            version,
            function,
            standard,
        })
    }

    fn version_fits(&self) -> bool {
        if self.standard {
            return VERSION
                .strip_prefix(self.version)
                .is_some_and(|patch| patch.starts_with('.'));
        }
        versions_fit(Some(self.version), Some(VERSION))
    }
}

/// What a module without our names seems to be, for its author.
fn describe(found: &CoreModule<'_>) -> String {
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
    format!("{what} and exports {}", contract::list(&found.exports))
}
