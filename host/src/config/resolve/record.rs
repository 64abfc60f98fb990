//! What is recorded of exchanges: the table `[record]`.

use std::path::Path;

use super::layers::Layers;
use crate::config::file::{Scalar, TomlTable};
use crate::config::units;
use crate::record::RecordConfig;
use crate::record::tape::TapeConfig;

impl Layers<'_> {
    /// Recording is on where there is somebody to look at it or a tape, unless the file says otherwise. A tape that was asked for by
    /// flag or variable has the last word.
    pub(super) fn record(
        &self,
        file: Option<TomlTable<'_>>,
        base: &Path,
        has_admin: bool,
    ) -> RecordConfig {
        let mut config = RecordConfig::default();
        let mut file = file;
        let in_file = file.as_mut().and_then(|table| table.text("tape"));
        let path = self.path(
            "record",
            self.args.record.as_deref(),
            in_file.map(|entry| (entry, base)),
        );
        let is_asked_for = self.args.record.is_some() || self.variable("record").is_some();
        config.tape = path.map(|(path, _)| TapeConfig::new(path));
        config.enabled = has_admin || config.tape.is_some();
        let Some(mut table) = file else {
            return config;
        };
        if let Some(enabled) = table.boolean("enabled") {
            config.enabled = enabled || is_asked_for;
        }
        self.tape(&mut table, &mut config);
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

    /// How large and old a tape gets, and what is kept of older ones.
    fn tape(&self, table: &mut TomlTable<'_>, config: &mut RecordConfig) {
        let mut keys = TapeConfig::new("");
        let size = table.text_or_number("tape-size");
        self.set(&mut keys.max_bytes, size, units::size);
        let age = table.text("tape-age");
        self.set(&mut keys.max_age, age, units::age);
        let files = table.number("tape-files");
        self.set(&mut keys.files, files, |text| {
            let count = text.parse().ok().filter(|count| *count <= 1000);
            count.ok_or_else(|| "expected a number from 0 to 1000".to_owned())
        });
        let tape = config.tape.take().filter(|_| config.enabled);
        config.tape = tape.map(|tape| TapeConfig {
            path: tape.path,
            ..keys
        });
    }
}
