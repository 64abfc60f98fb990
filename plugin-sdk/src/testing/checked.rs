//! Mistakes of a test, told at once.

/// A mistake in the test itself, not in the plugin.
pub(super) fn checked<T, E: std::fmt::Display>(result: Result<T, E>, what: &str) -> T {
    result.unwrap_or_else(|error| panic!("{what}: {error}"))
}
