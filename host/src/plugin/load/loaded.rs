//! What the loader makes of a file.

use std::fmt;

use crate::plugin::hash::ContentHash;
use crate::plugin::kind::PluginKind;

/// A plugin that keeps the contract and is ready to compile.
#[derive(Debug)]
pub struct Loaded {
    /// Of the file's bytes as they were read, not of `component`.
    pub hash: ContentHash,
    /// A binary component.
    pub component: Vec<u8>,
    pub kind: PluginKind,
    pub source: SourceKind,
    /// The file may be the beginning of a longer one, and nothing in it can tell. True only for a bare core module in
    /// binary form: cut off between two sections it would still be valid, without its data. Use it when it's settled.
    pub may_be_prefix: bool,
    /// Bytes of memory that an instance has from the start, at the least.
    pub min_memory: u64,
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
