//! What a guest's task and those who deal with it know of each other: whether it still moves, and how it ended.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::counted::{Counted, Counter};
use crate::interceptor::InterceptError;

/// How long a guest may do nothing that anybody can see before it must have answered. While what comes next is asked,
/// nothing is counted.
const SILENT_BEFORE_HEAD: Duration = Duration::from_secs(30);

/// The same when it has reported that it can't handle the request's body: it may still answer, or ask for another answer.
const SILENT_AFTER_REPORT: Duration = Duration::from_secs(1);

/// The same between two pieces of a body that it makes.
const SILENT_IN_BODY: Duration = Duration::from_secs(120);

/// How long a guest may work on when its answer is complete.
const AFTER_ALL: Duration = Duration::from_secs(30);

/// The same when nobody wants the rest of it. Clients leave as they like, so this holds a place for not much longer than
/// it takes to notice.
const AFTER_LEAVING: Duration = Duration::from_secs(1);

/// Shared by a guest's task, the bodies on its both sides and what it asks of others.
#[derive(Debug)]
pub struct GuestLife {
    born: Instant,
    /// The last sign of life, in milliseconds since `born`.
    last: AtomicU64,
    /// Requests to what comes next that are under way.
    asking: Counter,
    head_sent: AtomicBool,
    /// When the answer's body was complete or let go, as `last`; 0 before.
    over: AtomicU64,
    left: AtomicBool,
    leaving: Notify,
    body_over: Notify,
    /// Ticks of the engine's clock in the guest since it last gave way by itself.
    ticks: AtomicU64,
    most_ticks: u64,
    interrupted: AtomicBool,
    /// What it reported of the request's body, if that was an error.
    reported: Mutex<Option<String>>,
    /// How it ended, if badly.
    failure: Mutex<Option<InterceptError>>,
}

impl GuestLife {
    /// Of a guest that may compute for so many ticks at a stretch.
    pub fn new(most_ticks: u64) -> Self {
        Self {
            born: Instant::now(),
            last: AtomicU64::new(0),
            asking: Counter::default(),
            head_sent: AtomicBool::new(false),
            over: AtomicU64::new(0),
            left: AtomicBool::new(false),
            leaving: Notify::new(),
            body_over: Notify::new(),
            ticks: AtomicU64::new(0),
            most_ticks,
            interrupted: AtomicBool::new(false),
            reported: Mutex::new(None),
            failure: Mutex::new(None),
        }
    }

    /// The guest took or gave something.
    pub fn moved(&self) {
        self.last.store(self.now(), Ordering::Relaxed);
    }

    /// What comes next is asked, until the guard is dropped.
    pub fn asking(self: &std::sync::Arc<Self>) -> AskingGuard {
        AskingGuard {
            life: self.clone(),
            _asking: self.asking.take(),
        }
    }

    /// The guest reported that it could not handle the request's body, with this error code.
    pub fn report(&self, code: String) {
        self.moved();
        *lock(&self.reported) = Some(code);
    }

    /// What was reported, while there is no answer.
    pub fn reported(&self) -> Option<String> {
        if self.head_sent.load(Ordering::Relaxed) {
            return None;
        }
        lock(&self.reported).clone()
    }

    pub fn head_sent(&self) {
        self.moved();
        self.head_sent.store(true, Ordering::Relaxed);
    }

    /// Nobody wants the rest of the answer's body.
    pub fn client_left(&self) {
        self.left.store(true, Ordering::Relaxed);
        self.body_is_over();
        self.leaving.notify_one();
    }

    /// Waits until nobody wants the rest of the answer's body.
    pub async fn until_client_left(&self) {
        while self.is_wanted() {
            self.leaving.notified().await;
        }
    }

    /// Whether somebody still wants what the guest makes.
    pub fn is_wanted(&self) -> bool {
        !self.left.load(Ordering::Relaxed)
    }

    /// The answer's body is complete, or nobody wants the rest of it.
    pub fn body_is_over(&self) {
        self.over.store(self.now().max(1), Ordering::Relaxed);
        self.body_over.notify_one();
    }

    /// Waits until the answer's body is over.
    pub async fn until_body_is_over(&self) {
        while self.over.load(Ordering::Relaxed) == 0 {
            self.body_over.notified().await;
        }
    }

    /// How long the guest may still go on without a further sign of life; none if it has gone on for too long.
    pub fn time_left(&self) -> Option<Duration> {
        let now = self.now();
        let since = |then: u64| Duration::from_millis(now.saturating_sub(then));
        let over = self.over.load(Ordering::Relaxed);
        if over > 0 {
            return left(self.longest_silence(), since(over));
        }
        if self.asking.is_any() {
            return Some(SILENT_BEFORE_HEAD);
        }
        let last = self.last.load(Ordering::Relaxed);
        left(self.longest_silence(), since(last))
    }

    fn longest_silence(&self) -> Duration {
        if !self.is_wanted() {
            AFTER_LEAVING
        } else if self.over.load(Ordering::Relaxed) > 0 {
            AFTER_ALL
        } else if self.head_sent.load(Ordering::Relaxed) {
            SILENT_IN_BODY
        } else if self.reported().is_some() {
            SILENT_AFTER_REPORT
        } else {
            SILENT_BEFORE_HEAD
        }
    }

    /// What it means that no time is left.
    pub fn stalled(&self) -> InterceptError {
        if let Some(code) = self.reported() {
            return InterceptError::Returned(format!(
                "the error code {code} for the request's body, and then no answer"
            ));
        }
        InterceptError::Stalled {
            limit_s: self.longest_silence().as_secs(),
        }
    }

    /// A tick passed in the guest; false when it has computed for too long.
    pub fn tick(&self) -> bool {
        self.interrupted.store(true, Ordering::Relaxed);
        self.ticks.fetch_add(1, Ordering::Relaxed) < self.most_ticks
    }

    /// The guest's task gave way: because of a tick, or by itself, so that its computing has come to an end.
    pub fn gave_way(&self) {
        if !self.interrupted.swap(false, Ordering::Relaxed) {
            self.ticks.store(0, Ordering::Relaxed);
        }
    }

    pub fn computed_too_long(&self) -> bool {
        self.ticks.load(Ordering::Relaxed) > self.most_ticks
    }

    /// Told before anything of the guest is taken down, so that nobody takes a body that breaks off for a complete one.
    pub fn fail(&self, error: InterceptError) {
        *lock(&self.failure) = Some(error);
    }

    pub fn failure(&self) -> Option<InterceptError> {
        lock(&self.failure).clone()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A request to what comes next that is under way.
#[derive(Debug)]
pub struct AskingGuard {
    life: std::sync::Arc<GuestLife>,
    _asking: Counted,
}

impl Drop for AskingGuard {
    fn drop(&mut self) {
        self.life.moved();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn left(most: Duration, past: Duration) -> Option<Duration> {
    most.checked_sub(past).filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_is_counted_from_the_last_sign_of_life() {
        let life = Arc::new(GuestLife::new(1));
        tokio::time::advance(SILENT_BEFORE_HEAD - Duration::from_secs(1)).await;
        assert_eq!(life.time_left(), Some(Duration::from_secs(1)));
        life.moved();
        assert_eq!(life.time_left(), Some(SILENT_BEFORE_HEAD));
        let asking = life.asking();
        tokio::time::advance(SILENT_BEFORE_HEAD * 10).await;
        assert!(life.time_left().is_some(), "others are waited for");
        drop(asking);
        tokio::time::advance(SILENT_BEFORE_HEAD).await;
        assert_eq!(life.time_left(), None);
        life.head_sent();
        assert_eq!(life.time_left(), Some(SILENT_IN_BODY));
        life.body_is_over();
        life.until_body_is_over().await;
        tokio::time::advance(AFTER_ALL - Duration::from_secs(2)).await;
        life.moved();
        assert_eq!(life.time_left(), Some(Duration::from_secs(2)));
        life.client_left();
        assert_eq!(life.time_left(), Some(AFTER_LEAVING));
        assert!(!life.is_wanted());
    }

    #[tokio::test(start_paused = true)]
    async fn who_reports_an_error_must_answer_soon() {
        let life = Arc::new(GuestLife::new(1));
        life.report("InternalError".to_owned());
        assert_eq!(life.time_left(), Some(SILENT_AFTER_REPORT));
        let asking = life.asking();
        tokio::time::advance(SILENT_BEFORE_HEAD).await;
        assert!(life.time_left().is_some(), "another answer is asked for");
        drop(asking);
        tokio::time::advance(SILENT_AFTER_REPORT).await;
        assert_eq!(life.time_left(), None);
        assert!(life.stalled().to_string().contains("InternalError"));
        life.head_sent();
        assert_eq!(life.time_left(), Some(SILENT_IN_BODY));
    }

    #[test]
    fn computing_is_counted_until_the_guest_gives_way_by_itself() {
        let life = GuestLife::new(2);
        assert!(life.tick());
        life.gave_way();
        assert!(life.tick());
        life.gave_way();
        life.gave_way();
        assert!(life.tick() && life.tick() && !life.tick());
        assert!(life.computed_too_long());
    }
}
