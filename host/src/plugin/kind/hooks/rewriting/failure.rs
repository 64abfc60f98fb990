//! Why a body that a plugin rewrites can't go on.

use crate::interceptor::InterceptError;
use crate::message::BoxError;

/// Why a body can't go on.
pub enum Failure {
    /// What it comes from failed.
    Source(BoxError),
    Plugin(InterceptError),
}

impl Failure {
    /// The plugin can't get what it wished for.
    pub fn of_plugin(why: impl std::fmt::Display) -> Self {
        Failure::Plugin(InterceptError::Returned(why.to_string()))
    }
}

impl From<InterceptError> for Failure {
    fn from(error: InterceptError) -> Self {
        Failure::Plugin(error)
    }
}
