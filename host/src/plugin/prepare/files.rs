//! The files that a version is made of.

use std::path::Path;
use std::sync::Arc;

use super::error::PluginError;
use crate::plugin::load;
use crate::plugin::schema::SettingsSchema;

/// What a version is made of.
#[derive(Debug, Clone, Copy)]
pub struct CodeFiles<'a> {
    pub code: &'a Path,
    /// The schema of its settings, if there is a file for that.
    pub schema: Option<&'a Path>,
}

/// What the settings of a plugin with this content must be like: as a file says, if there is one, or a section of its own.
///
/// # Errors
/// When it is of no use.
pub fn settings_schema(
    bytes: &[u8],
    file: Option<&Path>,
) -> Result<Option<Arc<SettingsSchema>>, PluginError> {
    let section = match file {
        Some(_) => None,
        None => load::settings_schema(bytes)?,
    };
    let schema = SettingsSchema::of(file, section.as_deref())?;
    Ok(schema.map(Arc::new))
}
