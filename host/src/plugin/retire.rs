//! Step 5: plugins that no chain has any more, until no exchange holds them either.
//!
//! Dropping the last reference unmaps code and instances, which takes milliseconds for a large plugin. So exchanges
//! never hold the last one: this list does.

use super::kind::Guest;

/// Plugins on their way out.
#[derive(Debug, Default)]
pub struct Retiring {
    guests: Vec<Guest>,
}

impl Retiring {
    /// Takes plugins that were replaced or removed.
    pub fn extend(&mut self, guests: impl IntoIterator<Item = Guest>) {
        self.guests.extend(guests);
    }

    pub fn is_empty(&self) -> bool {
        self.guests.is_empty()
    }

    /// Gives out those that nobody else and no chain holds, to be dropped off the request path.
    pub fn take_unused(&mut self) -> Vec<Guest> {
        self.guests
            .extract_if(.., |guest| guest.is_unused())
            .collect()
    }
}
