//! The other way to link: a core module whose imports are the host's functions themselves, which lift and lower by
//! `abi`. A call costs a fraction of what it costs through a component, and nobody notices otherwise.
//!
//! Only what is known exactly is linked so: one core module that speaks the canonical ABI, alone or in a component that
//! `wit-component` made of it, with functions of the contract as imports. Everything else stays a component.

mod items;
mod link;
mod names;
mod shims;
mod take_apart;

pub use link::LinkedModule;
pub use take_apart::take_apart;
