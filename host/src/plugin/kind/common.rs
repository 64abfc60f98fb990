//! What versions of every kind have in common, for those who bring them into service and do not call them.

use std::sync::Arc;

use super::linking::Linking;
use super::trial::{Trial, TrialFailure};
use crate::config::Permission;
use crate::plugin::wasm::{PluginVersion, Tier};

/// A version of a plugin of one kind, ready to serve.
#[async_trait::async_trait]
pub trait GuestKind: Send + Sync {
    fn version(&self) -> &Arc<PluginVersion>;

    fn tier(&self) -> Tier;

    /// What it is by its exports, as [`PluginKind`](super::PluginKind) writes it.
    fn kind(&self) -> String;

    /// How its code is linked, for a kind that can be linked in more than one way.
    fn linking(&self) -> Option<&Linking>;

    /// What it needs to be granted, for what it imports.
    fn permissions(&self) -> &[Permission];

    /// The machine code, for the cache.
    ///
    /// # Errors
    /// When wasmtime can't serialise it.
    fn serialize(&self) -> wasmtime::Result<Vec<u8>>;

    /// Makes an instance and calls what it exports once for an exchange of the host's own, before anybody depends on it.
    ///
    /// An error that the plugin returns does not keep it from serving. Nor does a failed call of a standard component,
    /// whose author knows nothing of this. [`Trial::warnings`] tells of both.
    ///
    /// # Errors
    /// Which function failed (none when the instance could not be made), and how.
    async fn trial(&self) -> Result<Trial, TrialFailure>;
}
