//! The rules in `match` of a plugin's table.

use toml::de::DeValue;

use crate::config::MatchKey;
use crate::config::file::{Mistakes, Scalar, TomlTable, Value};
use crate::matching::{MatchRule, method};

/// The rules of a file's `match`: one table, or a list of them.
pub(super) fn read(value: Value<'_>, mistakes: &Mistakes) -> Option<MatchKey> {
    match value.value {
        DeValue::Array(items) if items.is_empty() => {
            value.wrong("at least one rule; enabled = false switches a plugin off")
        }
        DeValue::Array(_) => {
            let items = value.items();
            let rules = items.filter_map(|item| rule(item.table()?, mistakes));
            Some(MatchKey::List(rules.collect()))
        }
        DeValue::Table(_) => rule(value.table()?, mistakes).map(MatchKey::Table),
        _ => value.wrong("a table with host, path or method, or a list of such"),
    }
}

fn rule(mut table: TomlTable<'_>, mistakes: &Mistakes) -> Option<MatchRule> {
    if table.is_empty() {
        return table.wrong("expected at least one of host, path and method");
    }
    let rule = MatchRule {
        host: table
            .text("host")
            .and_then(|entry| entry.read(mistakes, str::parse)),
        path: table
            .text("path")
            .and_then(|entry| entry.read(mistakes, str::parse)),
        methods: table
            .take("method")
            .map(methods)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.read(mistakes, method))
            .collect(),
    };
    table.finish(&[]);
    Some(rule)
}

fn methods(value: Value<'_>) -> Vec<Scalar> {
    match value.value {
        DeValue::Array(items) if items.is_empty() => {
            value.wrong("at least one method").into_iter().collect()
        }
        DeValue::Array(_) => value.items().filter_map(Value::text).collect(),
        _ => value.text().into_iter().collect(),
    }
}
