//! Recorded answers for requests like those that they were given to: a tape or a HAR in the place of a backend.
//!
//! A request is compared with recorded ones as the backend got them, behind every plugin; what it is compared by says
//! [`AnswerRules`]. Where the tape has `[masked]`, anything may stand. What is given is what the backend answered, before any plugin
//! changed it. Of several answers to like requests each is given once, in the order of the tape.

mod answer;
mod asked;
mod body;
mod difference;
mod like;
mod load;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use answer::{Answer, PacedPiece};
pub use asked::Asked;
pub use load::{LoadError, read};
pub use rules::{AnswerRules, Pace, QueryRule, Repeat};

use super::data::Recorded;
use answer::Exchanged;

/// All that a tape answers, and what of it was given.
#[derive(Debug)]
pub struct Answers {
    rules: AnswerRules,
    entries: Vec<Entry>,
    /// By method and path.
    places: HashMap<(String, String), Vec<usize>>,
    given: Mutex<Vec<bool>>,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    asked: Asked,
    /// Why it can't be given, if it can't.
    answer: Result<Arc<Answer>, String>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// Holds the request, and what comes nearest to it.
    #[error("the tape has no answer to {0}")]
    Unknown(String),
    #[error("the tape's {count} answers to {request} were all given (repeat = \"once\")")]
    Given { request: String, count: usize },
    #[error("the tape's answer to {request} (exchange {id:016x}) can't be given: {why}")]
    Unusable {
        request: String,
        id: u64,
        why: String,
    },
}

/// What a tape has, for the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AnswerCounts {
    pub answers: usize,
    /// They can't be given.
    pub unusable: usize,
    /// They have `[masked]` in them.
    pub masked: usize,
}

impl Answers {
    pub fn new(exchanges: impl IntoIterator<Item = Recorded>, rules: AnswerRules) -> Self {
        let mut exchanges: Vec<_> = exchanges.into_iter().collect();
        exchanges.sort_by_key(|exchange| exchange.began);
        let mut entries = Vec::new();
        let mut places: HashMap<_, Vec<_>> = HashMap::new();
        for exchange in &exchanges {
            for Exchanged { request, answer } in answer::exchanged(exchange) {
                let asked = Asked::recorded(&request, &rules);
                let place = (asked.method.clone(), asked.path.clone());
                places.entry(place).or_default().push(entries.len());
                entries.push(Entry {
                    id: exchange.id,
                    asked,
                    answer: answer.map(Arc::new),
                });
            }
        }
        Self {
            given: Mutex::new(vec![false; entries.len()]),
            rules,
            entries,
            places,
        }
    }

    pub fn rules(&self) -> &AnswerRules {
        &self.rules
    }

    pub fn counts(&self) -> AnswerCounts {
        let usable = self.entries.iter().filter_map(|it| it.answer.as_ref().ok());
        AnswerCounts {
            answers: self.entries.len(),
            unusable: self.entries.iter().filter(|it| it.answer.is_err()).count(),
            masked: usable.filter(|answer| answer.is_masked).count(),
        }
    }

    /// The next answer to a request. It counts as given.
    ///
    /// # Errors
    /// When there is none.
    pub fn next(&self, asked: &Asked) -> Result<Arc<Answer>, NoAnswer> {
        let place = (asked.method.clone(), asked.path.clone());
        let place = self.places.get(&place).into_iter().flatten();
        let like = place.filter(|&&at| self.entries[at].asked.is_like(asked, &self.rules));
        let like: Vec<usize> = like.copied().collect();
        let Some(&last) = like.last() else {
            return Err(NoAnswer::Unknown(self.nearest(asked)));
        };
        let mut given = self.given();
        let next = like.iter().copied().find(|&at| !given[at]);
        let chosen = match (next, self.rules.repeat) {
            (Some(next), _) => next,
            (None, Repeat::Last) => last,
            (None, Repeat::Cycle) => {
                like.iter().for_each(|&at| given[at] = false);
                like[0]
            }
            (None, Repeat::Once) => {
                return Err(NoAnswer::Given {
                    request: asked.shown(),
                    count: like.len(),
                });
            }
        };
        given[chosen] = true;
        let Entry { id, answer, .. } = &self.entries[chosen];
        answer.clone().map_err(|why| NoAnswer::Unusable {
            request: asked.shown(),
            id: *id,
            why,
        })
    }

    fn given(&self) -> MutexGuard<'_, Vec<bool>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request, and the recorded one that differs least.
    fn nearest(&self, asked: &Asked) -> String {
        let nearest = self.entries.iter().min_by_key(|entry| {
            difference::distance(&difference::between(&entry.asked, asked, &self.rules))
        });
        let shown = asked.shown();
        let Some(nearest) = nearest else {
            return format!("{shown}; it has no answer at all");
        };
        let differences = difference::between(&nearest.asked, asked, &self.rules);
        format!(
            "{shown}; nearest is exchange {:016x}, {}: {}",
            nearest.id,
            nearest.asked.shown(),
            difference::words(&differences)
        )
    }
}
