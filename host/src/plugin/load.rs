//! Step 2 of a plugin's way into service (watch → **load** → compile → swap → retire): the bytes of a file become a
//! component that is ready to compile, or the exact reason why not.
//!
//! Nothing here runs or compiles guest code. Whatever an author may have built is made into a component first (text is
//! assembled, a core module is wrapped), then its imports and exports are compared with those of a version of the contract
//! that this host serves.
//! Function bodies are not looked at: compiling validates them anyway.
//!
//! [`read`] does the I/O, [`load`] is pure and bound by the CPU (1 to 2 ms for 100 KB, about 50 ms for a core module
//! of 3 MB): call it where blocking is allowed.

mod compare;
mod contract;
mod custom;
mod encode;
mod error;
mod hash;
mod imports;
mod machine;
mod parse;
mod read;
mod sniff;
mod stock;
mod text;
mod version;
mod wasi;

use std::fmt;
use std::panic::{self, AssertUnwindSafe};

use super::contract::{Contract, Contracts};

pub use contract::{Interfaces, interfaces};
pub use error::LoadError;
pub use hash::ContentHash;
pub use read::{DEFAULT_MAX_SIZE, read};
pub use stock::StockWorld;

/// A plugin that keeps the contract and is ready to compile.
#[derive(Debug)]
pub struct Loaded {
    /// Of the file's bytes as they were read, not of `component`.
    pub hash: ContentHash,
    /// A binary component.
    pub component: Vec<u8>,
    pub kind: Kind,
    pub source: SourceKind,
    /// The file may be the beginning of a longer one, and nothing in it can tell. True only for a bare core module in
    /// binary form: cut off between two sections it would still be valid, without its data. Use it when it's settled.
    pub may_be_prefix: bool,
    /// Bytes of memory that an instance has from the start, at the least.
    pub min_memory: u64,
}

/// What a plugin is, by its exports: how the host calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It exports the interceptor of this version of our contract.
    Interceptor(&'static Contract),
    /// It is made for this world of `wasi:http`.
    Stock(StockWorld),
}

impl Kind {
    /// The kind of this name, as its `Display` writes it, of those that a host has which serves these versions.
    pub fn named(name: &str, contracts: Contracts) -> Option<Self> {
        let contract = contracts.named(name).map(Kind::Interceptor);
        contract.or_else(|| StockWorld::named(name).map(Kind::Stock))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Interceptor(contract) => contract.fmt(f),
            Kind::Stock(world) => world.fmt(f),
        }
    }
}

/// What the file was before it became a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    Component,
    CoreModule,
    /// A core module that imports `wasi_snapshot_preview1`; it was linked with the adapter to WASI 0.2.
    CoreModuleWasip1,
    /// WebAssembly text, of a component or of a module.
    Wat,
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SourceKind::Component => "component",
            SourceKind::CoreModule => "core module",
            SourceKind::CoreModuleWasip1 => "core module for WASI preview 1",
            SourceKind::Wat => "WebAssembly text",
        })
    }
}

/// The newest version of the contract as text, for those who build plugins: path in its folder, content.
pub fn contract_files() -> impl Iterator<Item = (&'static str, &'static str)> {
    Contracts::SERVED.newest().wit.files()
}

/// Makes a component out of a plugin file's bytes and checks that it keeps the contract.
///
/// The file may be anybody's, and the tools that take it apart assert what they think of: a panic of theirs becomes
/// an error.
pub fn load(bytes: Vec<u8>) -> Result<Loaded, LoadError> {
    load_for(bytes, Contracts::SERVED)
}

/// The same for a host that serves these versions of the contract.
pub fn load_for(bytes: Vec<u8>, contracts: Contracts) -> Result<Loaded, LoadError> {
    let result = panic::catch_unwind(AssertUnwindSafe(|| prepare(bytes, contracts)));
    result.unwrap_or_else(|payload| {
        let reason = payload.downcast_ref::<String>().cloned();
        let reason = reason.or_else(|| {
            payload
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
        });
        Err(LoadError::Broken {
            reason: reason.unwrap_or_default(),
        })
    })
}

fn prepare(bytes: Vec<u8>, contracts: Contracts) -> Result<Loaded, LoadError> {
    let hash = ContentHash::of(&bytes);
    let is_text = sniff::sniff(&bytes)? == sniff::Format::Text;
    let binary = if is_text {
        text::assemble(&bytes)?
    } else {
        bytes
    };
    let format = sniff::sniff(&binary)?;
    let min_memory = machine::check(&binary)?;
    let (component, source, bare) = match format {
        sniff::Format::CoreModule => {
            let made = encode::componentize(&custom::strip(&binary), contracts)?;
            (made.component, made.source, made.bare)
        }
        _ => (binary, SourceKind::Component, false),
    };
    Ok(Loaded {
        hash,
        kind: contract::check(&component, contracts)?,
        component,
        source: if is_text { SourceKind::Wat } else { source },
        may_be_prefix: bare && !is_text,
        min_memory,
    })
}

#[cfg(test)]
mod tests;
