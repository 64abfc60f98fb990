//! How many frames without content a client may send: a bucket that time and the client's own traffic fill.

use std::time::Duration;

use tokio::time::Instant;

/// Frames that may come at once.
const MOST: u64 = 10_000;
/// Frames that each second allows on top.
const EACH_SECOND: u64 = 2_000;
/// What traffic may earn at most.
const MOST_EARNED: u64 = 100_000;
/// Bytes sent to the client that earn it a frame. The smallest message of gRPC, in a frame of its own, earns the two
/// WINDOW_UPDATE that some clients send for each frame, and the PING of those that measure their bandwidth.
const BYTES: u64 = 6;

#[derive(Debug)]
pub(super) struct Pace {
    left: u64,
    /// Bytes that were sent and have not been turned into frames.
    bytes: u64,
    /// Bytes that answer frames without content, and earn nothing: they are still to be sent.
    answers: u64,
    filled: Option<Instant>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            left: MOST,
            bytes: 0,
            answers: 0,
            filled: None,
        }
    }

    /// So many bytes have gone to the client.
    pub(super) fn wrote(&mut self, bytes: usize) {
        let answers = self.answers.min(bytes as u64);
        self.answers -= answers;
        self.bytes = self.bytes.saturating_add(bytes as u64 - answers);
    }

    /// So many bytes are the answer to what the client has sent.
    pub(super) fn answers(&mut self, bytes: u64) {
        self.answers = self.answers.saturating_add(bytes);
    }

    /// Takes so many frames out and puts as many in as others have earned. False when there are not so many left.
    pub(super) fn spend(
        &mut self,
        frames: u64,
        earned: u64,
        now: impl FnOnce() -> Instant,
    ) -> bool {
        self.left = (self.left + earned + self.bytes / BYTES).min(self.left.max(MOST_EARNED));
        self.bytes %= BYTES;
        if frames > self.left {
            self.fill(now());
        }
        match self.left.checked_sub(frames) {
            Some(left) => self.left = left,
            None => return false,
        }
        true
    }

    fn fill(&mut self, now: Instant) {
        let since = self
            .filled
            .map_or(Duration::from_secs(1), |filled| now - filled);
        self.filled = Some(now);
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let more = millis.saturating_mul(EACH_SECOND) / 1000;
        self.left = (self.left.saturating_add(more)).min(self.left.max(MOST));
    }
}
