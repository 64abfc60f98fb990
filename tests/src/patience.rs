//! Waiting for facts with a bound. A test never sleeps for a fixed time, and never fails because a machine is slow
//! unless it is slower than anybody's patience.

use std::future::Future;
use std::time::{Duration, Instant};

/// Seconds to wait for anything at all, unless `TOLLGATE_TEST_PATIENCE` says otherwise.
const DEFAULT_SECONDS: u64 = 20;

/// How long a test still waits.
#[derive(Debug)]
pub struct Patience {
    began: Instant,
    most: Duration,
}

impl Patience {
    /// All the patience that the environment grants, beginning now.
    pub fn begin() -> Self {
        Self {
            began: Instant::now(),
            most: patience(),
        }
    }

    /// Takes a short breath. Panics with what was awaited when the patience is over.
    pub async fn wait(&self, what: &str) {
        assert!(
            self.began.elapsed() < self.most,
            "not so within {:?}: {what}",
            self.most
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// How long to wait for anything.
pub fn patience() -> Duration {
    let given = std::env::var("TOLLGATE_TEST_PATIENCE").ok();
    Duration::from_secs(given.map_or(DEFAULT_SECONDS, |seconds| {
        seconds
            .parse()
            .expect("TOLLGATE_TEST_PATIENCE is a number of seconds")
    }))
}

/// Waits for this future, but not for ever.
pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(patience(), future).await {
        Ok(value) => value,
        Err(_) => panic!("not so within {:?}: {what}", patience()),
    }
}

/// Waits until a condition (which may `.await`) holds; panics with its text when the patience is over.
#[macro_export]
macro_rules! eventually {
    ($condition:expr) => {{
        let patience = $crate::Patience::begin();
        while !$condition {
            patience.wait(stringify!($condition)).await;
        }
    }};
}
