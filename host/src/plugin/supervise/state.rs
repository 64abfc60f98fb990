//! What the supervisor knows: the plugins, their files, and what is under way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::orders::Asked;
use super::pending::{PendingChange, Wanted};
use super::versions::Versions;
use crate::config::{Config, Remark};
use crate::plugin::background::Tickers;
use crate::plugin::hash::ContentHash;
use crate::plugin::history::{EventKind, PluginEvent};
use crate::plugin::jobs::{Jobs, Look};
use crate::plugin::kind::Guest;
use crate::plugin::prepare::{Current, Pin, Workbench};
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
    /// The change that is being tried.
    pub(super) pending: Option<PendingChange>,
    /// The versions that plugins can be rolled back to. Empty when nobody can ask for that.
    pub(super) versions: BTreeMap<String, Versions<ContentHash, Guest>>,
    /// Who waits for verdicts.
    pub(super) asked: Vec<Asked>,
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
    /// The content of the file with which the version that serves goes on.
    pub(super) pin: Option<ContentHash>,
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
            versions: BTreeMap::new(),
            asked: Vec::new(),
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
        let version = guest.version();
        let mut serving = Serving {
            hash: version.hash,
            tier: guest.tier(),
            since: now(),
            kind: guest.kind(),
            permissions: guest.permissions().to_vec(),
            schema: version
                .schema
                .as_ref()
                .map(|schema| schema.document().clone()),
        };
        let is_better = |old: &Guest| Arc::ptr_eq(old.version(), guest.version());
        let is_better = plugin.serving.as_ref().is_some_and(is_better);
        let old = plugin.serving.replace(guest);
        self.retiring.extend(old);
        self.table.update(name, 0, |status| {
            if let Some(old) = &status.serving
                && is_better
            {
                serving.since = old.since;
            }
            status.serving = Some(serving);
        });
    }

    /// What serves under a name, and whether it is to go on whatever the file holds.
    pub(super) fn current(&self, name: &str) -> Current {
        let versions = self.versions.get(name);
        let pinned = versions.and_then(Versions::pinned);
        Current {
            pin: pinned.map(|(file, guest)| Pin {
                file,
                guest: guest.clone(),
            }),
            ..self.current_unpinned(name)
        }
    }

    /// The same for who wants what the file holds.
    pub(super) fn current_unpinned(&self, name: &str) -> Current {
        let plugin = self.plugins.get(name);
        Current {
            serving: plugin.and_then(|plugin| plugin.serving.clone()),
            pin: None,
        }
    }

    /// Brings what the row of a plugin says of its versions up to date.
    pub(super) fn mark_versions(&self, name: &str) {
        let versions = self.versions.get(name);
        let pinned = versions.is_some_and(Versions::is_pinned);
        let can_roll_back = versions.is_some_and(|versions| versions.before().is_some());
        self.table.update(name, 0, |status| {
            status.pinned = pinned;
            status.can_roll_back = can_roll_back;
        });
    }

    /// Lets go of the versions that a plugin could be rolled back to.
    pub(super) fn forget_versions(&mut self, name: &str) {
        if let Some(versions) = self.versions.remove(name) {
            self.retiring.extend(versions.into_code());
            if self.table.get(name).is_some() {
                self.mark_versions(name);
            }
        }
    }

    /// Remembers what happened to a plugin.
    pub(super) fn note(&self, name: &str, kind: EventKind, text: String) {
        let serving = self
            .plugins
            .get(name)
            .and_then(|plugin| plugin.serving.as_ref());
        let event = PluginEvent {
            at: now(),
            kind,
            version: serving.map(|guest| guest.version().hash.short()),
            text,
        };
        self.table.note(name, event);
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

/// Microseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    })
}
