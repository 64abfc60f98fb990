//! The plugin's straight line: watch → load → compile → swap → retire, and what serves at its end.
//!
//! Nothing that serves is let go before its successor has proved itself. Nothing here knows how requests arrive; see
//! [`crate::interceptor`].

mod jobs;
mod progress;
mod supervise;

pub mod watch;

mod cache;
pub mod load;
mod prepare;

mod compile;
mod engine;

mod retire;
mod swap;

mod ambient;
mod facts;
mod guest;
mod idle;
mod instance;
mod limits;
mod resources;
mod seats;

mod stock;

mod contract;
mod host;

mod status;

pub use ambient::Ambient;
pub use cache::Cache;
pub use compile::{Code, CompileError, Compiler};
pub use contract::{Contract, Contracts};
pub use engine::{Engines, Tier};
pub use facts::Facts;
pub use guest::{Callable, Guest, HooksPlugin, Probed, StandardComponent};
pub use idle::Replaced;
pub use instance::{Instance, Pace};
pub use prepare::{PluginError, Stock, Workbench};
pub use resources::Resources;
pub use status::{PluginStatus, Serving, Table};
pub use supervise::{Reconfigure, Supervisor};
pub use swap::{Chains, Member, RouteChain};
