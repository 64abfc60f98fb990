//! The host's own key-value store.

mod clock;
mod config;
mod error;
mod front;
mod journal;
mod local;
mod op;
mod redis;
mod table;

#[cfg(test)]
mod tests;

pub use clock::{Clock, SystemClock};
pub use config::{Durability, Kind, Quotas, StoreConfig};
pub use error::StoreError;
pub use front::{MOST_KEYS, Store};
pub use op::Usage;
