//! What the supervisor knows: the plugins, their files, and what is under way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::pending::{PendingConfig, Wanted};
use crate::config::{Config, Remark};
use crate::plugin::background::Tickers;
use crate::plugin::hash::ContentHash;
use crate::plugin::jobs::{Jobs, Look};
use crate::plugin::kind::Guest;
use crate::plugin::prepare::Workbench;
use crate::plugin::retire::Retiring;
use crate::plugin::status::{PluginTable, Serving};
use crate::plugin::swap::Chains;
use crate::plugin::watch::PluginFiles;

/// How long a start waits for files that change again and again or look unfinished. Longer than it takes to believe that a
/// writer has gone, so that a file that nobody writes to has always got its verdict by then.
const PATIENCE: Duration = Duration::from_secs(12);

/// Brings plugin files into service and takes them out again.
pub struct Supervisor {
    /// With what is in force of the files beside plugins.
    pub(super) config: Arc<Config>,
    pub(super) chains: Arc<Chains>,
    pub(super) table: Arc<PluginTable>,
    pub(super) plugins: BTreeMap<String, Supervised>,
    /// The files of every plugin that has any, also of those that are switched off.
    pub(super) files: BTreeMap<String, PluginFiles>,
    /// Plugins beside which there is a file of which nothing is known. They can't serve.
    pub(super) unknown: BTreeSet<String>,
    /// The configuration that is being tried.
    pub(super) pending: Option<PendingConfig>,
    pub(super) retiring: Retiring,
    pub(super) jobs: Jobs,
    pub(super) tickers: Tickers,
    /// What a configuration that was refused waits for.
    pub(super) wanted: Option<Wanted>,
    /// Told when all files that were there at the start have their verdict.
    pub(super) started: Option<Start>,
    pub(super) scanned: bool,
    /// What was last said about plugins that the configuration names.
    pub(super) remarks: Vec<Remark>,
    pub(super) next_load: u64,
}

/// A plugin by its file.
#[derive(Debug, Default)]
pub(super) struct Supervised {
    pub(super) serving: Option<Guest>,
    /// The load that runs; the result of any other comes too late.
    pub(super) loading: Option<Loading>,
    /// The latest change that came while a load ran.
    pub(super) waiting: Option<Look>,
    /// Versions in a row that were ready and did not serve, since another file of the plugin changed meanwhile.
    pub(super) overtaken: u32,
    /// Set when the version that is being improved is not the one that serves any more.
    pub(super) stale: Arc<AtomicBool>,
    /// What was last said about this plugin's file, so that it is said once.
    pub(super) complained: Option<Complaint>,
    /// Whether a load has ended, with whatever result.
    pub(super) tried: bool,
    /// Whether a file of it was taken into service or refused.
    pub(super) judged: bool,
}

/// A load that runs.
#[derive(Debug)]
pub(super) struct Loading {
    pub(super) load: u64,
    /// What it is prepared for, but for the file beside the plugin.
    pub(super) config: Arc<Config>,
}

/// A fault of a file that was told.
#[derive(Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The file's content, if it could be read.
    pub hash: Option<ContentHash>,
    pub reason: String,
}

/// Who waits for the start, and since when.
#[derive(Debug)]
pub struct Start {
    pub done: oneshot::Sender<()>,
    /// When all files that are there were known.
    pub scanned: Option<Instant>,
}

impl Start {
    pub fn new(done: oneshot::Sender<()>) -> Self {
        Self {
            done,
            scanned: None,
        }
    }

    /// When it is over at the latest, but for files that are being loaded for the first time.
    pub fn deadline(&self) -> Option<Instant> {
        Some(self.scanned? + PATIENCE)
    }
}

impl std::fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supervisor")
            .field("plugins", &self.plugins)
            .finish_non_exhaustive()
    }
}

impl Supervisor {
    /// A supervisor of no plugins yet. The receiver hears when the first files have all been tried.
    pub fn new(
        config: Arc<Config>,
        bench: Arc<Workbench>,
        chains: Arc<Chains>,
        table: Arc<PluginTable>,
    ) -> (Self, oneshot::Receiver<()>) {
        let (started, ready) = oneshot::channel();
        let supervisor = Self {
            config,
            chains,
            table,
            plugins: BTreeMap::new(),
            files: BTreeMap::new(),
            unknown: BTreeSet::new(),
            pending: None,
            retiring: Retiring::default(),
            jobs: Jobs::new(bench),
            tickers: Tickers::default(),
            wanted: None,
            started: Some(Start::new(started)),
            scanned: false,
            remarks: Vec::new(),
            next_load: 0,
        };
        for name in supervisor.config.required() {
            supervisor.mark(&name);
        }
        (supervisor, ready)
    }

    /// Puts a guest in the place of the one with its name.
    pub(super) fn replace(&mut self, name: &str, guest: Guest) {
        let plugin = self.plugins.entry(name.to_owned()).or_default();
        plugin.stale.store(true, Ordering::Relaxed);
        plugin.stale = Arc::default();
        let serving = Serving {
            hash: guest.version().hash,
            tier: guest.tier(),
        };
        let old = plugin.serving.replace(guest);
        self.retiring.extend(old);
        self.table
            .update(name, 0, |status| status.serving = Some(serving));
    }

    /// Has those tick that serve.
    pub(super) fn follow_background(&mut self) {
        let plugins = self.plugins.iter();
        let serving = plugins.filter_map(|(name, plugin)| Some((name, plugin.serving.as_ref()?)));
        self.tickers.follow(serving);
    }

    pub(super) fn publish(&self) {
        self.chains.publish(&self.members());
    }
}
