//! What plugins would do now with what was recorded then: exchanges go through a chain again, without a backend, and what differs is told
//! plugin by plugin. For `tollgate what-if`, `tollgate dev --tape` and the admin API.
//!
//! Each exchange begins with the request as the first plugin got it, and meets the backend's recorded answer where it met the backend.
//! Nothing outside is touched ([`Stage`]): the plugins' state begins empty and lasts over the run, their clock follows the exchanges,
//! what they send to other servers is refused, and nobody counts or logs what they do. What is masked is masked for them, too.

mod difference;
mod masked;
mod play;
mod stage;

pub use difference::{Call, Difference, Line, Of, Part, between};
pub use masked::masked;
pub use play::{Player, Unplayable};
pub use stage::{PluginChain, Route, Stage};
