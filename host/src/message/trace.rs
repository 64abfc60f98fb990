//! What observers get of an exchange: who worked on it, when, and what became of it.
//!
//! A [`Trace`] travels with an exchange, and a clone of it with everything that outlives the exchange: bodies on their way, tunnels,
//! the remainder of a plugin that surrounds. An exchange is finished when the last of them lets go, however that comes about: a
//! response that was sent, a timeout that drops the exchange, a client that leaves, a panic. Then each observer gets it, once.
//! Where nobody observes there is no trace, and all of this costs a branch.

mod call;
mod context;
mod full;
mod life;
mod messages;
mod notes;
mod observer;
mod pieces;
mod said;
mod taken;
mod tap;
mod tapped;
#[cfg(test)]
mod tests;
mod times;
mod transcriber;

use std::sync::Arc;
use std::time::Duration;

use super::{Checked, Fields, ResponseHead};
pub use call::CallTrace;
pub use context::TraceContext;
use context::{TRACEPARENT, TRACESTATE};
pub use full::{Change, Full, FullStep, Kept, Shot};
pub use life::Beginning;
use life::Life;
pub use observer::{Finished, Level, Observer, Observers};
pub use pieces::{Part, PieceFate, PieceShot, Pieces};
pub use said::Said;
pub use taken::TakenFields;
pub use tapped::Taken;
pub use times::{Ending, Failure, Identity, OutboundTimes, Outcome, Performer, StepTimes, Times};
pub use transcriber::Transcriber;

/// A part in one exchange: it is not finished while there is one. Clones work in the same step.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    life: Option<Arc<Life>>,
    step: u32,
    depth: u8,
}

impl Trace {
    /// Of an exchange that nobody observes.
    pub const OFF: Trace = Trace {
        life: None,
        step: 0,
        depth: 0,
    };

    /// Of an exchange that begins now.
    #[inline]
    pub fn begin(observers: &Arc<Observers>, beginning: Beginning<'_>) -> Self {
        match observers.level() {
            None => Self::OFF,
            Some(_) => Self::observed(observers, beginning),
        }
    }

    #[inline(never)]
    fn observed(observers: &Arc<Observers>, beginning: Beginning<'_>) -> Self {
        let life = Life::new(observers.clone(), beginning);
        Self {
            life: Some(Arc::new(life)),
            ..Self::OFF
        }
    }

    /// Whether anybody observes.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.life.is_some()
    }

    /// The same within what a plugin surrounds.
    #[must_use]
    pub fn deeper(&self) -> Self {
        Self {
            depth: self.depth.saturating_add(1),
            ..self.clone()
        }
    }

    /// The listener that the client is connected to.
    pub fn listener(&self, name: &Arc<str>) {
        self.with(|life| life.change(|times, _| times.listener = Some(name.clone())));
    }

    /// The route that was taken.
    #[inline]
    pub fn route(&self, label: &Arc<str>) {
        self.with(|life| life.change(|times, _| times.route = Some(label.clone())));
    }

    /// A step begins. From now on this trace, and what is cloned of it, is for that.
    #[inline]
    pub fn begin_step(&mut self, performer: impl FnOnce() -> Performer) {
        if let Some(life) = &self.life {
            self.step = life.begin_step(performer(), self.depth);
        }
    }

    /// The step is over.
    #[inline]
    pub fn end_step(&self, outcome: Outcome) {
        self.with(|life| life.end_step(self.step, outcome));
    }

    /// A step that was over is known to have come to this.
    #[inline]
    pub fn settle_step(&self, outcome: Outcome) {
        self.with(|life| life.change_step(self.step, |step| step.outcome = outcome));
    }

    /// It computed for so long.
    #[inline]
    pub fn computed(&self, time: Duration) {
        self.with(|life| {
            life.change_step(self.step, |step| {
                step.computing = Some(step.computing.unwrap_or_default() + time);
            });
        });
    }

    /// Has a request that this step sends on carry the trace on, if there is one.
    #[inline]
    pub fn carry_on(&self, fields: &mut Fields) {
        self.with(|life| {
            let Some(context) = life.context() else {
                return;
            };
            if context.parent.is_none() {
                // It belongs to no trace that counts.
                fields.remove(TRACESTATE);
            }
            let parent = context.traceparent(context.step(self.step));
            if let Some(parent) = Checked::new(parent.as_bytes()) {
                fields.insert(TRACEPARENT, parent);
            }
        });
    }

    /// The address that the backend was reached at, or at which it was not.
    #[inline]
    pub fn address(&self, address: &str) {
        self.with(|life| {
            life.change_step(self.step, |step| {
                if let Performer::Backend { address: known, .. } = &mut step.performer {
                    *known = Some(address.to_owned());
                }
            });
        });
    }

    /// The head of the response is there.
    #[inline]
    pub fn answers(&self, head: &ResponseHead) {
        let status = head.status.as_u16();
        self.with(|life| {
            life.take_response(&head.fields);
            life.change(|times, clock| {
                times.status = Some(status);
                times.head_after = Some(clock.now());
            });
        });
    }

    /// The host answers in the place of the response. Steps that ran are abandoned.
    #[inline]
    pub fn fail(&self, failure: impl FnOnce() -> Failure) {
        self.with(|life| life.fail(failure()));
    }

    /// So many bytes of the response's body went to the client, and whether that was all.
    #[inline]
    pub fn sent(&self, bytes: u64, complete: bool) {
        self.with(|life| life.sent(bytes, complete));
    }

    /// What came after the response, a tunnel, broke off.
    #[inline]
    pub fn cut_off(&self) {
        self.with(|life| life.change(|times, _| times.ending = Ending::CutOff));
    }

    /// Where nobody observes this is one branch, in the place of the caller; the work is elsewhere.
    #[inline]
    fn with(&self, work: impl FnOnce(&Life)) {
        if let Some(life) = &self.life {
            apart(life, work);
        }
    }
}

#[inline(never)]
fn apart(life: &Life, work: impl FnOnce(&Life)) {
    work(life);
}
