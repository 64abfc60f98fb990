//! What is wrong with a filter, and where.

/// The first mistake in a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter, character {position}: {problem}")]
pub struct FilterError {
    /// In characters from 1; behind the last one if the text ends too early.
    pub position: usize,
    /// What is there and what was expected.
    pub problem: String,
}
