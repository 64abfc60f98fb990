//! Step 1 of a plugin's way into service (**watch** → load → compile → swap → retire): which files there are, and when
//! one of them has changed and looks finished. Knows nothing of WebAssembly beyond file names.
//!
//! Events of the file system are only hints that it is time to look, or that a writer has closed its file. The truth is
//! what a look at the directory finds: every file's identity, symbolic links followed. So nothing is missed for good: a
//! look also happens every interval (1 s), which is all there is where events don't work (network file systems, some
//! containers' mounts). A [`Settler`](settle::Settler) decides, from looks, hints and the time, what is reported when.
//!
//! # Two steps for one change
//!
//! Nobody can know whether a file is complete; one that was closed may be appended to. So a change comes as `Upsert`
//! with `settled: false` as soon as the file looks finished (2 ms after its writer closed it): try it, but keep quiet
//! should it turn out to be no plugin. Once it has not changed for 2 s the same `Upsert` comes with `settled: true`:
//! what is wrong with it now may be reported. A file that was renamed into place is settled at once.
//!
//! Half of a configuration may be one without mistakes, so `NAME.toml` is not tried before it has settled, nor `NAME.schema.json`; until then the
//! plugin stays as it is, with all its files. So whoever replaces code and configuration together gets both at once.

mod change;
mod hint;
mod links;
mod name;
mod notifier;
mod remarks;
mod scan;
mod settle;
#[cfg(test)]
mod tests;
mod wake;
mod worker;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc as std_mpsc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::config::WatchMode;
use crate::text;
use scan::{PluginsDirectory, Scope};
use wake::Wake;

pub use change::{Change, Part, PluginFiles};
pub use name::{NameProblem, config_beside, name_problem, schema_beside};

/// The interval of looks unless the configuration says otherwise.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);

/// How many changes may wait to be received before the watcher waits too.
const CHANGES: usize = 256;

/// Why a directory can't be watched. That it doesn't exist is no reason: it may come.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    #[error("{} is not a directory", text::path(path))]
    NotADirectory { path: PathBuf },
    /// Else the proxy would start without the plugins that may be in it.
    #[error(
        "cannot look into {}: {source}; give the proxy the permissions r and x for it, or remove it",
        text::path(path)
    )]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("cannot start a thread to watch {}: {source}", text::path(path))]
    Thread { path: PathBuf, source: io::Error },
}

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    stop: std_mpsc::Sender<Wake>,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // It fails only if the thread has ended.
        let _ = self.stop.send(Wake::Stop);
    }
}

/// The plugins whose files are in a directory now, by name; none of one that does not exist. `proxy_config` is the proxy's own
/// configuration file, which is no plugin's should it be there.
///
/// # Errors
/// When it can't be listed.
pub fn plugins(
    dir: &Path,
    proxy_config: Option<&Path>,
) -> io::Result<BTreeMap<String, PluginFiles>> {
    let found = match plugins_in(dir, proxy_config).scan() {
        scan::Scan::Files { files, .. } => files,
        scan::Scan::NoDirectory => Vec::new(),
        scan::Scan::Unknown(error) => return Err(error),
    };
    let mut plugins = BTreeMap::<String, PluginFiles>::new();
    for file in found {
        let files = plugins.entry(file.name).or_default();
        files.set(file.part, file.path);
    }
    // A schema alone names nothing.
    plugins.retain(|_, files| files.code.is_some() || files.config.is_some());
    Ok(plugins)
}

fn plugins_in(dir: &Path, proxy_config: Option<&Path>) -> Scope {
    Scope::Plugins(PluginsDirectory {
        path: dir.to_owned(),
        proxy_config: proxy_config.map(Path::to_owned),
    })
}

/// A file whose name says that it is, or was meant to be, a plugin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PluginCandidate {
    pub path: PathBuf,
    /// Why the proxy doesn't load it, as far as names tell, and what to do.
    pub problem: Option<String>,
}

/// The files in a directory that the proxy would load, or say why it doesn't; sorted.
///
/// # Errors
/// When it can't be listed.
pub fn candidates(dir: &Path) -> io::Result<Vec<PluginCandidate>> {
    let (files, problems) = match plugins_in(dir, None).scan() {
        scan::Scan::Files {
            files, problems, ..
        } => (files, problems),
        scan::Scan::NoDirectory => return Ok(Vec::new()),
        scan::Scan::Unknown(error) => return Err(error),
    };
    let mut all: Vec<PluginCandidate> = Vec::new();
    for (path, words) in problems {
        let problem = Some(words);
        all.push(PluginCandidate { path, problem });
    }
    for file in files.into_iter().filter(|file| file.part == Part::Code) {
        for path in file.shadows {
            let used = text::path(&file.path);
            let problem = Some(format!(
                "{used} is loaded in its place; remove one of the two files"
            ));
            all.push(PluginCandidate { path, problem });
        }
        if !all.iter().any(|known| known.path == file.path) {
            let (path, problem) = (file.path, None);
            all.push(PluginCandidate { path, problem });
        }
    }
    all.sort();
    Ok(all)
}

/// Watches the files directly in `dir` whose extension is `wasm`, `wat` or `cwasm` (which the loader refuses with the
/// reason), and what stands beside them, their configuration
/// `NAME.toml` and the schema of their settings `NAME.schema.json`; `proxy_config` is as for [`plugins`]. Files whose name begins with a dot are left alone, as are the names that editors and downloads use for
/// unfinished ones, none of which has such an extension. What was meant to be a plugin and has a name that none can have is
/// told in the log, once for as long as it is there.
///
/// `interval` is the time between looks that no event asked for.
pub fn watch(
    dir: PathBuf,
    proxy_config: Option<&Path>,
    mode: WatchMode,
    interval: Duration,
) -> Result<(Watcher, mpsc::Receiver<Change>), WatchError> {
    if dir.metadata().is_ok_and(|metadata| !metadata.is_dir()) {
        return Err(WatchError::NotADirectory { path: dir });
    }
    let scope = plugins_in(&dir, proxy_config);
    if let scan::Scan::Unknown(source) = scope.scan() {
        return Err(WatchError::Unreadable { path: dir, source });
    }
    start(scope, mode, interval).map_err(|source| WatchError::Thread { path: dir, source })
}

/// Watches single files, each by the path that its changes come with; a change's name is that path as text. Nothing is read
/// from them. They settle as plugins do: with `settled: true` comes what was renamed into place, or was closed after it was
/// written and has been quiet for two seconds.
///
/// # Errors
/// When there can be no further thread.
pub fn watch_files(
    files: Vec<PathBuf>,
    mode: WatchMode,
    interval: Duration,
) -> io::Result<(Watcher, mpsc::Receiver<Change>)> {
    start(Scope::Files(files), mode, interval)
}

fn start(
    scope: Scope,
    mode: WatchMode,
    interval: Duration,
) -> io::Result<(Watcher, mpsc::Receiver<Change>)> {
    let (changes, receiver) = mpsc::channel(CHANGES);
    let stop = worker::spawn(scope, mode, interval, changes)?;
    Ok((Watcher { stop }, receiver))
}
