//! The canonical ABI for core modules that are linked without a component around them.
//!
//! A type of the contract is a Rust type with a [`Layout`]: how it is passed as numbers and where its parts are in memory.
//! From a guest it is lifted ([`Lift`]), into a guest it is lowered ([`Lower`]), both written once for each type. A function
//! is declared by its types ([`Functions`], [`Export`]). What traps, and in which words, is as in wasmtime's components.
//!
//! The reference is CanonicalABI.md of github.com/WebAssembly/component-model.

mod composed;
mod export;
mod functions;
mod layout;
mod lift;
mod lower;
mod made;
mod on_fiber;
mod types;

pub use export::Export;
pub use functions::{Functions, HostFunction, InterfaceFunctions};
pub use layout::{Flat, Layout, Places, align_up, join, most};
pub use lift::{FlatValues, Lift, Reading};
pub use lower::{FlatSlots, Lower, Writing};
pub(crate) use made::{record, record_layout, variant};
pub use on_fiber::{call_on_fiber, entry};
