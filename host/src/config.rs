//! The configuration, resolved and checked: plain data that the rest of the host is built from.
//!
//! [`resolve()`] makes it from flags over environment over file over the defaults below, and either
//! gives a whole [`Config`] or every mistake at once as [`ConfigErrors`].

pub mod backend;
pub(crate) mod file;
mod matching;
pub mod reading;
mod reload;
mod required;
mod resolve;
pub mod route;
pub mod server;
mod units;
mod url;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use backend::BackendConfig;
use route::RouteConfig;
use server::{Forwarding, ServerConfig, ServerTls};

pub use matching::Matches;
pub use reload::needs_restart;
pub use required::{Remark, remarks};
pub(crate) use resolve::{read_limits, texts};
pub use resolve::{resolve, settings};
pub(crate) use units::{nearest_name, time_above_zero};

/// Only this machine may connect unless somebody says otherwise: a proxy that runs plugins under
/// development has no business on a network.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4567);
/// Where the embedded echo backend listens when nothing is said.
pub const DEFAULT_ECHO: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4566);
/// Relative to the working directory.
pub const DEFAULT_PLUGINS: &str = "plugins";
/// Long enough for an ordinary exchange to end, shorter than supervisors wait before they kill.
pub const DEFAULT_DRAIN: Duration = Duration::from_secs(30);
/// Some hundred compiled components of a few MiB each.
pub const DEFAULT_CACHE_BYTES: u64 = 1 << 30;
/// The order of a plugin that doesn't name one; leaves room on both sides.
pub const DEFAULT_ORDER: i32 = 100;

/// Everything that the host needs to know before it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The configuration file that was read, if there is one.
    pub file: Option<PathBuf>,
    /// Where clients connect. Port 0 takes any free port.
    pub listen: SocketAddr,
    /// Other processes may listen on the same address (`SO_REUSEPORT`).
    pub reuse_port: bool,
    /// Where `/live` and `/ready` are answered. None: nowhere.
    pub admin: Option<SocketAddr>,
    /// None: clients speak cleartext.
    pub tls: Option<ServerTls>,
    pub server: ServerConfig,
    pub forwarding: Forwarding,
    /// By name; a backend that a route names by its URL has that URL for its name. Without
    /// [`DEFAULT_BACKEND`](backend::DEFAULT_BACKEND) where that is the embedded echo backend.
    pub backends: BTreeMap<String, BackendConfig>,
    /// The first that fits is the one to take; that none fits is possible. Every `backend` in it is a name
    /// of `backends`, or the embedded echo backend's.
    pub routes: Vec<RouteConfig>,
    /// Where to start the embedded echo backend if it is the default backend. Port 0 takes any free port.
    pub echo: Option<SocketAddr>,
    /// Whether it must be there, as `echo://ADDRESS` says; else any free port will do when that one is taken.
    pub echo_fixed: bool,
    /// The directory of the plugins. It need not exist yet.
    pub plugins: PathBuf,
    /// Whether components for `wasi:http` are served along with plugins for our own contract.
    pub standard_components: bool,
    pub watch: WatchMode,
    pub cache: CacheConfig,
    /// Threads that serve exchanges.
    pub workers: NonZeroUsize,
    /// How long exchanges may take to end after the signal to stop.
    pub drain: Duration,
    /// The limits of plugins that don't set their own.
    pub defaults: Limits,
    /// What the file says of single plugins, by name; use [`Config::for_plugin`] to read it.
    pub plugin: BTreeMap<String, PluginConfig>,
}

impl Config {
    /// The most linear memory that a plugin may have, in bytes.
    pub fn most_memory(&self) -> u64 {
        let plugins = self.plugin.values().map(|plugin| plugin.limits.memory);
        plugins.fold(self.defaults.memory, u64::max)
    }

    /// The configuration of this plugin: what the file says, or the defaults.
    pub fn for_plugin(&self, name: &str) -> PluginConfig {
        let configured = self.plugin.get(name).cloned();
        PluginConfig {
            standard: self.standard_components,
            max_head: self.server.max_head,
            ..configured.unwrap_or_else(|| PluginConfig::new(self.defaults))
        }
    }
}

/// How changes in the plugin directory are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WatchMode {
    /// Events of the file system, with a periodic look as backstop.
    #[default]
    Events,
    /// A periodic look alone, for file systems without events (network mounts, some containers).
    Poll,
    /// Plugins are loaded once.
    Off,
}

/// Where compiled plugins are kept between runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheConfig {
    /// None: no cache.
    pub dir: Option<PathBuf>,
    /// There is none because nothing says where: neither a key nor a home.
    pub homeless: bool,
    /// The most that the cache may take on disk.
    pub max_bytes: u64,
}

/// What one plugin may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// CPU time of one call.
    pub deadline: Duration,
    /// Bytes of linear memory per instance.
    pub memory: u64,
    /// Most bytes of a body that the plugin may read.
    pub body: u64,
    /// Calls that an instance serves before it is replaced.
    pub max_calls: u32,
    /// How long to wait for the next piece of a body that the plugin asked for.
    pub body_timeout: Duration,
    /// How long a new version may wait in its first calls, all together, before it serves.
    pub trial: Duration,
    /// Most bytes of the plugin's file.
    pub file_size: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Far above what a call takes (microseconds), and short enough to notice while trying out.
            deadline: Duration::from_secs(1),
            // Room for guests that bring an interpreter and its heap; a leak ends before it hurts.
            memory: 256 << 20,
            // A body is held by host and guest: this fits the memory above several times.
            body: 16 << 20,
            // Bounds slow leaks of a guest at a cost of one instantiation in ten thousand calls.
            max_calls: 10_000,
            // A sender that is silent for so long has most likely gone.
            body_timeout: Duration::from_secs(30),
            // Nobody is served by these calls; who waits in them for longer would hold up a request as well.
            trial: Duration::from_secs(2),
            // CPython as a component has 18 MB.
            file_size: 256 << 20,
        }
    }
}

/// What the configuration says of one plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginConfig {
    pub enabled: bool,
    /// Lower runs first on the way to the backend; ties are broken by name.
    pub order: i32,
    /// A string as it is, any other TOML value as JSON text. Sorted by key.
    pub settings: Vec<(String, String)>,
    /// Which exchanges the plugin takes part in.
    pub matches: Matches,
    pub on_failure: OnFailure,
    pub limits: Limits,
    /// Whether it may be a standard component.
    pub standard: bool,
    /// Whether its exchanges are answered 503 while no version of it serves, if the configuration names it at all; see
    /// [`Config::requires`].
    pub required: bool,
    /// Bytes by which one call may make a head larger, as many as a request's head may have.
    pub max_head: usize,
}

impl PluginConfig {
    /// A plugin of which nothing is said: enabled, for every exchange.
    pub fn new(limits: Limits) -> Self {
        Self {
            enabled: true,
            order: DEFAULT_ORDER,
            settings: Vec::new(),
            matches: Matches::default(),
            on_failure: OnFailure::default(),
            limits,
            standard: false,
            required: true,
            max_head: ServerConfig::default().max_head,
        }
    }
}

/// What becomes of an exchange whose plugin failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// It is answered with 502.
    #[default]
    Closed,
    /// What the call changed is undone and the exchange goes on.
    Open,
}

/// Why a plugin can't have this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PluginNameError {
    #[error("a plugin's name is its file name without the extension")]
    Extension,
    #[error(
        "a plugin's name has 1 to 64 letters, digits, `-`, `_` or `.` and begins with a letter or digit"
    )]
    Shape,
}

/// Whether a plugin may have this name, the stem of its file.
///
/// Names stand in logs, in cache paths and in `Proxy-Status` (RFC 9209), where nothing may need
/// escaping.
///
/// # Errors
/// Says what a name looks like.
pub fn check_plugin_name(name: &str) -> Result<(), PluginNameError> {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    if extension.is_some_and(|e| ["wasm", "wat"].iter().any(|w| e.eq_ignore_ascii_case(w))) {
        return Err(PluginNameError::Extension);
    }
    if is_shaped(name) {
        Ok(())
    } else {
        Err(PluginNameError::Shape)
    }
}

/// Whether a name needs no escaping wherever it stands.
fn is_shaped(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// Every mistake in flags, environment and file; shown one to a line, in that order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.lines().join("\n"))]
pub struct ConfigErrors {
    /// Never empty.
    pub mistakes: Vec<Mistake>,
}

impl ConfigErrors {
    fn lines(&self) -> Vec<String> {
        self.mistakes.iter().map(Mistake::to_string).collect()
    }
}

/// One mistake: where it stands and what was expected there instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Mistake {
    pub place: Place,
    pub problem: String,
}

/// Where a value was given, with the value as it was written. Ordered as mistakes are shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The name is without its dashes.
    Flag {
        name: &'static str,
        /// None for flags that take none.
        value: Option<String>,
    },
    Env {
        name: String,
        value: String,
    },
    /// A file as a whole.
    File {
        path: PathBuf,
    },
    /// A line of a file, counted from 1.
    Line {
        path: PathBuf,
        line: usize,
    },
    /// A key of a file, by its path (`plugin.auth.order`).
    Key {
        path: PathBuf,
        line: usize,
        key: String,
        value: Option<String>,
    },
}

impl Place {
    /// Whether it is in the file, and not in a layer above it.
    fn is_in_file(&self) -> bool {
        match self {
            Self::Flag { .. } | Self::Env { .. } => false,
            Self::File { .. } | Self::Line { .. } | Self::Key { .. } => true,
        }
    }

    /// The line of a file, counted from 1.
    fn line(&self) -> Option<usize> {
        match self {
            Self::Line { line, .. } | Self::Key { line, .. } => Some(*line),
            Self::Flag { .. } | Self::Env { .. } | Self::File { .. } => None,
        }
    }

    /// The same place, for messages that are not about the value or must not show it.
    fn without_value(self) -> Self {
        match self {
            Self::Key {
                path, line, key, ..
            } => Self::Key {
                path,
                line,
                key,
                value: None,
            },
            other => other,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag { name, value: None } => write!(f, "--{name}"),
            Self::Flag {
                name,
                value: Some(value),
            } => write!(f, "--{name} {:?}", units::redacted(value)),
            Self::Env { name, value } => write!(f, "{name}={:?}", units::redacted(value)),
            Self::File { path } => write!(f, "{}", path.display()),
            Self::Line { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Key {
                path,
                line,
                key,
                value,
            } => {
                write!(f, "{}:{line}: {key}", path.display())?;
                match value {
                    Some(value) => write!(f, " = {}", units::redacted(value)),
                    None => Ok(()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugin_names() {
        use PluginNameError::{Extension, Shape};
        let (longest, longer) = ("a".repeat(64), "a".repeat(65));
        let cases = [
            ("add-header", Ok(())),
            ("2nd_try.v1", Ok(())),
            (&longest, Ok(())),
            (&longer, Err(Shape)),
            ("add-header.wasm", Err(Extension)),
            ("add-header.WAT", Err(Extension)),
            ("", Err(Shape)),
            (".hidden", Err(Shape)),
            ("-x", Err(Shape)),
            ("a b", Err(Shape)),
            ("a/b", Err(Shape)),
            ("ä", Err(Shape)),
        ];
        for (name, expected) in cases {
            assert_eq!(check_plugin_name(name), expected, "{name:?}");
        }
    }
}
