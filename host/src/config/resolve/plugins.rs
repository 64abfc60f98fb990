//! The plugins and what they may use: `plugins`, `[limits]` and `[plugin.NAME]`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use toml::de::DeValue;

use super::layers::Layers;
use super::matches;
use crate::cli::RunArgs;
use crate::config::file::{Mistakes, Scalar, TomlDocument, TomlTable, Value};
use crate::config::{
    AllowKeys, ConfigErrors, LimitKeys, PluginKeys, PluginLimits, Settings, check_plugin_name,
    units,
};

/// Keys of tables, for people who write them right into a plugin's table.
pub(super) const IN_PLUGIN_TABLES: [&str; 17] = [
    "allow.backends",
    "allow.environment",
    "allow.http",
    "allow.http-private",
    "allow.state",
    "background.every",
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
pub fn settings(path: &Path, text: &str) -> Result<Settings, ConfigErrors> {
    let mistakes = Mistakes::default();
    let settings = settings_in(&TomlDocument::parse(path, text, &mistakes).root());
    mistakes.or(settings)
}

/// What a file beside a plugin says of it: the keys of `[plugin.NAME]`, without that table. The path is for messages alone.
/// `backends` are the names that it may grant; none if nobody knows them.
///
/// # Errors
/// All mistakes, with their lines.
pub fn plugin_file(
    path: &Path,
    text: &str,
    backends: Option<&BTreeSet<String>>,
) -> Result<PluginKeys, ConfigErrors> {
    let mistakes = Mistakes::default();
    let document = TomlDocument::parse(path, text, &mistakes);
    let root = document.root();
    let table = root.values().find(|(name, _)| *name == "plugin");
    let keys = match table {
        Some((_, table)) => {
            let problem = "unknown key; in this file the keys of [plugin.NAME] stand without that table: `order = 1`, `[settings]`";
            mistakes.add(table.place.without_value(), problem);
            PluginKeys::default()
        }
        None => file_alone(&mistakes).plugin(root, backends),
    };
    drop(document);
    mistakes.or(keys)
}

/// Limits in a document that is not the configuration, with the keys of `[limits]`; what isn't said is as in `base`.
pub(crate) fn read_limits(
    table: TomlTable<'_>,
    base: PluginLimits,
    mistakes: &Mistakes,
) -> PluginLimits {
    file_alone(mistakes).limits(Some(table)).limits(base)
}

/// No layers above the file.
fn file_alone(mistakes: &Mistakes) -> Layers<'_> {
    static NO_FLAGS: LazyLock<RunArgs> = LazyLock::new(RunArgs::default);
    Layers {
        args: &NO_FLAGS,
        env: &|_| None,
        mistakes,
    }
}

impl Layers<'_> {
    pub(super) fn limits(&self, file: Option<TomlTable<'_>>) -> LimitKeys {
        let Some(mut table) = file else {
            return LimitKeys::default();
        };
        let limits = LimitKeys {
            deadline: self.said(table.text("deadline"), units::time_above_zero),
            memory: self.said(table.text_or_number("memory"), units::memory),
            body: self.said(table.text_or_number("body"), units::size),
            piece: self.said(table.text_or_number("piece"), units::size),
            max_calls: self.said(table.number("max-calls"), units::count),
            body_timeout: self.said(table.text("body-timeout"), units::time_above_zero),
            trial: self.said(table.text("trial"), units::time_above_zero),
            file_size: self.said(table.text_or_number("file-size"), units::size),
        };
        table.finish(&[]);
        limits
    }

    fn background(&self, mut table: TomlTable<'_>) -> Option<Duration> {
        let every = self.said(table.text("every"), units::background);
        table.finish(&[]);
        every
    }

    /// `backends` are the names of the backends.
    pub(super) fn plugins(
        &self,
        table: &TomlTable<'_>,
        backends: &BTreeSet<String>,
    ) -> BTreeMap<String, PluginKeys> {
        let plugin = |(name, value): (&str, Value<'_>)| {
            if let Err(problem) = check_plugin_name(name) {
                let place = value.place.clone().without_value();
                self.mistakes.add(place, problem.to_string());
            }
            Some((name.to_owned(), self.plugin(value.table()?, Some(backends))))
        };
        table.values().filter_map(plugin).collect()
    }

    fn plugin(&self, mut table: TomlTable<'_>, backends: Option<&BTreeSet<String>>) -> PluginKeys {
        let settings = |table: &mut TomlTable<'_>| Some(settings_in(&table.table("settings")?));
        let keys = PluginKeys {
            limits: self.limits(table.table("limits")),
            enabled: table.boolean("enabled"),
            required: table.boolean("required"),
            order: self.said(table.number("order"), units::order),
            on_failure: self.said(table.text("on-failure"), units::on_failure),
            settings: settings(&mut table).unwrap_or_default(),
            allow: match table.table("allow") {
                Some(table) => self.allow(table, backends),
                None => AllowKeys::default(),
            },
            background_every: match table.table("background") {
                Some(table) => self.background(table),
                None => None,
            },
            matches: table
                .take("match")
                .and_then(|value| matches::read(value, self.mistakes)),
        };
        table.finish(&IN_PLUGIN_TABLES);
        keys
    }
}

/// The settings in a table.
pub(crate) fn settings_in(table: &TomlTable<'_>) -> Settings {
    let settings = table.values();
    let settings = settings.filter_map(|(name, value)| Some((name.to_owned(), value.setting()?)));
    settings.collect()
}
