//! What happened to a plugin, as it happened: the last events of each name.

use std::collections::{BTreeMap, VecDeque};

/// Events that are kept of one plugin.
const EVENTS: usize = 50;

/// Names of which events are kept; those without a row go first.
const NAMES: usize = 2_000;

/// Something that happened to a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginEvent {
    /// Microseconds since 1970.
    pub at: u64,
    pub kind: EventKind,
    /// The version that it is about, as in logs.
    pub version: Option<String>,
    /// More about it: the error, what was set.
    pub text: String,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A version from its file went into service.
    Serves,
    /// Its files were refused.
    Refused,
    /// Its code is gone.
    Removed,
    RolledBack,
    /// It serves what its file holds again.
    Promoted,
    Enabled,
    Disabled,
    /// Its settings were set by the admin API.
    Settings,
    /// Its order was set by the admin API.
    Order,
}

impl EventKind {
    /// As the admin API writes it.
    pub fn name(self) -> &'static str {
        match self {
            EventKind::Serves => "serves",
            EventKind::Refused => "refused",
            EventKind::Removed => "removed",
            EventKind::RolledBack => "rolled-back",
            EventKind::Promoted => "promoted",
            EventKind::Enabled => "enabled",
            EventKind::Disabled => "disabled",
            EventKind::Settings => "settings",
            EventKind::Order => "order",
        }
    }
}

/// The last events of every plugin, also of those that are gone: one that comes back has its history.
#[derive(Debug, Default)]
pub struct Histories(BTreeMap<String, VecDeque<PluginEvent>>);

impl Histories {
    /// Adds an event. `is_present` says which names must not be forgotten.
    pub fn add(&mut self, name: &str, event: PluginEvent, is_present: impl Fn(&str) -> bool) {
        if !self.0.contains_key(name) && self.0.len() >= NAMES {
            let gone = self.0.keys().find(|name| !is_present(name)).cloned();
            match gone {
                Some(gone) => self.0.remove(&gone),
                None => return,
            };
        }
        let events = self.0.entry(name.to_owned()).or_default();
        if events.len() == EVENTS {
            events.pop_front();
        }
        events.push_back(event);
    }

    /// The events of a plugin, the oldest first.
    pub fn of(&self, name: &str) -> Vec<PluginEvent> {
        let events = self.0.get(name);
        events.map_or_else(Vec::new, |events| events.iter().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: u64) -> PluginEvent {
        PluginEvent {
            at,
            kind: EventKind::Serves,
            version: None,
            text: String::new(),
        }
    }

    #[test]
    fn the_oldest_events_go_first() {
        let mut all = Histories::default();
        for at in 0..60 {
            all.add("a", event(at), |_| true);
        }
        let kept: Vec<_> = all.of("a").iter().map(|event| event.at).collect();
        assert_eq!(kept, (10..60).collect::<Vec<_>>());
        assert!(all.of("b").is_empty());
    }

    #[test]
    fn names_are_bounded_and_those_that_are_there_stay() {
        let mut all = Histories::default();
        for number in 0..NAMES {
            all.add(&format!("{number:04}"), event(0), |_| true);
        }
        all.add("new", event(1), |_| true);
        assert!(all.of("new").is_empty(), "nobody gives way");
        all.add("new", event(1), |name| name != "0007");
        assert_eq!(all.of("new").len(), 1);
        assert!(all.of("0007").is_empty());
    }
}
