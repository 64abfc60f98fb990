//! What a plugin may reach: the table `allow` of a plugin.

use toml::de::DeValue;

use super::layers::Layers;
use crate::config::check_plugin_name;
use crate::config::file::{Mistakes, Scalar, TomlTable, Value};
use crate::config::{Allow, Bucket};
use crate::outbound;

impl Layers<'_> {
    pub(super) fn allow(&self, mut table: TomlTable<'_>) -> Allow {
        let names = table.list("environment", "names of environment variables");
        let http = self.destinations_of_calls(&mut table);
        let allow = Allow {
            state: table
                .take("state")
                .and_then(|value| bucket(value, self.mistakes)),
            http,
            environment: names
                .into_iter()
                .flatten()
                .filter_map(|entry| entry.read(self.mistakes, variable))
                .collect(),
        };
        table.finish(&[]);
        allow
    }

    /// Where a plugin may send requests: `http`, and ranges of private addresses that names may lead to, `http-private`.
    fn destinations_of_calls(&self, table: &mut TomlTable<'_>) -> Option<outbound::Allow> {
        let destinations = table.list("http", "URLs such as https://api.example.com/v1");
        let ranges = table.list("http-private", "ranges of addresses such as 10.0.0.0/8");
        let read = |entry: Scalar| entry.read(self.mistakes, outbound::Destination::parse);
        let destinations = destinations.map(|all| all.into_iter().filter_map(read).collect());
        let range = |entry: Scalar| entry.read(self.mistakes, outbound::AddressRange::parse);
        let ranges = ranges.into_iter().flatten().filter_map(range).collect();
        destinations.map(|destinations| outbound::Allow::new(destinations, ranges))
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
