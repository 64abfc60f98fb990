//! The plugins and what they may use: `plugins`, `[limits]` and `[plugin.NAME]`.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::DeValue;

use super::layers::Layers;
use super::matches;
use crate::cli::RunArgs;
use crate::config::file::{Mistakes, Scalar, TomlDocument, TomlTable, Value};
use crate::config::{ConfigErrors, PluginConfig, PluginLimits, check_plugin_name, units};

/// Keys of tables, for people who write them right into a plugin's table.
pub(super) const IN_PLUGIN_TABLES: [&str; 15] = [
    "allow.environment",
    "allow.http",
    "allow.http-private",
    "allow.state",
    "limits.deadline",
    "limits.memory",
    "limits.body",
    "limits.piece",
    "limits.max-calls",
    "limits.body-timeout",
    "limits.trial",
    "limits.file-size",
    "match.host",
    "match.path",
    "match.method",
];

/// `plugins` is the directory; `[plugins.NAME]` is what people write for `[plugin.NAME]`.
pub(super) fn directory(file: &mut TomlTable<'_>) -> Option<Scalar> {
    let value = file.take("plugins")?;
    match value.value {
        DeValue::Table(_) => {
            value.wrong("a string, the directory; the table of one plugin is [plugin.NAME]")
        }
        _ => value.text(),
    }
}

/// The settings of a plugin that stand for themselves, as they would stand under `[plugin.NAME.settings]`; the path is
/// for messages alone.
///
/// # Errors
/// All mistakes, with their lines.
pub fn settings(path: &Path, text: &str) -> Result<Vec<(String, String)>, ConfigErrors> {
    let mistakes = Mistakes::default();
    let settings = texts(&TomlDocument::parse(path, text, &mistakes).root());
    mistakes.or(settings)
}

/// Limits in a document that is not the configuration, with the keys of `[limits]`; what isn't said is as in `base`.
pub(crate) fn read_limits(
    table: TomlTable<'_>,
    base: PluginLimits,
    mistakes: &Mistakes,
) -> PluginLimits {
    let layers = Layers {
        args: &RunArgs::default(),
        env: &|_| None,
        mistakes,
    };
    layers.limits(Some(table), base)
}

impl Layers<'_> {
    pub(super) fn limits(&self, file: Option<TomlTable<'_>>, base: PluginLimits) -> PluginLimits {
        let mut limits = base;
        let Some(mut table) = file else { return limits };
        let deadline = table.text("deadline");
        self.set(&mut limits.deadline, deadline, units::time_above_zero);
        let memory = table.text_or_number("memory");
        self.set(&mut limits.memory, memory, units::memory);
        self.set(&mut limits.body, table.text_or_number("body"), units::size);
        self.set(
            &mut limits.piece,
            table.text_or_number("piece"),
            units::size,
        );
        let max_calls = table.number("max-calls");
        self.set(&mut limits.max_calls, max_calls, units::count);
        let body_timeout = table.text("body-timeout");
        self.set(
            &mut limits.body_timeout,
            body_timeout,
            units::time_above_zero,
        );
        let trial = table.text("trial");
        self.set(&mut limits.trial, trial, units::time_above_zero);
        let file_size = table.text_or_number("file-size");
        self.set(&mut limits.file_size, file_size, units::size);
        table.finish(&[]);
        limits
    }

    pub(super) fn plugins(
        &self,
        table: &TomlTable<'_>,
        defaults: PluginLimits,
    ) -> BTreeMap<String, PluginConfig> {
        let plugin = |(name, value): (&str, Value<'_>)| {
            if let Err(problem) = check_plugin_name(name) {
                let place = value.place.clone().without_value();
                self.mistakes.add(place, problem.to_string());
            }
            Some((name.to_owned(), self.plugin(value.table()?, defaults)))
        };
        table.values().filter_map(plugin).collect()
    }

    fn plugin(&self, mut table: TomlTable<'_>, defaults: PluginLimits) -> PluginConfig {
        let mut plugin = PluginConfig::new(self.limits(table.table("limits"), defaults));
        plugin.enabled = table.boolean("enabled").unwrap_or(plugin.enabled);
        plugin.required = table.boolean("required").unwrap_or(plugin.required);
        self.set(&mut plugin.order, table.number("order"), units::order);
        let on_failure = table.text("on-failure");
        self.set(&mut plugin.on_failure, on_failure, units::on_failure);
        if let Some(settings) = table.table("settings") {
            plugin.settings = texts(&settings);
        }
        if let Some(table) = table.table("allow") {
            plugin.allow = self.allow(table);
        }
        if let Some(value) = table.take("match") {
            plugin.matches = matches::read(value, self.mistakes);
        }
        table.finish(&IN_PLUGIN_TABLES);
        plugin
    }
}

/// The settings in a table: a string as it is, any other value as JSON text.
pub(crate) fn texts(table: &TomlTable<'_>) -> Vec<(String, String)> {
    table
        .values()
        .filter_map(|(name, value)| Some((name.to_owned(), value.setting()?)))
        .collect()
}
