//! What the load of a plugin is at, and the telling of it when it takes long.

use std::pin::pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// When a load is told of first; then at twice the time, until that would be longer than [`LONGEST`].
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// The steps of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Others are compiled. They are told of, so this is not.
    Queued,
    Reading,
    Compiling,
    Trial,
}

/// Where a load is; written by the thread that works on it.
#[derive(Debug, Default)]
pub struct Progress(AtomicU8);

impl Progress {
    pub fn reach(&self, step: Step) {
        let number = match step {
            Step::Queued => 0,
            Step::Reading => 1,
            Step::Compiling => 2,
            Step::Trial => 3,
        };
        self.0.store(number, Ordering::Relaxed);
    }

    fn step(&self) -> Step {
        match self.0.load(Ordering::Relaxed) {
            0 => Step::Queued,
            1 => Step::Reading,
            2 => Step::Compiling,
            _ => Step::Trial,
        }
    }

    /// Runs the load of this plugin, and says at growing intervals what it is at.
    pub async fn told<F: Future>(&self, name: &str, load: F) -> F::Output {
        let mut load = pin!(load);
        let begun = Instant::now();
        let mut next = FIRST;
        loop {
            tokio::select! {
                output = &mut load => return output,
                () = sleep_until(begun + next) => {
                    if let Some(words) = words(self.step()) {
                        tracing::info!("plugin {name}: {words} after {} s", next.as_secs());
                    }
                    next += next.min(LONGEST);
                }
            }
        }
    }
}

fn words(step: Step) -> Option<&'static str> {
    match step {
        Step::Queued => None,
        Step::Reading => Some("still reading the file"),
        Step::Compiling => Some("still compiling"),
        Step::Trial => Some("still in its trial (the first calls of a new version)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_what_was_reached_last() {
        let progress = Progress::default();
        assert_eq!(progress.step(), Step::Queued);
        for step in [Step::Reading, Step::Compiling, Step::Trial, Step::Queued] {
            progress.reach(step);
            assert_eq!(progress.step(), step);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_of_a_load_is_not_held_up() {
        let progress = Progress::default();
        let load = async {
            tokio::time::sleep(Duration::from_secs(1000)).await;
            7
        };
        let begun = Instant::now();
        assert_eq!(progress.told("x", load).await, 7);
        assert_eq!(begun.elapsed(), Duration::from_secs(1000));
    }
}
