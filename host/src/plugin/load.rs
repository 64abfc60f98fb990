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
mod imports;
mod loaded;
mod machine;
mod parse;
mod read;
mod sniff;
mod text;
mod version;
mod wasi;

use std::panic::{self, AssertUnwindSafe};

use super::hash::ContentHash;
use super::kind::hooks::Contracts;
use super::schema::{self, SchemaError, SchemaPlace};

pub use contract::{Interfaces, interfaces};
pub use error::LoadError;
pub use loaded::{Loaded, SourceKind};
pub use read::{DEFAULT_MAX_SIZE, read};

/// The newest version of the contract as text, for those who build plugins: path in its folder, content.
pub fn contract_files() -> impl Iterator<Item = (&'static str, &'static str)> {
    Contracts::SERVED.newest().wit.files()
}

/// The schema of the plugin's settings that a file carries in a custom section, as it is.
///
/// # Errors
/// When it carries several that differ.
pub fn settings_schema(bytes: &[u8]) -> Result<Option<Vec<u8>>, SchemaError> {
    // Text is assembled for it, which takes a while, so most are spared that.
    if memchr::memmem::find(bytes, schema::SECTION.as_bytes()).is_none() {
        return Ok(None);
    }
    let find = || {
        let is_text = sniff::sniff(bytes).is_ok_and(|format| format == sniff::Format::Text);
        let assembled = is_text.then(|| text::assemble(bytes));
        match assembled {
            Some(Ok(binary)) => custom::contents(&binary, schema::SECTION),
            // The load says what is wrong with it.
            Some(Err(_)) => Vec::new(),
            None => custom::contents(bytes, schema::SECTION),
        }
    };
    let mut found = panic::catch_unwind(find).unwrap_or_default();
    match found.len() {
        0 | 1 => Ok(found.pop()),
        several => Err(SchemaError {
            place: SchemaPlace::Section,
            problem: format!("the file has {several} of them, and they differ"),
        }),
    }
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
