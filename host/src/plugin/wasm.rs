//! What guests of every kind need: engines, threads that compile, bounds, the state in a store, and what a fault means.

mod ambient;
mod clock;
mod compile;
mod crossing;
mod engine;
mod fault;
mod interface;
mod limits;
mod services;
mod state;
mod version;
mod voice;

pub use ambient::{Ambient, PausedClock};
#[cfg(test)]
pub use clock::ClockGoes;
pub use clock::wait_for_an_instance;
pub use compile::{CompileError, CompilerThreads, map_module, map_trusted};
pub use crossing::{GuestFunction, MOST_NUMBERS, define};
pub use engine::{Engines, INSTANCES, Tier};
pub use fault::explain;
pub use interface::{InterfaceName, track, versions_fit};
pub use limits::CpuBudget;
pub use services::{PluginServices, PluginState, ServiceError, Services};
pub use state::GuestState;
pub use version::PluginVersion;
