//! What others may ask of the supervisor: a new configuration, and what an operator wants of single plugins. All of it goes
//! through its one task, so nothing is half in force, and what fails leaves everything as it was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{Notify, mpsc, oneshot};

use crate::config::{Config, OverlayKey, WatchMode};
use crate::plugin::beside::{EditError, FileChange};
use crate::plugin::status::{PluginStatus, PluginTable};
use crate::plugin::swap::RouteChain;
use crate::plugin::watch::{self, PluginFiles};

/// Something for the supervisor to do.
#[derive(Debug)]
pub enum Order {
    Reconfigure(Reconfigure),
    Plugin(PluginOrder),
    Reread(Reread),
}

/// A configuration to go by, and whom to tell.
pub struct Reconfigure {
    pub config: Arc<Config>,
    /// Puts the chains of the new routes, in their order, in the place of the old. Runs at most once, at the moment of
    /// the change.
    pub apply: Box<dyn FnOnce(Vec<Arc<RouteChain>>) + Send>,
    /// Hears when it is done, or of each plugin that would not serve any more or is required and would not serve.
    pub done: oneshot::Sender<Result<(), Vec<String>>>,
    /// Told to ask again when a plugin has come for lack of which the configuration was refused.
    pub again: Arc<Notify>,
}

impl std::fmt::Debug for Reconfigure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reconfigure").finish_non_exhaustive()
    }
}

/// What somebody wants of a plugin.
#[derive(Debug)]
pub struct PluginOrder {
    pub name: String,
    pub wish: Wish,
    pub done: Done,
}

/// Hears what came of an order.
pub type Done = oneshot::Sender<Result<(), OrderError>>;

/// What may be wanted of a plugin.
#[derive(Debug)]
pub enum Wish {
    /// To be so: in memory, or by a change of the file beside it.
    Set {
        key: OverlayKey,
        file: Option<Box<FileChange>>,
    },
    /// To serve the version before.
    RollBack,
    /// To serve what its file holds.
    Promote,
}

/// Files are to be read again, whether they look changed or not.
#[derive(Debug)]
pub struct Reread {
    /// Of this plugin alone.
    pub name: Option<String>,
    /// What there is, if nobody watches.
    pub found: Option<BTreeMap<String, PluginFiles>>,
    /// Hears when each has its verdict.
    pub done: Done,
}

/// Somebody who waits for the verdicts of plugins.
#[derive(Debug)]
pub struct Asked {
    pub names: Vec<String>,
    pub done: Done,
}

/// Why an order was not carried out. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    #[error("there is no plugin {0}; GET /api/v1/plugins lists those that there are")]
    Unknown(String),
    /// It would not serve.
    #[error("{0}")]
    Refused(String),
    /// It can't be done as things stand.
    #[error("{0}")]
    Conflict(String),
    /// A file could not be read or written.
    #[error("{0}")]
    File(String),
    #[error("the proxy is stopping")]
    Stopping,
}

/// Where a change is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Until the process ends.
    Memory,
    /// In `NAME.toml` beside the plugin.
    File,
}

/// Gives orders about plugins.
#[derive(Debug, Clone)]
pub struct PluginControl {
    orders: mpsc::Sender<Order>,
    table: Arc<PluginTable>,
    config: Arc<Config>,
}

impl PluginControl {
    /// `config` is what the process was started with.
    pub fn new(orders: mpsc::Sender<Order>, table: Arc<PluginTable>, config: Arc<Config>) -> Self {
        Self {
            orders,
            table,
            config,
        }
    }

    /// Has the files of a plugin read again. Gives the plugin when there is a verdict, whatever it is.
    ///
    /// # Errors
    /// When there is no such plugin.
    pub async fn reread(&self, name: &str) -> Result<PluginStatus, OrderError> {
        self.have_read(Some(name.to_owned())).await?;
        self.status(name)
    }

    /// The same for all plugins.
    ///
    /// # Errors
    /// When the proxy is stopping, or the directory can't be listed.
    pub async fn reread_all(&self) -> Result<(), OrderError> {
        self.have_read(None).await
    }

    /// Sets something of a plugin.
    ///
    /// # Errors
    /// When it can't be so. Nothing has changed then.
    pub async fn set(
        &self,
        name: &str,
        key: OverlayKey,
        keep: Keep,
    ) -> Result<PluginStatus, OrderError> {
        let file = match keep {
            Keep::Memory => None,
            Keep::File => Some(Box::new(self.change_file(name, &key).await?)),
        };
        self.have_done(name, Wish::Set { key, file }).await
    }

    /// Has the version before serve.
    ///
    /// # Errors
    /// When there is none, or it would not serve.
    pub async fn roll_back(&self, name: &str) -> Result<PluginStatus, OrderError> {
        self.have_done(name, Wish::RollBack).await
    }

    /// Has what its file holds serve.
    ///
    /// # Errors
    /// When that would not serve.
    pub async fn promote(&self, name: &str) -> Result<PluginStatus, OrderError> {
        self.have_done(name, Wish::Promote).await
    }

    async fn have_done(&self, name: &str, wish: Wish) -> Result<PluginStatus, OrderError> {
        let order = |done| {
            Order::Plugin(PluginOrder {
                name: name.to_owned(),
                wish,
                done,
            })
        };
        self.send(order).await?;
        self.status(name)
    }

    async fn have_read(&self, name: Option<String>) -> Result<(), OrderError> {
        let found = match self.config.watch {
            WatchMode::Events | WatchMode::Poll => None,
            WatchMode::Off => Some(self.look().await?),
        };
        self.send(|done| Order::Reread(Reread { name, found, done }))
            .await
    }

    async fn send(&self, order: impl FnOnce(Done) -> Order) -> Result<(), OrderError> {
        let (done, hears) = oneshot::channel();
        let sent = self.orders.send(order(done)).await;
        sent.map_err(|_| OrderError::Stopping)?;
        hears.await.unwrap_or(Err(OrderError::Stopping))
    }

    async fn look(&self) -> Result<BTreeMap<String, PluginFiles>, OrderError> {
        let config = self.config.clone();
        let look = move || watch::plugins(&config.plugins, config.file.as_deref());
        let found = tokio::task::spawn_blocking(look).await;
        let found = found.map_err(|_| OrderError::Stopping)?;
        found.map_err(|error| {
            let directory = crate::text::path(&self.config.plugins).to_string();
            OrderError::File(format!("can't look into {directory}: {error}"))
        })
    }

    fn status(&self, name: &str) -> Result<PluginStatus, OrderError> {
        let status = self.table.get(name);
        status.ok_or_else(|| OrderError::Unknown(name.to_owned()))
    }

    async fn change_file(&self, name: &str, key: &OverlayKey) -> Result<FileChange, OrderError> {
        let status = self.status(name)?;
        let path = config_path(&self.config.plugins, name, status.file.as_deref());
        let key = key.clone();
        let made = tokio::task::spawn_blocking(move || FileChange::prepare(&path, &key)).await;
        made.map_err(|_| OrderError::Stopping)?
            .map_err(|error| match error {
                EditError::Unreadable(_) => OrderError::File(error.to_string()),
                EditError::Mistakes(_)
                | EditError::Null(_)
                | EditError::Comments(_)
                | EditError::Link(_) => OrderError::Conflict(error.to_string()),
            })
    }
}

fn config_path(directory: &Path, name: &str, code: Option<&Path>) -> PathBuf {
    let beside = code.and_then(watch::config_beside);
    beside.unwrap_or_else(|| directory.join(format!("{name}.toml")))
}
