//! Random numbers, through `wasi:random`. Behind the feature `random`.

/// A number that nobody can foresee.
pub fn u64() -> u64 {
    crate::host::random()
}
