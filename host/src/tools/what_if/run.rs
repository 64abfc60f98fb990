//! The exchanges of a tape through the plugins of a directory, one after the other.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::counts::Counts;
use super::directory::Directory;
use crate::config::Config;
use crate::record::filter::Filter;
use crate::record::{Ending, Masks, Recorded};
use crate::tools::lab::Lab;
use crate::tools::tape::{Failure, Tape};
use crate::what_if::{Difference, Player, Stage, between, masked};

/// The exchanges of a tape that match, the last so many, in the order in which they began.
///
/// # Errors
/// When the tape can't be read.
pub fn exchanges(tape: &Path, filter: &Filter, most: usize) -> Result<Vec<Recorded>, Failure> {
    let mut exchanges = VecDeque::new();
    for exchange in Tape::open(tape)? {
        let exchange = exchange?;
        if filter.matches(&exchange) {
            if exchanges.len() == most {
                exchanges.pop_front();
            }
            exchanges.push_back(exchange);
        }
    }
    let mut exchanges = Vec::from(exchanges);
    exchanges.sort_by_key(|exchange| exchange.began);
    Ok(exchanges)
}

/// What differs in an exchange, and what was masked when it was played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub difference: Difference,
    pub masked: Vec<String>,
}

impl Found {
    /// Whether the same differs, whichever versions of plugins do it.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let (one, other) = (&self.difference, &other.difference);
        let mut parts = one.parts.iter().zip(&other.parts);
        one.status == other.status
            && one.parts.len() == other.parts.len()
            && parts.all(|(one, other)| one.says_the_same(other))
    }

    /// Those who do something else, each once.
    pub fn plugins(&self) -> BTreeSet<&str> {
        let calls = self.difference.parts.iter();
        let calls = calls.filter_map(|part| part.call.as_ref());
        calls.map(|call| &*call.plugin).collect()
    }
}

/// A run. The exchanges are to be given in the order in which they began.
pub struct Run {
    pub counts: Counts,
    player: Player,
    masks: Masks,
    /// Guests need it.
    _lab: Lab,
}

impl Run {
    /// # Errors
    /// When the plugins can't serve.
    pub fn new(config: &Config, exchanges: &[Recorded]) -> Result<Self, String> {
        let began = exchanges.first().map_or(0, |exchange| exchange.began);
        let Directory { routes, lab } = Directory::load(config)?;
        let stage = Stage::new(routes, Duration::from_micros(began))?;
        Ok(Self {
            counts: Counts::default(),
            player: Player::new(stage, began, CancellationToken::new()),
            masks: Masks::new(&config.record),
            _lab: lab,
        })
    }

    /// Plays an exchange: what differs, if anything does. None if it can't be played.
    pub fn next(&mut self, then: &Recorded) -> Option<Option<Found>> {
        self.counts.exchanges += 1;
        let now = match self.player.play(then, &self.masks) {
            Ok(now) => now,
            Err(why) => {
                let count = self.counts.not_run.entry(why.kind().to_owned());
                *count.or_default() += 1;
                return None;
            }
        };
        let has_failed = |it: &Recorded| matches!(it.ending, Ending::Failed(_));
        self.counts.failed += u64::from(has_failed(&now) && !has_failed(then));
        let masked = masked(then);
        self.counts.masked += u64::from(!masked.is_empty());
        let difference = between(then, &now);
        self.counts.differ += u64::from(difference.is_some());
        Some(difference.map(|difference| Found { difference, masked }))
    }
}
