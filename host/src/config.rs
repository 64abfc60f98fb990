//! The configuration, resolved and checked: plain data that the rest of the host is built from.
//!
//! [`resolve()`] makes it from flags over environment over file over the defaults in [`data`](Config), and either
//! gives a whole [`Config`] or every mistake at once as [`ConfigErrors`].

mod address;
pub mod admin;
mod allow;
pub mod backend;
mod data;
pub(crate) mod file;
mod keys;
pub mod listener;
mod mistake;
mod names;
mod overlay;
mod plugin;
mod reload;
mod required;
mod resolve;
pub mod route;
pub mod server;
mod settings;
mod units;
mod url;

pub use address::{admin_address, backend_at};
pub use allow::{Allow, Bucket, Permission};
pub use data::{
    CacheConfig, Config, DEFAULT_CACHE_BYTES, DEFAULT_DRAIN, DEFAULT_ECHO, DEFAULT_LISTEN,
    DEFAULT_PLUGINS, WatchMode,
};
pub use keys::{AllowKeys, LimitKeys, MatchKey, PluginKeys};
pub use mistake::{ConfigErrors, Mistake, Place};
pub(crate) use names::nearest_name;
pub use overlay::{Overlay, OverlayKey};
pub use plugin::{
    BackgroundConfig, DEFAULT_ORDER, OnFailure, PluginConfig, PluginLimits, PluginNameError,
    check_plugin_name,
};
pub use reload::needs_restart;
pub use required::{Remark, remarks};
pub use resolve::{plugin_file, read_file, resolve, settings};
pub(crate) use resolve::{read_limits, settings_in};
pub use settings::{Setting, Settings};
pub(crate) use units::{duration, time_above_zero};
