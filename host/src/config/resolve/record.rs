//! What is recorded of exchanges: the table `[record]`.

use super::layers::Layers;
use crate::config::file::{Scalar, TomlTable};
use crate::config::units;
use crate::record::RecordConfig;

impl Layers<'_> {
    /// Recording is on where there is somebody to look at it, unless the file says otherwise.
    pub(super) fn record(&self, file: Option<TomlTable<'_>>, has_admin: bool) -> RecordConfig {
        let mut config = RecordConfig {
            enabled: has_admin,
            ..RecordConfig::default()
        };
        let Some(mut table) = file else {
            return config;
        };
        if let Some(enabled) = table.boolean("enabled") {
            config.enabled = enabled;
        }
        self.set(&mut config.exchanges, table.number("exchanges"), |text| {
            let count = units::count(text)?;
            Ok(usize::try_from(count).unwrap_or(usize::MAX))
        });
        let bytes = table.text_or_number("bytes");
        self.set(&mut config.bytes, bytes, units::size);
        let body = table.text_or_number("body");
        self.set(&mut config.body, body, units::bytes);
        if let Some(defaults) = table.boolean("mask-defaults") {
            config.mask_defaults = defaults;
        }
        let texts = |list: Option<Vec<Scalar>>| {
            let list = list.unwrap_or_default().into_iter();
            list.map(|name| name.text).collect()
        };
        config.mask_fields = texts(table.list("mask-fields", "names of fields"));
        config.mask_keys = texts(table.list("mask-keys", "names of keys"));
        table.finish(&[]);
        config
    }
}
