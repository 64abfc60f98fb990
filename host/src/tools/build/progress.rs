//! Says of a step that takes long that it is still at work: many tools say nothing for half a minute.

use std::io::Write as _;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A line on standard error now and then, as long as this lives.
#[derive(Debug)]
pub struct BuildProgress {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl BuildProgress {
    /// `what` is the beginning of each line, such as `[1/2] zig cc`.
    pub fn of(what: String) -> BuildProgress {
        let (end, ended) = channel();
        let began = Instant::now();
        let tell = move || {
            let mut due = next(Duration::ZERO);
            loop {
                let left = due.saturating_sub(began.elapsed());
                if ended.recv_timeout(left) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
                // Whoever reads it may have gone, which is no reason to end a build.
                let _ = writeln!(
                    std::io::stderr(),
                    "{what}: still running after {} s",
                    due.as_secs()
                );
                due = next(due);
            }
        };
        let thread = std::thread::Builder::new().name("progress".into());
        BuildProgress {
            end: Some(end),
            // Without a thread nothing is said, and nothing else is amiss.
            thread: thread.spawn(tell).ok(),
        }
    }
}

impl Drop for BuildProgress {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// When the next line is due after this one; both since the beginning.
fn next(last: Duration) -> Duration {
    let step = match last.as_secs() {
        0..30 => 5,
        30..120 => 15,
        _ => 60,
    };
    last + Duration::from_secs(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_less_and_less_often() {
        let mut due = Duration::ZERO;
        let dues: Vec<u64> = std::iter::repeat_with(|| {
            due = next(due);
            due.as_secs()
        })
        .take(14)
        .collect();
        assert_eq!(
            dues,
            [5, 10, 15, 20, 25, 30, 45, 60, 75, 90, 105, 120, 180, 240]
        );
    }
}
