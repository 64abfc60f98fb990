//! One version of the contract as a row.
//!
//! All that differs between two versions is in the folder of each: its WIT, what wasmtime makes of it, how its types
//! become ours, how its hooks are called. The rest of the host knows a version as a row, `&'static Contract`, and what a
//! plugin reaches (`plugin/host`) is written once, in types of our own. `wit/README.md` says how to add a version.

use std::fmt;

use bytes::Bytes;
use wasmtime::Store;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre};

use super::capability::Capability;
use super::exported::{Entrance, OfExports};
use super::wit::Wit;
use crate::interceptor::{Hook, Verdict};
pub use crate::message::Fate;
use crate::message::Side;
use crate::message::pieces::Unit;
use crate::message::websocket::{Content, Peer};
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
    /// What the host calls: the interceptor first, then the interfaces that a plugin need not export.
    pub exports: &'static [ExportedInterface],
    /// Which of them rewrite bodies as they flow: the request's and the response's.
    pub body_exports: [Option<usize>; 2],
    /// Which of them is background work.
    pub background_export: Option<usize>,
    /// Which of them gets the messages of WebSockets.
    pub messages_export: Option<usize>,
    /// Its own interfaces that a plugin may import.
    pub capabilities: &'static [Capability],
    /// Checks the types of what a plugin exports, which names alone don't say.
    pub check: fn(&InstancePre<HooksState>) -> wasmtime::Result<()>,
    /// The hooks of an instance, made once for all its calls.
    pub enter: fn(Entrance<'_>) -> wasmtime::Result<Box<dyn Hooks>>,
}

/// An interface that a plugin exports. One that has it has all of its functions.
#[derive(Debug)]
pub struct ExportedInterface {
    /// `lifecycle`
    pub name: &'static str,
    /// Of the interceptor: before the backend is asked, and after it answered.
    pub functions: &'static [&'static str],
}

/// What the host calls of one instance, whatever their types are in its version of the contract. [`Hook::Handle`] is none of
/// the two hooks.
#[async_trait::async_trait]
pub trait Hooks: Send + Sync {
    /// Calls one to its end on the caller's stack.
    fn run_straight(&self, store: &mut Store<HooksState>, hook: Hook) -> Called;

    /// Calls one on a stack of its own. The future is on the heap, because wasmtime's is large and each async function
    /// around it would copy it again.
    async fn run_yielding(&self, store: &mut Store<HooksState>, hook: Hook) -> Called;

    /// Whether it has a function to be called when an instance starts.
    fn has_start(&self) -> bool {
        false
    }

    /// Calls that function, on a stack of its own.
    async fn start(&self, _: &mut Store<HooksState>) -> wasmtime::Result<Result<(), String>> {
        Ok(Ok(()))
    }

    /// Does its background work once, on a stack of its own.
    async fn tick(&self, _: &mut Store<HooksState>) -> wasmtime::Result<Result<(), String>> {
        Ok(Ok(()))
    }

    /// Asks whether it wants to rewrite the body of this side.
    async fn begin_body(
        &self,
        store: &mut Store<HooksState>,
        side: Side,
    ) -> BodyCalled<Option<BodyWish>>;

    /// Gives it a piece of that body.
    async fn piece(
        &self,
        store: &mut Store<HooksState>,
        side: Side,
        data: Bytes,
    ) -> BodyCalled<Fate>;

    /// Tells it that the body is complete.
    async fn end_body(&self, store: &mut Store<HooksState>, side: Side) -> BodyCalled<()>;

    /// Asks whether it wants the messages of this WebSocket.
    async fn opened(&self, store: &mut Store<HooksState>) -> BodyCalled<bool>;

    /// Gives it one of them.
    async fn message(
        &self,
        store: &mut Store<HooksState>,
        sender: Peer,
        content: Content,
    ) -> BodyCalled<Fate>;

    /// Tells it that the connection has ended.
    async fn closed(&self, store: &mut Store<HooksState>) -> BodyCalled<()>;
}

/// What a call for a body or for a WebSocket came to: a trap, the plugin's own error, or its result.
pub type BodyCalled<T> = wasmtime::Result<Result<T, String>>;

/// How a plugin wants to get a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyWish {
    pub unit: Unit,
    /// Without its content codings.
    pub decoded: bool,
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
        self.name_of(INTERCEPTOR)
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

    /// Which of [`exports`](Self::exports) an interface of this name is.
    pub fn export_number(&self, name: &InterfaceName<'_>) -> Option<usize> {
        let has_name = |export: &ExportedInterface| export.name == name.interface;
        self.exports
            .iter()
            .position(has_name)
            .filter(|_| self.has(name))
    }

    /// The names of the two hooks.
    pub fn hooks(&self) -> &'static [&'static str] {
        self.exports[0].functions
    }

    /// `tollgate:proxy/lifecycle@0.1.0`
    pub fn name_of(&self, interface: &str) -> String {
        format!("{PACKAGE}/{interface}@{}", self.version)
    }

    /// Where the functions that the host calls are in a component; another patch version of the contract is found too.
    ///
    /// # Errors
    /// Interface and name of the function that isn't there.
    pub fn find_exports(
        &self,
        component: &Component,
    ) -> Result<OfExports<ComponentExportIndex>, String> {
        let find = |(number, interface): (usize, &ExportedInterface)| {
            let name = self.name_of(interface.name);
            let Some(found) = component.get_export_index(None, &name) else {
                return match number {
                    0 => Err(name),
                    _ => Ok(None),
                };
            };
            let functions = interface.functions.iter().map(|function| {
                let index = component.get_export_index(Some(&found), function);
                index.ok_or_else(|| format!("{function} in {name}"))
            });
            functions.collect::<Result<_, _>>().map(Some)
        };
        self.exports.iter().enumerate().map(find).collect()
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
