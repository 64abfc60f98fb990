//! Who decides about plugins: one task, so there are no two loads of one plugin at once and no locks. What blocks runs on
//! threads of its own and comes back as a message.

mod pending;
mod presence;
mod reconfigure;
mod run;
mod start;
mod state;
mod verdict;

pub use pending::Reconfigure;
pub use state::Supervisor;
