//! What the configuration says of plugins, with the defaults, and which names they may have.

use std::time::Duration;

use super::allow::Allow;
use super::server::ServerConfig;
use super::settings::Settings;
use crate::matching::Matches;

/// The order of a plugin that doesn't name one; leaves room on both sides.
pub const DEFAULT_ORDER: i32 = 100;

/// What one plugin may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PluginLimits {
    /// CPU time of one call.
    pub deadline: Duration,
    /// Bytes of linear memory per instance.
    pub memory: u64,
    /// Most bytes of a body that the plugin may read.
    pub body: u64,
    /// Most bytes of one piece (a line, an event, a message) of a body that the plugin rewrites as it flows.
    pub piece: u64,
    /// Calls that an instance serves before it is replaced.
    pub max_calls: u32,
    /// How long to wait for the next piece of a body that the plugin asked for.
    pub body_timeout: Duration,
    /// How long a new version may wait in its first calls, all together, before it serves.
    pub trial: Duration,
    /// Most bytes of the plugin's file.
    pub file_size: u64,
}

impl Default for PluginLimits {
    fn default() -> Self {
        Self {
            // Far above what a call takes (microseconds), and short enough to notice while trying out.
            deadline: Duration::from_secs(1),
            // Room for guests that bring an interpreter and its heap; a leak ends before it hurts.
            memory: 256 << 20,
            // A body is held by host and guest: this fits the memory above several times.
            body: 16 << 20,
            // An event of a language model has some hundred bytes, a message of gRPC 4 MiB at the most by default.
            piece: 4 << 20,
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
    pub settings: Settings,
    /// Which exchanges the plugin takes part in.
    pub matches: Matches,
    pub on_failure: OnFailure,
    pub limits: PluginLimits,
    /// What it may reach beyond the exchange.
    pub allow: Allow,
    /// Of its background work, if it has any.
    pub background: BackgroundConfig,
    /// Whether it may be a standard component.
    pub standard: bool,
    /// Whether its exchanges are answered 503 while no version of it serves, if the configuration names it at all; see
    /// [`Config::requires`](super::Config::requires).
    pub required: bool,
    /// Bytes by which one call may make a head larger, as many as a request's head may have.
    pub max_head: usize,
}

impl PluginConfig {
    /// A plugin of which nothing is said: enabled, for every exchange.
    pub fn new(limits: PluginLimits) -> Self {
        Self {
            enabled: true,
            order: DEFAULT_ORDER,
            settings: Settings::default(),
            matches: Matches::default(),
            on_failure: OnFailure::default(),
            limits,
            allow: Allow::default(),
            background: BackgroundConfig::default(),
            standard: false,
            required: true,
            max_head: ServerConfig::default().max_head,
        }
    }
}

/// When a plugin does its background work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackgroundConfig {
    /// The time from the beginning of one call to that of the next.
    pub every: Duration,
}

impl Default for BackgroundConfig {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(60),
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
pub(super) fn is_shaped(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
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
