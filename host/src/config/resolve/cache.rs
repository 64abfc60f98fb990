//! Where compiled plugins are kept: the table `[cache]`.

use std::path::Path;

use toml::de::DeValue;

use super::layers::Layers;
use crate::config::file::{Scalar, TomlTable, Value};
use crate::config::{CacheConfig, DEFAULT_CACHE_BYTES, Place, units};

impl Layers<'_> {
    pub(super) fn cache(&self, file: Option<TomlTable<'_>>, base: &Path) -> CacheConfig {
        let (mut off_in_file, mut dir, mut max_size) = (false, None, None);
        if let Some(mut table) = file {
            let value = table.take("dir");
            off_in_file = value
                .as_ref()
                .is_some_and(|value| value.value.as_bool() == Some(false));
            dir = value.filter(|_| !off_in_file).and_then(directory);
            max_size = table.text_or_number("max-size");
            table.finish(&[]);
        }
        let dir = self.path(
            "cache-dir",
            self.args.cache_dir.as_deref(),
            dir.map(|entry| (entry, base)),
        );
        let off_in_env = self
            .variable("no-cache")
            .and_then(|v| self.utf8(v)?.read(self.mistakes, units::boolean));
        let off = match &dir {
            _ if self.args.no_cache => true,
            Some((_, Place::Flag { .. })) => false,
            Some(_) => off_in_env == Some(true),
            None => off_in_env.unwrap_or(off_in_file),
        };
        let max_bytes = max_size.and_then(|entry| entry.read(self.mistakes, units::size));
        let dir = dir.map(|(dir, _)| dir);
        let default = || self.base_directory("XDG_CACHE_HOME", ".cache");
        let dir = dir.or_else(|| default().map(|cache| cache.join("tollgate")));
        CacheConfig {
            homeless: dir.is_none() && !off,
            dir: dir.filter(|_| !off),
            max_bytes: max_bytes.unwrap_or(DEFAULT_CACHE_BYTES),
        }
    }
}

fn directory(value: Value<'_>) -> Option<Scalar> {
    match value.value {
        DeValue::String(_) => value.text(),
        _ => value.wrong("a string, or false for no cache"),
    }
}
