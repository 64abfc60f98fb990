//! One timer for all that a connection waits for.
//!
//! Most waits end long before their time. So the timer isn't set anew for each: it rings at the time of an earlier
//! wait, whoever is woken looks what is due, and sets it again if need be. Setting it only ever makes it ring sooner.

use std::pin::Pin;
use std::task::Context;

use tokio::time::{Instant, Sleep};

/// Wakes the task of a connection.
#[derive(Debug, Default)]
pub struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// When it rings next.
    pub fn at(&self) -> Option<Instant> {
        let sleep = self.sleep.as_ref().filter(|sleep| !sleep.is_elapsed())?;
        Some(sleep.deadline())
    }

    /// Rings at `time` at the latest.
    pub fn wake_by(&mut self, time: Instant, cx: &mut Context<'_>) {
        if self.at().is_some_and(|at| at <= time) {
            return;
        }
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(time),
            None => self.sleep = Some(Box::pin(tokio::time::sleep_until(time))),
        }
        self.wakes(cx);
    }

    /// From now on the task of `cx` is the one to wake.
    pub fn wakes(&mut self, cx: &mut Context<'_>) {
        let Some(sleep) = &mut self.sleep else {
            return;
        };
        // Without regard to the task's budget: a poll that budget turns away would not leave the waker with the timer.
        if Pin::new(&mut tokio::task::unconstrained(sleep.as_mut()))
            .poll(cx)
            .is_ready()
        {
            cx.waker().wake_by_ref();
        }
    }
}
