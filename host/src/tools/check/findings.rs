//! What is found out about a plugin file.

use std::sync::Arc;
use std::time::Duration;

use super::imports::Import;
use crate::interceptor::{Hook, InterceptError};
use crate::plugin::schema::SettingsSchema;
use crate::plugin::{ContentHash, Linking, PluginError, Tier, Trial};

/// Why a file is not good.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckRefusal {
    /// By its name, or because another file goes before it.
    #[error("not loaded: {0}")]
    Place(String),
    #[error("{0}")]
    Plugin(#[from] PluginError),
    /// Its first calls went well, and a later one of the same kind didn't.
    #[error("call {number} of {hook} failed: it {error}")]
    LaterCall {
        number: usize,
        hook: Hook,
        error: InterceptError,
    },
}

/// What is known of a file, as far as it was found out before something stood in the way.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub hash: Option<ContentHash>,
    /// Bytes of the file.
    pub size: Option<u64>,
    pub loaded: Option<PluginDescription>,
    /// What its settings must be like, if anybody says so.
    pub schema: Option<Arc<SettingsSchema>>,
    /// How the code is linked, for a kind that can be linked in more than one way.
    pub linking: Option<Linking>,
    pub baseline: Option<Compiled>,
    pub optimized: Option<Compiled>,
    /// What the first calls of the two hooks came to; none of a standard component, whose one function has no more to say.
    pub trial: Option<Trial>,
    /// Whether it serves after its trial.
    pub works: bool,
    /// How the trial's call of a standard component failed, which then serves all the same.
    pub failed: Option<InterceptError>,
    pub calls: Vec<Calls>,
}

/// What a plugin says of itself.
#[derive(Debug)]
pub(super) struct PluginDescription {
    pub contract: String,
    pub kind: String,
    /// Bytes of the component that was made of the file.
    pub component_size: u64,
    pub imports: Vec<Import>,
    pub exports: Vec<String>,
}

/// How long a compiler took, or why it declined.
pub(super) type Compiled = Result<Duration, String>;

/// Many calls of one function.
#[derive(Debug)]
pub(super) struct Calls {
    pub hook: Hook,
    pub tier: Tier,
    pub count: usize,
    pub median: Duration,
}
