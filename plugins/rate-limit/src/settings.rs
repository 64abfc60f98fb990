//! What the plugin can be told.

use std::time::Duration;

use serde::Deserialize;

use crate::bucket::Limit;

tollgate_plugin::settings_schema!("settings.schema.json", Settings);

/// The settings, ready for use.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Settings")]
pub struct RateLimit {
    pub limit: Limit,
    pub by: By,
}

/// Who has a bucket of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    All,
    Client,
    Path,
    /// Each value of this field.
    Field(String),
}

/// The settings as written.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Settings {
    /// How many requests each bucket lets through in a period.
    #[cfg_attr(test, schemars(range(min = 1)))]
    requests: u64,
    /// The length of the period.
    #[cfg_attr(test, schemars(range(min = 1)))]
    #[serde(default = "one")]
    seconds: u64,
    /// How many requests may come at once; as many as `requests` if it is not set.
    #[cfg_attr(test, schemars(range(min = 1)))]
    burst: Option<u64>,
    /// Who has a bucket: `client` (its address), `path`, `all`, or `field:NAME`.
    #[cfg_attr(test, schemars(regex(pattern = "^(client|path|all|field:.+)$")))]
    #[serde(default = "client")]
    by: String,
}

fn one() -> u64 {
    1
}

fn client() -> String {
    "client".to_owned()
}

impl TryFrom<Settings> for RateLimit {
    type Error = String;

    fn try_from(settings: Settings) -> Result<Self, String> {
        let burst = settings.burst.unwrap_or(settings.requests);
        for (name, value) in [
            ("requests", settings.requests),
            ("seconds", settings.seconds),
            ("burst", burst),
        ] {
            if value == 0 {
                return Err(format!("setting {name} is 0: expected at least 1"));
            }
        }
        let by = match settings.by.as_str() {
            "all" => By::All,
            "client" => By::Client,
            "path" => By::Path,
            other => match other.strip_prefix("field:") {
                Some(name) if !name.is_empty() => By::Field(name.to_ascii_lowercase()),
                _ => {
                    return Err(format!(
                        "setting by is {other:?}: expected client, path, all or field:NAME"
                    ));
                }
            },
        };
        Ok(Self {
            limit: Limit {
                requests: settings.requests,
                period: Duration::from_secs(settings.seconds),
                burst,
            },
            by,
        })
    }
}
