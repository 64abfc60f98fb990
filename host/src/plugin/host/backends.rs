//! The backend of the request in hand.

use super::state::HooksState;

/// Why the backend was not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChoiceError {
    /// The plugin has no permission for it; says what to add to the configuration.
    Denied(String),
    /// There is none of this name; says which the plugin may choose.
    Unknown(String),
    /// The request is not on its way to the backend.
    TooLate,
}

impl HooksState {
    /// The name of the backend that the request is sent to; empty where there is no exchange.
    pub fn backend(&self) -> String {
        self.exchange.backend.name().to_owned()
    }

    /// Sends the request to this backend.
    ///
    /// # Errors
    /// Why not; the backend stays the one that it was.
    pub fn set_backend(&mut self, name: &str) -> Result<(), ChoiceError> {
        if !self.may_choose {
            return Err(ChoiceError::TooLate);
        }
        let version = &self.guest.version;
        let granted = version.config.allow.backends.as_deref().unwrap_or_default();
        let choice = &mut self.exchange.backend;
        let is_granted = granted.iter().any(|one| one == name);
        // In a trial there is none to choose; what is granted is taken as if it were there.
        if is_granted && (!choice.has_names() || choice.choose(name)) {
            return Ok(());
        }
        if is_granted || (choice.has_names() && !choice.knows(name)) {
            return Err(ChoiceError::Unknown(format!(
                "the configuration has no backend {name:?}; the plugin may choose {granted:?}"
            )));
        }
        let lines: Vec<_> = granted.iter().map(String::as_str).chain([name]).collect();
        Err(ChoiceError::Denied(format!(
            "the plugin may not choose the backend {name:?}; to allow it, write\n[plugin.{}.allow]\nbackends = {lines:?}",
            version.name
        )))
    }
}
