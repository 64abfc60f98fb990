//! Which requests a rule is about, for routes and plugins alike: hosts, paths and methods, compared in every way in which a
//! backend may read them.

pub mod host;
mod matcher;
mod prefix;
mod reading;
mod rules;

pub use matcher::{Matcher, Set};
pub use prefix::{RouteHost, is_below};
pub use reading::{MOST_DECODED, PathReading, is_plain};
pub use rules::{HostPattern, MatchRule, Matches, PathPattern, method};
