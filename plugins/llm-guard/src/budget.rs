//! Budgets of tokens: how much each key may use in a period.
//!
//! What a request has used is added to counters in the plugin's state: an estimate when its answer begins, more while that
//! streams, and what the answer reports when it ends. So a client that leaves before the end has paid for all but the last
//! few hundred tokens. Counters are for one period and expire with it.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use tollgate_plugin::{Request, Result, exchange, state};

use std::collections::BTreeMap;
use std::time::Duration;

/// What stands for the key of requests without one.
const NOBODY: &str = "none";

/// How long a counter stays behind its period, for answers that are under way then, in seconds.
const LONGER: u64 = 3_600;

/// The table `budget` of the settings, ready for use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    pub tokens: u64,
    /// The length of a period. Periods begin at multiples of it since 1970.
    pub seconds: u64,
    pub by: By,
    pub counts: Counts,
    pub streams: Streams,
    /// Budgets of single keys, by the hash of the key.
    of: BTreeMap<String, u64>,
}

/// Who has a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// Each API key.
    Key,
    /// Each value of this field.
    Field(String),
    /// Each address of a client.
    Client,
    /// All together.
    All,
}

/// Which tokens count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Counts {
    #[default]
    All,
    Input,
    Output,
}

/// What becomes of a stream that goes beyond the budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Streams {
    /// It goes on; the next request is refused.
    #[default]
    Finish,
    Halt,
}

/// The table as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    tokens: u64,
    #[serde(default = "day")]
    seconds: u64,
    #[serde(default = "by_key")]
    by: String,
    #[serde(default)]
    counts: Counts,
    #[serde(default)]
    streams: Streams,
    #[serde(default)]
    of: BTreeMap<String, u64>,
}

fn day() -> u64 {
    86_400
}

fn by_key() -> String {
    "key".to_owned()
}

impl TryFrom<Written> for Budget {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let by = match written.by.as_str() {
            "key" => By::Key,
            "client" => By::Client,
            "all" => By::All,
            other => match other.strip_prefix("field:") {
                Some(name) if !name.is_empty() => By::Field(name.to_ascii_lowercase()),
                _ => {
                    return Err(format!(
                        "setting budget: by is {other:?}, expected key, client, all or field:NAME"
                    ));
                }
            },
        };
        if written.tokens == 0 || written.seconds == 0 {
            return Err("setting budget: tokens and seconds must be at least 1".to_owned());
        }
        let of = written.of.into_iter();
        Ok(Self {
            tokens: written.tokens,
            seconds: written.seconds,
            by,
            counts: written.counts,
            streams: written.streams,
            of: of.map(|(key, tokens)| (hash(&key), tokens)).collect(),
        })
    }
}

/// So much of a hash that no two keys have it in common; the key itself is kept nowhere.
fn hash(key: &str) -> String {
    let digest = Sha256::digest(key);
    digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl Budget {
    /// Who pays for a request. More than one, if it has several keys: which of them the backend looks at is not known here.
    pub fn payers(&self, request: &Request) -> Vec<String> {
        let mut keys: Vec<String> = match &self.by {
            By::All => vec!["all".to_owned()],
            By::Client => {
                let peer = exchange::client_address();
                // Without the port: each connection has another one.
                let address = peer
                    .rsplit_once(':')
                    .map_or(peer.as_str(), |(address, _)| address);
                vec![hash(address)]
            }
            By::Field(name) => request
                .field_values(name)
                .iter()
                .map(|value| hash(value.text().trim()))
                .collect(),
            By::Key => ["authorization", "x-api-key", "api-key"]
                .iter()
                .flat_map(|name| request.field_values(name))
                .map(|value| hash(bare_key(&value.text())))
                .collect(),
        };
        keys.sort();
        keys.dedup();
        if keys.is_empty() {
            keys.push(NOBODY.to_owned());
        }
        keys
    }

    fn limit(&self, payer: &str) -> u64 {
        self.of.get(payer).copied().unwrap_or(self.tokens)
    }

    /// Begins to count a request. None if a budget is used up: then so many seconds are left of the period. `now` is in
    /// milliseconds since 1970, `input` is the estimate for the prompt.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn begin(
        &self,
        payers: Vec<String>,
        input: u64,
        now: u64,
    ) -> Result<std::result::Result<Meter, u64>> {
        let seconds = now / 1000;
        let period = seconds / self.seconds;
        let left = (period + 1) * self.seconds - seconds;
        for payer in &payers {
            if read(&key(period, payer))? >= i64::try_from(self.limit(payer)).unwrap_or(i64::MAX) {
                return Ok(Err(left));
            }
        }
        Ok(Ok(Meter {
            payers,
            period,
            left,
            input,
            charged: 0,
        }))
    }

    /// Of the tokens of an answer, those that count.
    fn counted(&self, input: u64, output: u64) -> u64 {
        match self.counts {
            Counts::All => input + output,
            Counts::Input => input,
            Counts::Output => output,
        }
    }

    /// After how many tokens a stream pays again.
    fn step(&self) -> u64 {
        (self.tokens / 100).clamp(16, 500)
    }
}

/// An API key as clients write it: with a scheme before it, in whichever letters, or without.
fn bare_key(value: &str) -> &str {
    let value = value.trim();
    match value.split_once([' ', '\t']) {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim(),
        _ => value,
    }
}

fn key(period: u64, payer: &str) -> String {
    format!("budget {period} {payer}")
}

fn read(key: &str) -> Result<i64> {
    let value = state::get(key)?;
    let number = value.and_then(|value| std::str::from_utf8(&value).ok()?.parse().ok());
    Ok(number.unwrap_or(0))
}

/// What one request pays, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    payers: Vec<String>,
    period: u64,
    /// Seconds until the period ends, when the request began.
    left: u64,
    /// The estimate for the prompt.
    pub input: u64,
    charged: u64,
}

impl Meter {
    /// Pays for what the answer has used so far, if that is enough to be worth it. True if a budget is used up.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn pay_on(&mut self, budget: &Budget, input: Option<u64>, output: u64) -> Result<bool> {
        let used = budget.counted(input.unwrap_or(self.input), output);
        if used < self.charged + budget.step() {
            return Ok(false);
        }
        self.pay(budget, used)
    }

    /// Pays for the whole answer.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn settle(&mut self, budget: &Budget, input: Option<u64>, output: u64) -> Result<()> {
        let used = budget.counted(input.unwrap_or(self.input), output);
        if used != self.charged {
            self.pay(budget, used)?;
        }
        Ok(())
    }

    fn pay(&mut self, budget: &Budget, used: u64) -> Result<bool> {
        let number = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
        let more = number(used) - number(self.charged);
        let ttl = Duration::from_secs(self.left + LONGER);
        let mut is_used_up = false;
        for payer in &self.payers {
            let sum = state::increment_for(&key(self.period, payer), more, ttl)?;
            is_used_up |= sum > number(budget.limit(payer));
        }
        self.charged = used;
        Ok(is_used_up)
    }

    /// As a note of the exchange, which the hooks for its answer read.
    pub fn note(&self) -> String {
        format!(
            "{} {} {} {}",
            self.period,
            self.left,
            self.input,
            self.payers.join(" ")
        )
    }

    pub fn from_note(note: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(note).ok()?.split(' ');
        let mut number = || words.next()?.parse().ok();
        Some(Self {
            period: number()?,
            left: number()?,
            input: number()?,
            payers: words.map(str::to_owned).collect(),
            charged: 0,
        })
    }
}
