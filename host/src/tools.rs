//! The commands for those who write plugins: from nothing to a plugin that is tested.

mod build;
mod check;
mod check_config;
mod conditions;
mod cut;
mod dev;
mod exit;
mod lab;
mod log;
mod new;
mod project;
mod tape;
mod templates;
mod test;
mod trial;

pub use build::build;
pub use check::check;
pub use check_config::check_config;
pub use dev::dev;
pub use new::new;
pub use tape::tape;
pub use test::test;
