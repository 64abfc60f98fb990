//! Background work: each version in service that exports it is called at its interval, by a task of its own.
//!
//! What ticks is what serves, and nothing of a plugin's name ticks twice at the same time: the task of a new version begins when that of the
//! old one is gone, with the call that was under way. So does one of a plugin that comes back after it was removed. Better code for the
//! same version is taken by the next call.

mod schedule;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::kind::hooks::{HooksPlugin, Instance};
use super::kind::{Guest, GuestKind};
use super::wasm::PluginVersion;
use crate::essential;
use crate::interceptor::InterceptError;
use schedule::Schedule;

/// What is odd about an interval for a plugin that does nothing then.
pub const NO_BACKGROUND: &str =
    "background.every is set for it, and it exports no `background`: nothing is called";

/// An instance is let go if it would wait for longer, as idle instances are.
const LONGEST_IDLE: Duration = Duration::from_secs(30);

/// A version whose background work is due at times.
pub trait Background: Send + Sync + 'static {
    /// What it keeps from one call to the next.
    type Kept: Default + Send;

    fn version(&self) -> &Arc<PluginVersion>;

    /// Does the work once.
    fn tick(
        &self,
        kept: &mut Self::Kept,
    ) -> impl Future<Output = Result<(), InterceptError>> + Send;
}

impl Background for HooksPlugin {
    /// An instance of its own.
    type Kept = Option<Instance>;

    fn version(&self) -> &Arc<PluginVersion> {
        GuestKind::version(self)
    }

    fn tick(
        &self,
        kept: &mut Option<Instance>,
    ) -> impl Future<Output = Result<(), InterceptError>> + Send {
        HooksPlugin::tick(self, kept)
    }
}

/// The background work of all plugins, by their names. It ends when this is dropped.
#[derive(Debug)]
pub struct Tickers<B = HooksPlugin>(BTreeMap<String, Ticker<B>>);

/// That of one plugin.
#[derive(Debug)]
struct Ticker<B> {
    version: Arc<PluginVersion>,
    /// Takes better code for it. None if it was told to end.
    code: Option<watch::Sender<Arc<B>>>,
    task: JoinHandle<()>,
    /// Of this name. A task has it for as long as it calls anything.
    turn: Arc<Mutex<()>>,
}

impl<B> Default for Tickers<B> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl Tickers {
    /// From now on these plugins tick, if they have background work, and no others.
    pub fn follow<'a>(&mut self, serving: impl Iterator<Item = (&'a String, &'a Guest)>) {
        self.change(serving.filter_map(|(name, guest)| match guest {
            Guest::Hooks(hooks) if hooks.has_background() => Some((name, hooks)),
            _ => None,
        }));
    }
}

impl<B: Background> Tickers<B> {
    fn change<'a>(&mut self, serving: impl Iterator<Item = (&'a String, &'a Arc<B>)>) {
        let serving: BTreeMap<_, _> = serving.collect();
        for (name, ticker) in &mut self.0 {
            let same = serving.get(name).is_some_and(|plugin| ticker.is_of(plugin));
            if !same {
                ticker.end();
            }
        }
        self.0
            .retain(|name, ticker| serving.contains_key(name) || !ticker.is_gone());
        for (name, plugin) in serving {
            match self.0.get(name) {
                Some(ticker) if ticker.is_of(plugin) => ticker.improve(plugin),
                _ => {
                    let before = self.0.remove(name);
                    let turn = before.map(|before| before.turn.clone());
                    let ticker = Ticker::start(name, plugin, turn.unwrap_or_default());
                    self.0.insert(name.clone(), ticker);
                }
            }
        }
    }
}

impl<B: Background> Ticker<B> {
    fn start(name: &str, plugin: &Arc<B>, turn: Arc<Mutex<()>>) -> Self {
        let (sender, code) = watch::channel(plugin.clone());
        let (name, turns) = (name.to_owned(), turn.clone());
        let work = async move {
            // Let go after everything else, also if this task is aborted.
            let _turn = turns.lock_owned().await;
            tick_on(&name, code).await;
        };
        Self {
            version: plugin.version().clone(),
            code: Some(sender),
            task: tokio::spawn(work),
            turn,
        }
    }

    fn is_of(&self, plugin: &Arc<B>) -> bool {
        self.code.is_some() && Arc::ptr_eq(&self.version, plugin.version())
    }

    fn improve(&self, plugin: &Arc<B>) {
        let code = self.code.as_ref();
        let better = |code: &mut Arc<B>| {
            let is_better = !Arc::ptr_eq(code, plugin);
            if is_better {
                code.clone_from(plugin);
            }
            is_better
        };
        code.map(|code| code.send_if_modified(better));
    }
}

impl<B> Ticker<B> {
    /// Whether no task of this name calls anything or will.
    fn is_gone(&self) -> bool {
        self.task.is_finished() && Arc::strong_count(&self.turn) == 1
    }

    fn end(&mut self) {
        self.code = None;
        self.task.abort();
    }
}

impl<B> Drop for Ticker<B> {
    fn drop(&mut self) {
        self.end();
    }
}

/// Calls a version again and again, at once for the first time.
async fn tick_on<B: Background>(name: &str, mut code: watch::Receiver<Arc<B>>) {
    let mut schedule = Schedule::default();
    let mut kept = B::Kept::default();
    loop {
        let (plugin, is_other) = {
            let code = code.borrow_and_update();
            (code.clone(), code.has_changed())
        };
        if is_other {
            kept = B::Kept::default();
        }
        let every = plugin.version().config.background.every;
        let begun = Instant::now();
        let ticked = essential::caught(plugin.tick(&mut kept)).await;
        // Nobody waits for it to be unused for as long as the interval.
        drop(plugin);
        let ended = Instant::now();
        let was_failing = schedule.is_failing();
        let next = schedule.next(every, begun, ended, matches!(ticked, Ok(Ok(()))));
        let wait = schedule.interval(every);
        match ticked {
            Ok(Ok(())) if was_failing => {
                tracing::info!("plugin {name}: background.tick succeeded again");
            }
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(
                "plugin {name}: background.tick {error}; it is called again after {wait:?}"
            ),
            Err(_) => {
                kept = B::Kept::default();
                tracing::error!(
                    "plugin {name}: background.tick broke off by a mistake in tollgate; it is called again after {wait:?}"
                );
            }
        }
        if next.duration_since(ended) > LONGEST_IDLE {
            kept = B::Kept::default();
        }
        sleep_until(next).await;
    }
}

#[cfg(test)]
mod tests;
