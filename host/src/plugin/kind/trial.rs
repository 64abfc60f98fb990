//! What the trial of a new version came to: its first calls, for an exchange of the host's own.

use crate::interceptor::{Hook, InterceptError};

/// A trial that is no reason to refuse the version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trial {
    /// Bytes of linear memory of an instance before its first call, and after both.
    pub memory_at_start: u64,
    pub memory: u64,
    /// The errors that the hooks returned, which are no failures: the exchange was made up.
    pub forward_request: Option<String>,
    pub return_response: Option<String>,
    /// How the call of a standard component failed, if it did.
    pub handle: Option<InterceptError>,
}

/// A trial after which the version must not serve: which function failed, none when no instance could be made, and how.
pub type TrialFailure = (Option<Hook>, InterceptError);

impl Trial {
    /// What whoever runs the plugin should know of the trial though the plugin serves: `HOOK returned an error: TEXT`.
    pub fn warnings(&self) -> Vec<String> {
        let returned = |hook: Hook, error: &Option<String>| {
            let error = error.clone().map(InterceptError::Returned)?;
            Some(format!("{hook} {error}"))
        };
        let handle = self.handle.as_ref();
        [
            returned(Hook::ForwardRequest, &self.forward_request),
            returned(Hook::ReturnResponse, &self.return_response),
            handle.map(|error| format!("{} {error}", Hook::Handle)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
