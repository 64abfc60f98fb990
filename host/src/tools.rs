//! The commands for those who write plugins: from nothing to a plugin that is tested.

mod build;
mod check;
mod dev;
mod new;
mod test;

pub use build::build;
pub use check::check;
pub use dev::dev;
pub use new::new;
pub use test::test;
