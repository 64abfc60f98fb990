//! What tells one entry of the cache from another.

use crate::plugin::hash::ContentHash;
use crate::plugin::wasm::Tier;

/// What an entry is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CacheKey {
    /// Of the plugin's file.
    pub hash: ContentHash,
    pub tier: Tier,
    /// Of everything that makes compiled code fit: wasmtime's version, settings, the processor's features, the versions of
    /// the contract that the host serves.
    pub fingerprint: u64,
}

impl CacheKey {
    /// What the names of the entry's files begin with, up to the first dot.
    pub(super) fn stem(&self) -> String {
        format!("{}-{}-{:016x}", self.hash, self.tier, self.fingerprint)
    }
}
