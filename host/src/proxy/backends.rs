//! The backends of a configuration: what comes last for the exchanges that began with it. Each goes to the one that it has chosen.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::ExchangeError;
use super::upstream::Backend;
use crate::message::{BackendChoice, BackendNames};

/// All of them, whether a route leads there or not.
#[derive(Debug)]
pub struct Backends {
    names: Arc<BackendNames>,
    /// In the order of the names.
    running: Box<[Arc<Backend>]>,
}

impl Backends {
    pub fn new(backends: &BTreeMap<String, Arc<Backend>>) -> Self {
        Self {
            names: Arc::new(BackendNames::new(backends.keys().cloned())),
            running: backends.values().cloned().collect(),
        }
    }

    /// The backend of this name, as exchanges have it; none if there is no such backend.
    pub fn choice(&self, name: &str) -> Option<BackendChoice> {
        BackendChoice::of(&self.names, name)
    }

    /// All of them, by name.
    pub fn all(&self) -> &[Arc<Backend>] {
        &self.running
    }

    /// # Errors
    /// [`ExchangeError::NoBackend`], if there is none of this name.
    pub fn named(&self, name: &str) -> Result<&Backend, ExchangeError> {
        let found = self.running.iter().find(|backend| backend.name() == name);
        found
            .map(Arc::as_ref)
            .ok_or_else(|| ExchangeError::NoBackend(name.to_owned()))
    }

    /// # Errors
    /// [`ExchangeError::NoBackend`], if the choice is none of these. It is never another one in its place.
    pub fn chosen(&self, choice: &BackendChoice) -> Result<&Backend, ExchangeError> {
        let number = choice.number_among(&self.names);
        let chosen = number.and_then(|number| self.running.get(number));
        chosen
            .map(Arc::as_ref)
            .ok_or_else(|| ExchangeError::NoBackend(choice.name().to_owned()))
    }
}
