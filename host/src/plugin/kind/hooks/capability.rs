//! What a plugin may import: a row for each interface.
//!
//! The loader, both ways of linking, `tollgate check` and the permissions read these rows. A version of the contract has those of
//! its own interfaces; [`standard`](super::standard) has those of others that every version refers to. The rest of WASI is
//! linked as a whole, and its rows have no functions.

use wasmtime::component::Linker;

use super::abi::InterfaceFunctions;
use crate::config::Permission;
use crate::plugin::host::HooksState;
use crate::plugin::wasm::InterfaceName;

/// An interface that plugins may import.
pub struct Capability {
    /// `tollgate:proxy/request@0.1.0`
    pub interface: &'static str,
    /// What the configuration must grant to a plugin that imports it; none if every plugin has it.
    pub permission: Option<Permission>,
    /// Functions of it that can keep a guest waiting; all others answer at once.
    pub waiting: &'static [&'static str],
    /// Offers it to plugins that are linked as components.
    pub link: fn(&mut Linker<HooksState>) -> wasmtime::Result<()>,
    /// Adds its functions, for plugins that are linked directly.
    pub functions: fn(&mut InterfaceFunctions<'_>),
}

impl Capability {
    /// Whether an import of this name gets this interface.
    pub fn serves(&self, name: &InterfaceName<'_>) -> bool {
        InterfaceName::parse(self.interface).is_some_and(|ours| ours.fits(name))
    }
}

impl std::fmt::Debug for Capability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Capability({})", self.interface)
    }
}
