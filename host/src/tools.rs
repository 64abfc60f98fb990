//! The commands for those who write plugins: from nothing to a plugin that is tested; and those for who runs the proxy.

mod build;
mod check;
mod check_config;
mod conditions;
mod cut;
mod dev;
mod exit;
mod lab;
mod log;
mod manual;
mod new;
mod operate;
mod project;
mod tape;
mod templates;
mod test;
mod trial;
mod what_if;

pub use build::build;
pub use check::check;
pub use check_config::check_config;
pub use dev::dev;
pub use manual::{completions, man};
pub use new::new;
pub use operate::{logs, plugins, reload, status};
pub use tape::tape;
pub use test::test;
pub use what_if::what_if;
