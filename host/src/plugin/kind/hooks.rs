//! Plugins for our contract: two hooks, called on instances that are kept between calls.

mod abi;
mod capability;
mod compile;
mod component;
mod contract;
mod direct;
mod exported;
mod idle;
mod instance;
mod messages;
mod permits;
mod resources;
mod rewriting;
mod served;
mod standard;
#[cfg(test)]
mod tests;
mod thread_number;
mod transform;
mod v0_1;
mod waits;
mod wit;

pub use capability::Capability;
pub use compile::{HooksCode, HooksCompiler};
pub use contract::{Contract, INTERCEPTOR, PACKAGE};
pub use idle::ReplacedInstances;
pub use instance::Instance;
pub use resources::Resources;
pub use served::Contracts;
pub use standard::CAPABILITIES as STANDARD_CAPABILITIES;
pub use transform::HooksPlugin;
pub use wit::WORLD;
