//! What the names in a core module stand for: its imports are functions of the host, some of its exports are the hooks and what the
//! canonical ABI needs beside them.
//!
//! The names are those that `wit-component` gives a meaning, in its older and in its newer scheme. Whether a component means by
//! them what they say is looked at where it is taken apart (`take_apart.rs`); code from the cache was looked at before it
//! was compiled.

use crate::plugin::kind::hooks::abi::{Functions, HostFunction};
use crate::plugin::kind::hooks::contract::{Contract, INTERCEPTOR, PACKAGE};
use crate::plugin::wasm::{InterfaceName, track};

/// What names by the newer scheme (`cm32p2|…@0.1|forward-request`) begin with.
const NEWER: &str = "cm32p2|";

/// A module's names, each with what it stands for.
#[derive(Debug)]
pub struct Names<'a> {
    pub imports: Vec<(&'a str, &'a str, &'a HostFunction)>,
    pub memory: &'a str,
    pub realloc: Option<&'a str>,
    /// Called once for each instance, before anything else.
    pub initialize: Option<&'a str>,
    /// In the order of the contract's row, each with the function that frees what it gave.
    pub hooks: [(&'a str, Option<&'a str>); 2],
}

impl<'a> Names<'a> {
    /// # Errors
    /// What in it is not known, in words that follow on "it".
    pub fn of(
        imports: impl Iterator<Item = (&'a str, &'a str)>,
        exports: &[&'a str],
        contract: &Contract,
        functions: &'a Functions,
    ) -> Result<Self, String> {
        let one = |older: &str, newer: &str| {
            let mut found = exports.iter().filter(|name| [older, newer].contains(*name));
            match (found.next(), found.next()) {
                (_, Some(_)) => Err(format!("exports both {older} and {newer}")),
                (found, None) => Ok(found.copied()),
            }
        };
        let [first, second] = contract
            .hooks
            .map(|hook| find_hook(hook, exports, contract));
        Ok(Self {
            imports: imports
                .map(|(module, name)| {
                    let function = find_function(module, name, functions)?;
                    Ok((module, name, function))
                })
                .collect::<Result<_, String>>()?,
            memory: one("memory", "cm32p2_memory")?.ok_or("exports no memory")?,
            realloc: one("cabi_realloc", "cm32p2_realloc")?,
            initialize: one("_initialize", "cm32p2_initialize")?,
            hooks: [first?, second?],
        })
    }
}

fn find_function<'a>(
    module: &str,
    name: &str,
    functions: &'a Functions,
) -> Result<&'a HostFunction, String> {
    let is_named = |function: &&HostFunction| {
        let ours = InterfaceName::parse(&function.interface);
        let is_its_interface = match module.strip_prefix(NEWER) {
            Some(short) => short == shortened(&function.interface),
            None => InterfaceName::parse(module)
                .zip(ours)
                .is_some_and(|(given, ours)| given.fits(&ours)),
        };
        is_its_interface && function.name == name
    };
    let found = functions.iter().find(is_named);
    found.ok_or_else(|| {
        let module = module.strip_prefix(NEWER).unwrap_or(module);
        format!("imports {name} of {module}, which only components get")
    })
}

fn find_hook<'a>(
    hook: &str,
    exports: &[&'a str],
    contract: &Contract,
) -> Result<(&'a str, Option<&'a str>), String> {
    let newer = format!("{NEWER}{}|{hook}", shortened(&contract.interceptor()));
    let is_hook = |export: &&str| {
        let older = export.split_once('#').is_some_and(|(interface, function)| {
            let is_ours =
                InterfaceName::parse(interface).is_some_and(|name| contract.is_interceptor(&name));
            is_ours && function == hook
        });
        older || *export == newer
    };
    let mut found = exports.iter().copied().filter(is_hook);
    let (Some(export), None) = (found.next(), found.next()) else {
        return Err(format!(
            "does not export {hook} of {PACKAGE}/{INTERCEPTOR} once by a usual name"
        ));
    };
    let frees = |name: &&str| {
        name.strip_prefix("cabi_post_") == Some(export)
            || (export == newer && name.strip_suffix("_post") == Some(export))
    };
    Ok((export, exports.iter().copied().find(frees)))
}

/// An interface's name with no more of its version than tells what fits: `tollgate:proxy/request@0.1`.
fn shortened(interface: &str) -> String {
    match interface.split_once('@') {
        Some((name, version)) => format!("{name}@{}", track(version).unwrap_or(version)),
        None => interface.to_owned(),
    }
}
