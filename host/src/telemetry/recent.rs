//! The last lines of the log, for who looks at it from elsewhere. Kept only once somebody has asked for that.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// Lines that are kept, and bytes of them.
const MOST_LINES: usize = 2_000;
const MOST_BYTES: usize = 1 << 20;

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Counts from 1.
    pub number: u64,
    /// Microseconds since 1970.
    pub at: u64,
    /// As on stderr, without colours.
    pub text: String,
}

/// The last entries.
#[derive(Debug, Default)]
pub struct RecentLines {
    kept: Mutex<Kept>,
    /// The number of the last one.
    last: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<Arc<LogLine>>,
    bytes: usize,
    last: u64,
}

/// Entries that somebody has not seen yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct NewLines {
    pub lines: Vec<Arc<LogLine>>,
    /// How many came before them and are not kept any more.
    pub lost: u64,
}

impl RecentLines {
    /// Adds an entry as it was formatted for a terminal or a file.
    pub fn push(&self, entry: &str) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let at = since.map_or(0, |since| {
            u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
        });
        self.push_at(entry, at);
    }

    fn push_at(&self, entry: &str, at: u64) {
        let text = without_colours(entry.trim_end_matches('\n'));
        let mut kept = self.lock();
        kept.last += 1;
        kept.bytes += text.len();
        let number = kept.last;
        kept.lines.push_back(Arc::new(LogLine { number, at, text }));
        while kept.lines.len() > MOST_LINES || kept.bytes > MOST_BYTES {
            let Some(gone) = kept.lines.pop_front() else {
                break;
            };
            kept.bytes -= gone.text.len();
        }
        drop(kept);
        self.last.send_replace(number);
    }

    /// The entries behind this number; 0 is before the first. At most so many, and of more the last.
    pub fn after(&self, number: u64, most: usize) -> NewLines {
        let kept = self.lock();
        let new = kept.lines.iter().filter(|line| line.number > number);
        let skipped = new.clone().count().saturating_sub(most);
        let lines: Vec<_> = new.skip(skipped).cloned().collect();
        let first = lines.first().map_or(kept.last + 1, |line| line.number);
        NewLines {
            lost: first.saturating_sub(number + 1),
            lines,
        }
    }

    /// Hears of new entries.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The text without sequences that set colours, which tracing-subscriber puts in.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split("\x1b[");
    plain.extend(parts.next());
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit() && c != ';');
        match end.filter(|end| part[*end..].starts_with('m')) {
            Some(end) => plain.push_str(&part[end + 1..]),
            None => plain.push_str(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(new: &NewLines) -> Vec<&str> {
        new.lines.iter().map(|line| &*line.text).collect()
    }

    #[test]
    fn who_follows_gets_each_line_once_and_is_told_what_is_lost() {
        let recent = RecentLines::default();
        for number in 1..=5 {
            recent.push_at(&format!("line {number}\n"), number);
        }
        let all = recent.after(0, 100);
        assert_eq!((texts(&all).len(), all.lost), (5, 0));
        let new = recent.after(3, 100);
        assert_eq!((texts(&new), new.lost), (vec!["line 4", "line 5"], 0));
        let some = recent.after(0, 2);
        assert_eq!((texts(&some), some.lost), (vec!["line 4", "line 5"], 3));
        assert_eq!(recent.after(5, 100), NewLines::default());
        for number in 0..MOST_LINES as u64 {
            recent.push_at("x", number);
        }
        assert_eq!(recent.after(4, usize::MAX).lost, 1);
        recent.push_at(&"y".repeat(MOST_BYTES), 0);
        assert_eq!(
            recent.after(0, usize::MAX).lines.len(),
            1,
            "bytes are bounded too"
        );
    }

    #[test]
    fn colours_are_left_out() {
        assert_eq!(
            without_colours("\x1b[2m2026\x1b[0m \x1b[1;32m INFO\x1b[0m a\x1b[b"),
            "2026  INFO ab"
        );
        assert_eq!(without_colours("plain [1m"), "plain [1m");
    }
}
