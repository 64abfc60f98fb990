//! What the host offers, as plain functions: the only way from the SDK to the current exchange.
//!
//! There are two hosts. In a wasm build the functions are the contract's imports (`host/guest.rs`); in a native build
//! they go to the exchange that the module `in_hand` keeps for the running thread (`host/native.rs`). Both have the
//! same signatures, so everything above this file is the same code in a test and in the proxy.

#[cfg(target_family = "wasm")]
#[path = "host/guest.rs"]
mod imp;
#[cfg(not(target_family = "wasm"))]
#[path = "host/native.rs"]
mod imp;

pub(crate) use imp::*;

/// Which of the two messages of an exchange a function speaks of.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Request,
    Response,
}
