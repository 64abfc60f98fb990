//! The plugin's straight line: watch → supervise → prepare → swap → retire, and what serves at its end.
//!
//! Nothing that serves is let go before its successor has proved itself. Nothing here knows how requests arrive; see
//! [`crate::interceptor`].

pub mod watch;

mod background;
pub mod beside;
mod jobs;
mod progress;
mod supervise;

pub mod schema;

mod cache;
pub mod load;
mod prepare;

mod retire;
mod swap;

mod history;
mod status;

mod kind;

mod host;

mod wasm;

mod hash;

pub use background::NO_BACKGROUND;
pub use cache::Cache;
pub use hash::ContentHash;
pub use history::{EventKind, PluginEvent};
pub use host::CallPace;
pub use kind::hooks::{
    Capability, Contract, Contracts, HooksCode, HooksCompiler, HooksPlugin, Instance,
    ReplacedInstances, Resources,
};
pub use kind::wasi_http::{EmptyBackend, StandardCompilers, StandardComponent};
pub use kind::{Guest, GuestKind, Linking, PluginKind, Trial};
pub use prepare::{PluginError, Workbench, settings_schema, trial};
pub use status::{PluginStatus, PluginTable, Serving, SettingsSource};
pub use supervise::{Keep, Order, OrderError, PluginControl, Reconfigure, Supervisor};
pub use swap::{Chains, Member, RouteChain};
pub use wasm::{
    Ambient, CompileError, Engines, InterfaceName, PausedClock, PluginServices, PluginState,
    PluginVersion, Services, Tier,
};
