//! What wakes the thread of a watcher up.

use notify::Event;

/// A message to the thread.
#[derive(Debug)]
pub(super) enum Wake {
    Event(Event),
    /// Something happened, but the system can't say what.
    EventsLost,
    Stop,
}
