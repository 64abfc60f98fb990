//! What a plugin imports, by the names alone: is it all of the version of the contract that it exports?

use std::fmt::Write;

use super::LoadError;
use super::wasi;
use crate::plugin::kind::hooks::{
    Contract, Contracts, INTERCEPTOR, PACKAGE, STANDARD_CAPABILITIES,
};
use crate::plugin::wasm::InterfaceName;
use crate::text;

/// The versions of the contract that a plugin is made for, by the interceptors that it exports.
pub(super) struct Claims<'a> {
    /// Which the plugin is served by: the newest of those that this host serves.
    pub newest: &'static Contract,
    /// The name of its interceptor in the plugin.
    pub interceptor: &'a str,
    /// Of all versions, served or not.
    interceptors: Vec<InterfaceName<'a>>,
    contracts: Contracts,
}

impl<'a> Claims<'a> {
    /// None when this host serves none of them.
    pub fn of(exports: &[&'a str], contracts: Contracts) -> Option<Self> {
        let named = |name: &&'a str| Some((*name, InterfaceName::parse(name)?));
        let mut interceptors: Vec<(&str, InterfaceName<'_>)> =
            exports.iter().filter_map(named).collect();
        interceptors.retain(|(_, name)| (name.package, name.interface) == (PACKAGE, INTERCEPTOR));
        let (newest, interceptor) = contracts.iter().find_map(|contract| {
            let found = interceptors.iter().find(|(_, name)| contract.has(name));
            found.map(|(name, _)| (contract, *name))
        })?;
        Some(Self {
            newest,
            interceptor,
            interceptors: interceptors.into_iter().map(|(_, name)| name).collect(),
            contracts,
        })
    }

    /// Those that this host serves, newest first.
    pub fn served(&self) -> impl Iterator<Item = &'static Contract> {
        let claimed =
            |contract: &&Contract| self.interceptors.iter().any(|name| contract.has(name));
        self.contracts.iter().filter(claimed)
    }

    /// The error about an import of our package that is of no version in [`served`](Self::served).
    fn other_version(&self, import: &str, parsed: &InterfaceName<'_>) -> LoadError {
        let is_claimed = |name: &InterfaceName<'_>| {
            let interceptor = InterfaceName {
                interface: INTERCEPTOR,
                ..*parsed
            };
            name.fits(&interceptor)
        };
        if self.interceptors.iter().any(is_claimed) {
            return LoadError::other_contract("imports", import, parsed.version, self.contracts);
        }
        LoadError::MixedContracts {
            export: self.interceptor.to_owned(),
            import: import.to_owned(),
            served: self.contracts,
        }
    }
}

/// Whether imports are of a world that the plugin is made for or of WASI 0.2.
pub(super) fn check_names_of_imports(
    imports: &[impl AsRef<str>],
    claims: &Claims<'_>,
) -> Result<(), LoadError> {
    let worlds = claims
        .served()
        .map(|contract| contract.wit.parsed().imports());
    let served: Vec<String> = worlds.flatten().collect();
    let mut unknown = Vec::new();
    for name in imports.iter().map(AsRef::as_ref) {
        let parsed = InterfaceName::parse(name);
        if let Some(ours) = parsed.filter(|parsed| parsed.package == PACKAGE)
            && !claims.served().any(|contract| contract.has(&ours))
        {
            return Err(claims.other_version(name, &ours));
        }
        let is_known = |parsed: InterfaceName<'_>| {
            wasi::has(&parsed)
                || find_served(&parsed, &served).is_some()
                || STANDARD_CAPABILITIES.iter().any(|row| row.serves(&parsed))
        };
        if !parsed.is_some_and(is_known) {
            let remark = remark(parsed, claims, &served);
            unknown.push(format!("`{}`{remark}", text::name(name)));
        }
    }
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(LoadError::UnknownImport {
            imports: unknown,
            served: importable(claims.newest),
        })
    }
}

/// The interface of ours that an import of this name gets.
pub(super) fn find_served<'a>(
    name: &InterfaceName<'_>,
    served: &'a [impl AsRef<str>],
) -> Option<&'a str> {
    let fits = |ours: &&str| InterfaceName::parse(ours).is_some_and(|ours| ours.fits(name));
    served.iter().map(AsRef::as_ref).find(fits)
}

/// What is known about an import that isn't served.
fn remark(name: Option<InterfaceName<'_>>, claims: &Claims<'_>, served: &[String]) -> String {
    let Some(name) = name else {
        return " (imports must be interfaces with a package)".into();
    };
    if name.package == PACKAGE {
        let mut versions = claims.served().filter(|contract| contract.has(&name));
        let declared = versions.any(|contract| contract.wit.parsed().declares(name.interface));
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
    let standard = STANDARD_CAPABILITIES.iter().map(|row| row.interface);
    let mut served = served.iter().map(String::as_str).chain(standard);
    if let Some(ours) = served.find(same) {
        return format!(" (this host has `{ours}`)");
    }
    if wasi::has_other_version(&name) {
        " (this host has version 0.2)".into()
    } else if name.package == "wasi:http" {
        " (of wasi:http this host has types and outgoing-handler in version 0.2)".into()
    } else {
        " (which this host does not have)".into()
    }
}

/// What plugins for this version may import, for messages:
/// `tollgate:proxy/{request,response}@0.1.x, wasi:config/store@0.2.0-rc.1 and wasi:…`.
pub(super) fn importable(contract: &'static Contract) -> String {
    let wit = contract.wit.parsed();
    let (mut ours, mut others) = (Vec::new(), String::new());
    for name in wit.imports() {
        match InterfaceName::parse(&name) {
            // Types alone can't be called.
            Some(name) if name.package == PACKAGE && !wit.has_functions(name.interface) => {}
            Some(name) if name.package == PACKAGE => ours.push(name.interface.to_owned()),
            // Told with the rest of WASI.
            Some(name) if wasi::has(&name) => {}
            _ => others += &format!(", {name}"),
        }
    }
    let mut text = format!("{PACKAGE}/{{{}}}@{}", ours.join(","), contract.versions());
    let others = others
        + ", wasi:http/{types,outgoing-handler}@0.2.x, wasi:keyvalue/{store,atomics,batch}@0.2.0-draft2";
    let _ = write!(text, "{others} and {}", wasi::SERVED);
    text
}
