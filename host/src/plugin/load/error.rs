//! Why a file is not a plugin, in words for the one who built it: what, where, what to do.
//!
//! The text says nothing of the file's name (the caller knows it) except where reading the file itself failed.

use std::io;
use std::path::PathBuf;

use super::version::{Age, age};
use crate::plugin::kind::hooks::{Contract, Contracts, PACKAGE, WORLD};
use crate::text;

/// Why a file could not be loaded. `Display` is one or two sentences for the plugin's author.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read {}: {source}{}", text::path(path), advice_on(source))]
    Read { path: PathBuf, source: io::Error },

    #[error(
        "cannot read {}: it is a link to {}: {source}; correct the link or what it leads to",
        text::path(path),
        text::path(target)
    )]
    ReadLink {
        path: PathBuf,
        target: PathBuf,
        source: io::Error,
    },

    #[error(
        "{} is {what}; put a regular file there or remove it",
        text::path(path)
    )]
    NotAFile { path: PathBuf, what: &'static str },

    #[error(
        "{} has {size} bytes, more than the limit of {limit}; build it in release mode, strip it, or raise `limits.file-size`",
        text::path(path)
    )]
    TooLarge {
        path: PathBuf,
        size: u64,
        limit: u64,
    },

    #[error("{} changed while it was being read", text::path(path))]
    ChangedWhileReading { path: PathBuf },

    #[error("the file is empty")]
    Empty,

    #[error("the file is truncated: it has {size} bytes and ends {place}; copy it again")]
    Truncated { size: usize, place: &'static str },

    #[error(
        "precompiled code (.cwasm) is not accepted, because nothing can check it; give the .wasm that it was made of"
    )]
    Precompiled,

    /// Recognised as something else, or as nothing.
    #[error("not WebAssembly: {what}; {advice}")]
    NotWasm { what: String, advice: &'static str },

    #[error("WebAssembly text, line {line}, column {column}: {reason}")]
    Text {
        line: usize,
        column: usize,
        reason: String,
        unclosed: bool,
    },

    #[error("malformed WebAssembly at byte {offset:#x}: {reason}")]
    Malformed { offset: usize, reason: String },

    /// Valid WebAssembly that doesn't export what a plugin must.
    #[error(
        "not a plugin: {found}; a plugin exports {}, so build it for the world `{WORLD}` of {}",
        newest().interceptor(),
        newest().package()
    )]
    NotAPlugin { found: String },

    #[error(
        "a component for another version of wasi:http: it exports `{export}`, and this host serves \
         wasi:http/incoming-handler@0.2.x and wasi:http/handler@0.3.x (or its own {}); build it for one of these",
        newest().interceptor()
    )]
    WasiHttp { export: String },

    /// A version of our package that this host doesn't serve.
    #[error(
        "made for {age}: it {direction} `{name}`, and this host serves {served}; {}",
        age.advice(*served)
    )]
    OtherContract {
        age: Age,
        direction: &'static str,
        name: String,
        served: Contracts,
    },

    /// An interface of our package that no plugin of this version exports.
    #[error(
        "exports `{}`, which this host would never call: a plugin for {}@{} exports {}",
        text::name(export),
        PACKAGE,
        contract.versions(),
        exports_of(contract)
    )]
    UnknownExport {
        export: String,
        contract: &'static Contract,
    },

    #[error(
        "made for two contracts at once: it exports `{export}` and imports `{import}`, and this host serves {served}; \
         build all of it with the WIT or SDK of one version"
    )]
    MixedContracts {
        export: String,
        import: String,
        served: Contracts,
    },

    #[error("`{interface}` must have the function `{function}`, and the plugin does not export it")]
    MissingExport { interface: String, function: String },

    #[error(
        "the plugin imports the function `{function}` of `{interface}`, which this host's {} does not have; use a newer \
         tollgate or an older SDK",
        contract.package()
    )]
    MissingImport {
        contract: &'static Contract,
        interface: String,
        function: String,
    },

    #[error(
        "function `{function}` of `{interface}` has another type than in this host's contract: {reason}; build the \
         plugin with the WIT of {}",
        contract.package()
    )]
    TypeMismatch {
        contract: &'static Contract,
        interface: String,
        function: String,
        reason: String,
    },

    #[error("the plugin imports {}; a plugin may import {served}", imports.join(" and "))]
    UnknownImport {
        /// Each with its name in backquotes and what is known about it.
        imports: Vec<String>,
        served: String,
    },

    /// Valid WebAssembly that asks for what the engine is not set up for.
    #[error("it uses {what}, which this host does not run; {advice}")]
    Unsupported {
        what: &'static str,
        advice: &'static str,
    },

    #[error("the core module cannot be made into a component: {reason}")]
    Encode { reason: String },

    #[error(
        "taking the file apart hit a bug in tollgate or its tools ({reason}); please report it with the file"
    )]
    Broken { reason: String },
}

/// What to build a plugin for that was made for no contract.
fn newest() -> &'static Contract {
    Contracts::SERVED.newest()
}

/// What a plugin of this version may export: `interceptor, lifecycle`.
fn exports_of(contract: &Contract) -> String {
    let names: Vec<&str> = contract.exports.iter().map(|export| export.name).collect();
    names.join(", ")
}

/// What to do about a file that can't be read.
fn advice_on(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "; give the proxy the permission to read it",
        _ => "",
    }
}

impl LoadError {
    /// About a name of our package with a version, or without one, that doesn't fit.
    pub(super) fn other_contract(
        direction: &'static str,
        name: &str,
        version: Option<&str>,
        contracts: Contracts,
    ) -> Self {
        let served: Vec<&str> = contracts.iter().map(|contract| contract.version).collect();
        LoadError::OtherContract {
            age: age(version.unwrap_or_default(), &served),
            direction,
            name: text::name(name).into_owned(),
            served: contracts,
        }
    }

    /// Whether the file may be one that is still being written, so that waiting may help. What is certain (another
    /// format, another contract, a wrong type) stays so however many bytes follow.
    pub fn could_be_incomplete(&self) -> bool {
        match self {
            LoadError::Text { unclosed, .. } => *unclosed,
            LoadError::Read { .. }
            | LoadError::ReadLink { .. }
            | LoadError::ChangedWhileReading { .. }
            | LoadError::Empty
            | LoadError::Truncated { .. }
            | LoadError::Malformed { .. }
            | LoadError::NotAPlugin { .. }
            | LoadError::MissingExport { .. }
            | LoadError::Encode { .. }
            | LoadError::Broken { .. } => true,
            LoadError::NotAFile { .. }
            | LoadError::UnknownExport { .. }
            | LoadError::TooLarge { .. }
            | LoadError::Precompiled
            | LoadError::NotWasm { .. }
            | LoadError::WasiHttp { .. }
            | LoadError::OtherContract { .. }
            | LoadError::MixedContracts { .. }
            | LoadError::MissingImport { .. }
            | LoadError::TypeMismatch { .. }
            | LoadError::UnknownImport { .. }
            | LoadError::Unsupported { .. } => false,
        }
    }
}
