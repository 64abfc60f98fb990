//! The kinds of plugins, each a folder: our contract with two hooks, and standard components for `wasi:http`.

mod common;
mod guest;
pub mod hooks;
mod kinds;
mod linking;
mod trial;
pub mod wasi_http;

pub use common::GuestKind;
pub use guest::{Guest, PluginLink};
pub use kinds::PluginKind;
pub use linking::Linking;
pub use trial::Trial;
