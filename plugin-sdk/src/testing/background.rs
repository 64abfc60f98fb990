//! Does a plugin's background work natively.

use super::{Exchange, Outcome, RequestSeen};
use crate::{Background, export, in_hand};

impl Exchange {
    /// Creates the plugin from the settings and does its background work once. There is no exchange: only settings, state, the answers
    /// to outbound requests, time and random numbers count.
    pub fn tick<P: Background>(self) -> Outcome {
        let guard = in_hand::install(self.state);
        let plugin = export::load_with_more::<P>();
        let started = export::start(&plugin);
        let error = started.and_then(|()| export::tick(&plugin)).err();
        Outcome::of(guard.take(), RequestSeen::default(), false, error)
    }
}
