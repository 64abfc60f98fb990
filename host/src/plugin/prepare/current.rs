//! What serves while a file is prepared.

use std::sync::Arc;

use crate::config::PluginConfig;
use crate::plugin::hash::ContentHash;
use crate::plugin::kind::Guest;
use crate::plugin::schema::SettingsSchema;

/// What serves under a name.
#[derive(Debug, Default)]
pub struct Current {
    pub serving: Option<Guest>,
    /// Set when an operator has chosen an earlier version.
    pub pin: Option<Pin>,
}

/// A version that goes on for as long as the file holds what it held when the version was chosen.
#[derive(Debug)]
pub struct Pin {
    pub file: ContentHash,
    pub guest: Guest,
}

impl Current {
    /// The version that goes on if the file has this content.
    pub fn pin_against(&self, content: ContentHash) -> Option<&Guest> {
        let pin = self.pin.as_ref().filter(|pin| pin.file == content);
        pin.map(|pin| &pin.guest)
    }
}

/// Whether a version has this configuration and this schema.
pub fn is_so(guest: &Guest, config: &PluginConfig, schema: Option<&Arc<SettingsSchema>>) -> bool {
    let version = guest.version();
    let own = version.schema.as_ref();
    version.config == *config
        && own.map(|schema| schema.document()) == schema.map(|schema| schema.document())
}
