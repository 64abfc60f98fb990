//! What a plugin can be.

use std::fmt;

use super::hooks::{Contract, Contracts};
use super::wasi_http::StandardWorld;

/// What a plugin is, by its exports: how the host calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginKind {
    /// It exports the interceptor of this version of our contract.
    Interceptor(&'static Contract),
    /// It is made for this world of `wasi:http`.
    Standard(StandardWorld),
}

impl PluginKind {
    /// The kind of this name, as its `Display` writes it, of those that a host has which serves these versions.
    pub fn named(name: &str, contracts: Contracts) -> Option<Self> {
        let contract = contracts.named(name).map(PluginKind::Interceptor);
        contract.or_else(|| StandardWorld::named(name).map(PluginKind::Standard))
    }
}

impl fmt::Display for PluginKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PluginKind::Interceptor(contract) => contract.fmt(f),
            PluginKind::Standard(world) => world.fmt(f),
        }
    }
}
