//! Code that was made already, as a version under what the configuration says now.

use std::path::Path;

use super::current::is_so;
use super::error::PluginError;
use super::files::settings_schema;
use super::{PreparedFile, Untried, Workbench, allowed};
use crate::config::PluginConfig;
use crate::plugin::kind::Guest;

impl Workbench {
    /// The version that serves, whatever its file holds, for what the configuration and the schema's file say now.
    pub(super) fn prepare_pinned(
        &self,
        pin: &Guest,
        serving: Option<&Guest>,
        schema: Option<&Path>,
        config: PluginConfig,
    ) -> Result<PreparedFile<Untried>, PluginError> {
        let untried = self.again(pin, schema, config)?;
        let version = untried.guest.version();
        let goes_on = |guest: &Guest| {
            guest.version().hash == version.hash
                && is_so(guest, &version.config, version.schema.as_ref())
        };
        Ok(match serving.is_some_and(goes_on) {
            true => PreparedFile::Unchanged,
            false => PreparedFile::Ready(untried),
        })
    }

    /// The code of a version that served, as a version under this configuration. Without a file for the schema of its settings it
    /// keeps the one that it had.
    ///
    /// # Errors
    /// When its settings don't fit, or it is not granted what it imports.
    pub fn again(
        &self,
        guest: &Guest,
        schema: Option<&Path>,
        config: PluginConfig,
    ) -> Result<Untried, PluginError> {
        let old = guest.version();
        if let Guest::Around(component) = guest
            && !config.standard
        {
            return Err(PluginError::StandardOff(component.world()));
        }
        let schema = match schema {
            Some(_) => settings_schema(&[], schema)?,
            None => old.schema.clone(),
        };
        let version = self.version(&old.name, old.hash, config, schema)?;
        version.check_settings()?;
        let guest = allowed(guest.again(version))?;
        Ok(Untried {
            guest,
            improve: None,
        })
    }
}
