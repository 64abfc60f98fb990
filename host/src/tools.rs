//! The commands for those who write plugins: from nothing to a plugin that is tested.

mod build;
mod check;
mod conditions;
mod dev;
mod lab;
mod log;
mod new;
mod test;
mod trial;

pub use build::build;
pub use check::check;
pub use dev::dev;
pub use new::new;
pub use test::test;

/// The command line or the project's description is wrong, as in `main.rs`.
const USAGE: u8 = 64;
