//! Who ticks when, on a clock that stands still unless everybody waits.

use std::sync::Mutex as Locked;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::*;
use crate::config::{PluginConfig, PluginLimits};
use crate::plugin::hash::ContentHash;

const SECOND: Duration = Duration::from_secs(1);

/// Calls of one plugin's name: which code at which second.
#[derive(Debug, Clone)]
struct Calls {
    begun: Instant,
    list: Arc<Locked<Vec<(&'static str, u64)>>>,
    running: Arc<AtomicU32>,
    /// Two calls ran at the same time.
    met: Arc<AtomicBool>,
}

/// What a call of a fake does.
#[derive(Debug, Clone, Copy)]
enum Does {
    /// Takes so many seconds.
    Takes(u64),
    /// Never ends, and gives way only now and then.
    Computes,
    Fails,
    Panics,
}

#[derive(Debug)]
struct Fake {
    code: &'static str,
    version: Arc<PluginVersion>,
    does: Does,
    calls: Calls,
}

/// Counts calls that are under way at the same time.
struct Running(Arc<AtomicU32>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Background for Fake {
    /// Calls of the instance.
    type Kept = u32;

    fn version(&self) -> &Arc<PluginVersion> {
        &self.version
    }

    async fn tick(&self, kept: &mut u32) -> Result<(), InterceptError> {
        let running = Running(self.calls.running.clone());
        let others = running.0.fetch_add(1, Ordering::Relaxed);
        self.calls.met.fetch_or(others > 0, Ordering::Relaxed);
        *kept += 1;
        let now = self.calls.begun.elapsed().as_secs();
        self.calls.list.lock().unwrap().push((self.code, now));
        match self.does {
            Does::Takes(seconds) => tokio::time::sleep(SECOND * seconds.try_into().unwrap()).await,
            Does::Computes => loop {
                std::thread::sleep(Duration::from_millis(30));
                tokio::task::yield_now().await;
            },
            Does::Fails => return Err(InterceptError::Returned("no".to_owned())),
            Does::Panics => panic!("on purpose"),
        }
        Ok(())
    }
}

impl Calls {
    fn new() -> Self {
        Self {
            begun: Instant::now(),
            list: Arc::default(),
            running: Arc::default(),
            met: Arc::default(),
        }
    }

    fn take(&self) -> Vec<(&'static str, u64)> {
        assert!(!self.met.load(Ordering::Relaxed), "two calls met");
        std::mem::take(&mut self.list.lock().unwrap())
    }

    /// The next version, which ticks every 10 seconds.
    fn version(&self, code: &'static str, does: Does) -> Arc<Fake> {
        let mut config = PluginConfig::new(PluginLimits::default());
        config.background.every = 10 * SECOND;
        let version = PluginVersion::new("p".to_owned(), ContentHash::of(code.as_bytes()), config);
        Arc::new(Fake {
            code,
            version: Arc::new(version),
            does,
            calls: self.clone(),
        })
    }

    /// Better code for a version.
    fn better(&self, code: &'static str, of: &Fake) -> Arc<Fake> {
        Arc::new(Fake {
            code,
            version: of.version.clone(),
            does: of.does,
            calls: self.clone(),
        })
    }
}

fn serve(tickers: &mut Tickers<Fake>, plugin: Option<&Arc<Fake>>) {
    let name = "p".to_owned();
    tickers.change(plugin.map(|plugin| (&name, plugin)).into_iter());
}

async fn seconds(count: u32) {
    tokio::time::sleep(SECOND * count).await;
}

#[tokio::test(start_paused = true)]
async fn a_version_ticks_at_once_and_then_at_its_interval() {
    let (mut tickers, calls) = (Tickers::default(), Calls::new());
    let (quick, slow) = (
        calls.version("quick", Does::Takes(0)),
        calls.version("slow", Does::Takes(25)),
    );
    serve(&mut tickers, Some(&quick));
    seconds(31).await;
    // Whatever else happens.
    serve(&mut tickers, Some(&quick));
    assert_eq!(
        calls.take(),
        [("quick", 0), ("quick", 10), ("quick", 20), ("quick", 30)]
    );
    serve(&mut tickers, Some(&slow));
    seconds(60).await;
    assert_eq!(calls.take(), [("slow", 31), ("slow", 56), ("slow", 81)]);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_fails_is_called_less_often() {
    let (mut tickers, calls) = (Tickers::default(), Calls::new());
    serve(&mut tickers, Some(&calls.version("fails", Does::Fails)));
    seconds(3000).await;
    let begun: Vec<u64> = calls.take().iter().map(|(_, at)| *at).collect();
    assert_eq!(begun, [0, 20, 60, 140, 300, 620, 1260, 2260]);
    // The next version is not the worse for it.
    serve(&mut tickers, Some(&calls.version("next", Does::Takes(0))));
    seconds(15).await;
    assert_eq!(calls.take(), [("next", 3000), ("next", 3010)]);
    serve(&mut tickers, Some(&calls.version("panics", Does::Panics)));
    seconds(25).await;
    assert_eq!(calls.take(), [("panics", 3015), ("panics", 3035)]);
}

#[tokio::test(start_paused = true)]
async fn a_new_version_begins_when_the_call_of_the_old_one_is_gone() {
    let (mut tickers, calls) = (Tickers::default(), Calls::new());
    let old = calls.version("old", Does::Takes(1000));
    serve(&mut tickers, Some(&old));
    seconds(3).await;
    let versions = [
        calls.version("new", Does::Takes(5)),
        calls.version("newer", Does::Takes(1000)),
    ];
    // The second comes before the first has got its turn.
    for version in &versions {
        serve(&mut tickers, Some(version));
    }
    seconds(15).await;
    assert_eq!(calls.take(), [("old", 0), ("newer", 3)]);
    assert_eq!(Arc::strong_count(&old), 1, "nobody holds what is replaced");
    // Gone and back again.
    serve(&mut tickers, None);
    serve(&mut tickers, Some(&versions[0]));
    seconds(1).await;
    assert_eq!(calls.take(), [("new", 18)]);
    serve(&mut tickers, None);
    seconds(100).await;
    assert_eq!(calls.take(), []);
    assert_eq!(calls.running.load(Ordering::Relaxed), 0);
    serve(&mut tickers, None);
    assert!(tickers.0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn better_code_takes_over_with_the_next_call() {
    let (mut tickers, calls) = (Tickers::default(), Calls::new());
    let plain = calls.version("plain", Does::Takes(4));
    serve(&mut tickers, Some(&plain));
    seconds(2).await;
    serve(&mut tickers, Some(&calls.better("better", &plain)));
    assert_eq!(calls.running.load(Ordering::Relaxed), 1, "its call goes on");
    seconds(10).await;
    assert_eq!(calls.take(), [("plain", 0), ("better", 10)]);
    assert_eq!(Arc::strong_count(&plain), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_ticks_without_whoever_follows_the_plugins() {
    let (mut tickers, calls) = (Tickers::default(), Calls::new());
    serve(&mut tickers, Some(&calls.version("p", Does::Takes(1000))));
    seconds(1).await;
    drop(tickers);
    seconds(100).await;
    assert_eq!(calls.take(), [("p", 0)]);
    assert_eq!(calls.running.load(Ordering::Relaxed), 0);
}

/// On threads of their own, where to abort a task is not to end it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_computes_is_over_before_the_next_version_begins() {
    let (mut tickers, calls) = (Tickers::default(), Calls::new());
    serve(&mut tickers, Some(&calls.version("old", Does::Computes)));
    while calls.running.load(Ordering::Relaxed) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    serve(&mut tickers, Some(&calls.version("unseen", Does::Computes)));
    serve(&mut tickers, Some(&calls.version("new", Does::Takes(1000))));
    let begun = || calls.list.lock().unwrap().len();
    while begun() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let codes: Vec<_> = calls.take().into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["old", "new"]);
}
