//! One version of the contract as a row.
//!
//! All that differs between two versions is in the folder of each: its WIT, what wasmtime makes of it, how its types
//! become ours, how its hooks are called. The rest of the host knows a version as a row, `&'static Contract`, and what a
//! plugin reaches (`plugin/host`) is written once, in types of our own. `wit/README.md` says how to add a version.

use std::fmt;

use wasmtime::Store;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};

use super::abi::Functions;
use super::exported::Entrance;
use super::wit::Wit;
use crate::interceptor::{Hook, Verdict};
use crate::plugin::host::HooksState;
use crate::plugin::wasm::{InterfaceName, track, versions_fit};

/// The package that every version is one of. This name and the next never change: by them a plugin is known, whatever
/// version it was made for.
pub const PACKAGE: &str = "tollgate:proxy";
/// The interface in it that a plugin exports.
pub const INTERCEPTOR: &str = "interceptor";

/// One version of the contract.
pub struct Contract {
    /// `0.1.0`: the version in its WIT. Plugins for every version on the same track fit.
    pub version: &'static str,
    pub wit: Wit,
    /// The functions that the host calls: before the backend is asked, and after it answered.
    pub hooks: [&'static str; 2],
    /// Functions of its interfaces that can keep a guest waiting; all others answer at once.
    pub waiting: &'static [&'static str],
    /// Offers its interfaces to plugins that are linked as components.
    pub link: fn(&mut Linker<HooksState>) -> wasmtime::Result<()>,
    /// Checks the types of what a plugin exports, which names alone don't say.
    pub check: fn(&InstancePre<HooksState>) -> wasmtime::Result<()>,
    /// Adds the functions of its interfaces, for plugins that are linked directly.
    pub functions: fn(&mut Functions),
    /// The hooks of an instance, made once for all its calls.
    pub enter: fn(Entrance<'_>) -> wasmtime::Result<Box<dyn Hooks>>,
}

/// The two hooks of one instance, whatever their types are in its version of the contract. [`Hook::Handle`] is none of
/// them.
#[async_trait::async_trait]
pub trait Hooks: Send + Sync {
    /// Calls one to its end on the caller's stack.
    fn run_straight(&self, store: &mut Store<HooksState>, hook: Hook) -> Called;

    /// Calls one on a stack of its own. The future is on the heap, because wasmtime's is large and each async function
    /// around it would copy it again.
    async fn run_yielding(&self, store: &mut Store<HooksState>, hook: Hook) -> Called;
}

/// What a call came to: a trap, the plugin's own error, or what it decided.
pub type Called = wasmtime::Result<Result<Verdict, String>>;

impl Contract {
    /// `tollgate:proxy@0.1.0`
    pub fn package(&self) -> String {
        format!("{PACKAGE}@{}", self.version)
    }

    /// `tollgate:proxy/interceptor@0.1.0`
    pub fn interceptor(&self) -> String {
        format!("{PACKAGE}/{INTERCEPTOR}@{}", self.version)
    }

    /// The versions that fit, as people write them: `0.1.x`.
    pub fn versions(&self) -> String {
        match track(self.version) {
            Some(track) => format!("{track}.x"),
            None => self.version.to_owned(),
        }
    }

    /// Whether an interface of this name is, or stands for, one of this version of our package.
    pub fn has(&self, name: &InterfaceName<'_>) -> bool {
        name.package == PACKAGE && versions_fit(name.version, Some(self.version))
    }

    /// Whether an interface of this name is the interceptor of this version.
    pub fn is_interceptor(&self, name: &InterfaceName<'_>) -> bool {
        name.interface == INTERCEPTOR && self.has(name)
    }

    /// Where the hooks are in a component; another patch version of the contract is found too.
    ///
    /// # Errors
    /// The name of the hook that isn't there.
    pub fn find_hooks(
        &self,
        component: &Component,
    ) -> Result<[ComponentExportIndex; 2], &'static str> {
        let interceptor = component.get_export_index(None, self.interceptor());
        let find = |name| {
            let interceptor = interceptor.as_ref().ok_or(name)?;
            component
                .get_export_index(Some(interceptor), name)
                .ok_or(name)
        };
        let [forward_request, return_response] = self.hooks;
        Ok([find(forward_request)?, find(return_response)?])
    }
}

/// `tollgate:proxy@0.1`, as the cache and people name it.
impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{PACKAGE}@{}",
            track(self.version).unwrap_or(self.version)
        )
    }
}

impl fmt::Debug for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contract({self})")
    }
}

/// There is one row for a version.
impl PartialEq for Contract {
    fn eq(&self, other: &Self) -> bool {
        self.version == other.version
    }
}

impl Eq for Contract {}
