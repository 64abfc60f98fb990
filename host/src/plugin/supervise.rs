//! Who decides about plugins: one task, so there are no two loads of one plugin at once and no locks. What blocks runs on
//! threads of its own and comes back as a message.

mod change;
mod obey;
mod orders;
mod pending;
mod presence;
mod run;
mod start;
mod state;
mod verdict;
mod versions;

pub use orders::{Keep, Order, OrderError, PluginControl, Reconfigure};
pub use state::Supervisor;
