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
pub enum LoadStep {
    /// Others are compiled. They are told of, so this is not.
    Queued,
    Reading,
    Compiling,
    Trial,
}

/// Where a load is; written by the thread that works on it.
#[derive(Debug, Default)]
pub struct LoadProgress(AtomicU8);

impl LoadProgress {
    pub fn reach(&self, step: LoadStep) {
        let number = match step {
            LoadStep::Queued => 0,
            LoadStep::Reading => 1,
            LoadStep::Compiling => 2,
            LoadStep::Trial => 3,
        };
        self.0.store(number, Ordering::Relaxed);
    }

    fn step(&self) -> LoadStep {
        match self.0.load(Ordering::Relaxed) {
            0 => LoadStep::Queued,
            1 => LoadStep::Reading,
            2 => LoadStep::Compiling,
            _ => LoadStep::Trial,
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

fn words(step: LoadStep) -> Option<&'static str> {
    match step {
        LoadStep::Queued => None,
        LoadStep::Reading => Some("still reading the file"),
        LoadStep::Compiling => Some("still compiling"),
        LoadStep::Trial => Some("still in its trial (the first calls of a new version)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_what_was_reached_last() {
        let progress = LoadProgress::default();
        assert_eq!(progress.step(), LoadStep::Queued);
        for step in [
            LoadStep::Reading,
            LoadStep::Compiling,
            LoadStep::Trial,
            LoadStep::Queued,
        ] {
            progress.reach(step);
            assert_eq!(progress.step(), step);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_of_a_load_is_not_held_up() {
        let progress = LoadProgress::default();
        let load = async {
            tokio::time::sleep(Duration::from_secs(1000)).await;
            7
        };
        let begun = Instant::now();
        assert_eq!(progress.told("x", load).await, 7);
        assert_eq!(begun.elapsed(), Duration::from_secs(1000));
    }
}
