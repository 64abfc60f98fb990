//! What the names in a core module stand for: its imports are functions of the host, some of its exports are what the host calls and what the
//! canonical ABI needs beside them.
//!
//! The names are those that `wit-component` gives a meaning, in its older and in its newer scheme. Whether a component means by
//! them what they say is looked at where it is taken apart (`take_apart.rs`); code from the cache was looked at before it
//! was compiled.

use crate::plugin::kind::hooks::abi::{Functions, HostFunction};
use crate::plugin::kind::hooks::contract::{Contract, PACKAGE};
use crate::plugin::kind::hooks::exported::OfExports;
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
    /// What the host calls, each with the function that frees what it gave.
    pub exported: OfExports<ExportedName<'a>>,
}

/// The names of a function that the host calls, and of the one that frees what it gave.
pub type ExportedName<'a> = (&'a str, Option<&'a str>);

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
        let exported = contract.exports.iter().enumerate();
        let exported = exported.map(|(number, interface)| {
            let functions = interface.functions.iter();
            let is_there = |function| has_export(number, function, exports, contract);
            if number > 0 && !functions.clone().any(|function| is_there(function)) {
                return Ok(None);
            }
            let found = functions.map(|function| find_export(number, function, exports, contract));
            found.collect::<Result<_, String>>().map(Some)
        });
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
            exported: exported.collect::<Result<_, String>>()?,
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

/// Whether any of the names is one of this function, of the interface with this number.
fn has_export(number: usize, function: &str, exports: &[&str], contract: &Contract) -> bool {
    let mut exports = exports.iter();
    exports.any(|export| is_named(export, number, function, contract))
}

fn is_named(export: &str, number: usize, function: &str, contract: &Contract) -> bool {
    let older = export.split_once('#').is_some_and(|(interface, name)| {
        let found = InterfaceName::parse(interface);
        let found = found.and_then(|interface| contract.export_number(&interface));
        found == Some(number) && name == function
    });
    older || *export == newer_name(number, function, contract)
}

fn newer_name(number: usize, function: &str, contract: &Contract) -> String {
    let interface = contract.name_of(contract.exports[number].name);
    format!("{NEWER}{}|{function}", shortened(&interface))
}

fn find_export<'a>(
    number: usize,
    function: &str,
    exports: &[&'a str],
    contract: &Contract,
) -> Result<ExportedName<'a>, String> {
    let newer = newer_name(number, function, contract);
    let named = |export: &&str| is_named(export, number, function, contract);
    let mut found = exports.iter().copied().filter(named);
    let (Some(export), None) = (found.next(), found.next()) else {
        let interface = contract.exports[number].name;
        return Err(format!(
            "does not export {function} of {PACKAGE}/{interface} once by a usual name"
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
