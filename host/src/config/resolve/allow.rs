//! What a plugin may reach: the table `allow` of a plugin.

use std::collections::BTreeSet;

use toml::de::DeValue;

use super::layers::Layers;
use crate::config::file::{Mistakes, Scalar, TomlTable, Value};
use crate::config::{AllowKeys, Bucket};
use crate::config::{check_plugin_name, nearest_name};
use crate::outbound;

impl Layers<'_> {
    /// `known` are the names of the backends, where they are known.
    pub(super) fn allow(
        &self,
        mut table: TomlTable<'_>,
        known: Option<&BTreeSet<String>>,
    ) -> AllowKeys {
        let backends = table.list("backends", "names of [backends]");
        let environment = table.list("environment", "names of environment variables");
        let http = table.list("http", "URLs such as https://api.example.com/v1");
        let ranges = table.list("http-private", "ranges of addresses such as 10.0.0.0/8");
        let state = table.take("state");
        table.finish(&[]);
        AllowKeys {
            state: state.map(|value| bucket(value, self.mistakes)),
            http: http.map(|list| self.each(list, outbound::Destination::parse)),
            http_private: ranges.map(|list| self.each(list, outbound::AddressRange::parse)),
            environment: environment.map(|list| self.each(list, variable)),
            backends: backends.map(|list| self.each(list, |name| backend(name, known))),
        }
    }

    fn each<T>(&self, list: Vec<Scalar>, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let read = |entry: Scalar| entry.read(self.mistakes, &parse);
        list.into_iter().filter_map(read).collect()
    }
}

/// The name of a backend.
fn backend(name: &str, known: Option<&BTreeSet<String>>) -> Result<String, String> {
    match known {
        Some(known) if !known.contains(name) => {
            let meant = nearest_name(name, known.iter().map(String::as_str));
            Err(match meant {
                Some(meant) => format!("unknown backend; did you mean {meant:?}?"),
                None => "unknown backend; expected a name of [backends]".to_owned(),
            })
        }
        _ => Ok(name.to_owned()),
    }
}

/// `true`, or the name of a bucket that several plugins share.
fn bucket(value: Value<'_>, mistakes: &Mistakes) -> Option<Bucket> {
    match value.value {
        DeValue::Boolean(granted) => granted.then_some(Bucket::Own),
        DeValue::String(_) => {
            let name = value.text()?;
            let shaped = |text: &str| {
                match check_plugin_name(text) {
                Ok(()) => Ok(Bucket::Shared(text.to_owned())),
                Err(_) => Err(
                    "the name of a shared bucket has 1 to 64 letters, digits, `-`, `_` or `.` and begins with a letter or digit"
                        .to_owned(),
                ),
            }
            };
            name.read(mistakes, shaped)
        }
        _ => value.wrong("true, or the name of a bucket that plugins share"),
    }
}

fn variable(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(['=', '\0']) {
        return Err("this is not the name of an environment variable".to_owned());
    }
    Ok(text.to_owned())
}
