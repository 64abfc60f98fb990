//! What the plugin can be told: the names, checked for their form.

use serde::Deserialize;

use crate::names::{Names, Pair};

/// The settings, ready for use.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Settings")]
pub(crate) struct ArnRewrite {
    pub(crate) names: Names,
    /// The longest body to read as a whole, in bytes.
    pub(crate) max_body: u64,
}

/// The largest of AWS's documents that can't be swapped as they flow: forms with an e-mail of 10 MB in base64, and 10 MB of Kinesis's
/// records. It is the default of the host's limit as well.
const MOST_OF_AWS: u64 = 16 << 20;

/// The settings as written.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    account: Option<Sides>,
    region: Option<Sides>,
    partition: Option<Sides>,
    max_body: u64,
}

/// One name on both sides.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sides {
    client: String,
    backend: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            account: None,
            region: None,
            partition: None,
            max_body: MOST_OF_AWS,
        }
    }
}

impl TryFrom<Settings> for ArnRewrite {
    type Error = String;

    fn try_from(settings: Settings) -> Result<Self, String> {
        let account = checked("account", settings.account, is_account, "twelve digits")?;
        let region = checked(
            "region",
            settings.region,
            is_region,
            "a region such as us-east-1",
        )?;
        let partition = checked(
            "partition",
            settings.partition,
            is_partition,
            "a partition such as aws-cn",
        )?;
        if settings.max_body == 0 {
            return Err("setting max_body is 0: expected a number of bytes above 0".to_owned());
        }
        Ok(Self {
            names: Names {
                account,
                region,
                partition,
            },
            max_body: settings.max_body,
        })
    }
}

/// The pair, if both sides are of the form and differ.
fn checked(
    key: &str,
    sides: Option<Sides>,
    fits: fn(&str) -> bool,
    expected: &str,
) -> Result<Option<Pair>, String> {
    let Some(Sides { client, backend }) = sides else {
        return Ok(None);
    };
    for (side, name) in [("client", &client), ("backend", &backend)] {
        if !fits(name) {
            return Err(format!(
                "setting {key}.{side} is {name:?}: expected {expected}"
            ));
        }
    }
    Ok((client != backend).then_some(Pair { client, backend }))
}

fn is_account(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_region(name: &str) -> bool {
    let numbered = name
        .rsplit_once('-')
        .is_some_and(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()));
    numbered && !name.ends_with('-') && name.matches('-').count() >= 2 && is_kebab(name)
}

fn is_partition(name: &str) -> bool {
    name.starts_with("aws") && is_kebab(name)
}

fn is_kebab(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(word)
}
