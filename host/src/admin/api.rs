//! What is answered, one file for each noun. Answers are plain data; times are microseconds since 1970.

pub mod events;
pub mod exchanges;
pub mod health;
pub mod logs;
pub mod metrics;
pub mod plugins;
pub mod reload;
pub mod replay;
pub mod status;
pub mod what_if;
