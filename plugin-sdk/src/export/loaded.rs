//! The plugin of an instance, as its exported functions have it, and what they give to the host.

use alloc::string::{String, ToString};

use crate::Result;

/// The plugin, or why its settings are wrong.
pub type Loaded<P> = core::result::Result<P, String>;

/// What crosses to the host.
pub type HookResult<T> = core::result::Result<T, String>;

/// The plugin, if its settings are right.
pub fn loaded<P>(plugin: &Loaded<P>) -> HookResult<&P> {
    plugin.as_ref().map_err(Clone::clone)
}

/// The text of an error, for the host.
pub fn line<T>(result: Result<T>) -> HookResult<T> {
    result.map_err(|error| error.to_string())
}
