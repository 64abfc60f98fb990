//! What a plugin does beside changing messages, in the step in which it does it.

use std::time::Duration;

use super::Trace;
use super::full::FullStep;
use super::pieces::{Part, PieceFate, PieceShot};
use super::said::Said;

/// Lines of one step that are kept at most: what a call may say.
const MOST_LINES: usize = 1000;

impl Trace {
    /// The step says something.
    pub fn said(&self, level: &'static str, text: &str) {
        self.in_step(|step, now| {
            if step.log.len() < MOST_LINES {
                step.log.push(Said {
                    at: now,
                    level,
                    text: text.to_owned(),
                });
            }
        });
    }

    /// The most bytes of a body to take down.
    pub(super) fn body_limit(&self) -> usize {
        self.life.as_ref().map_or(0, |life| life.body_limit())
    }

    /// A piece went through the step.
    pub(super) fn piece(&self, mut piece: PieceShot) {
        let limit = self.body_limit();
        self.in_step(|step, now| {
            piece.at = now;
            step.pieces.get_or_insert_default().add(piece, limit);
        });
    }

    /// A part of the backend's body came. One that is all of the body is no piece.
    pub(super) fn part(&self, length: usize, is_last: bool) {
        let limit = self.body_limit();
        self.in_step(|step, now| {
            if is_last && step.pieces.is_none() {
                return;
            }
            let piece = PieceShot {
                at: now,
                sender: None,
                text: false,
                came: Part::uncopied(length),
                went: Vec::new(),
                fate: PieceFate::Keep,
            };
            step.pieces.get_or_insert_default().add(piece, limit);
        });
    }

    fn in_step(&self, note: impl FnOnce(&mut FullStep, Duration)) {
        if let Some(life) = &self.life {
            life.full(|full, clock| {
                if let Some(step) = full.steps.get_mut(self.step as usize) {
                    note(step, clock.now());
                }
            });
        }
    }
}
