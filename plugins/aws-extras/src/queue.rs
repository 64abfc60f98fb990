//! What is to be sent, kept in the state until it was delivered or given up: at least once, and in no fixed order.
//!
//! An entry is removed when its receiver has answered. If the process ends between the two, it is sent again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tollgate_plugin::client::{IncomingResponse, OutgoingRequest, SendError};
use tollgate_plugin::metrics::{self, Counter};
use tollgate_plugin::{Result, client, clocks, info, random, state, warn};

const PREFIX: &str = "q/";

/// Entries that one tick sends at most. A call of a hook may send 50 requests.
const AT_ONCE: u32 = 20;

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long an entry is in the hands of one host.
const CLAIM: Duration = Duration::from_secs(30);

/// How long an entry is kept that cannot be delivered, because nothing works it off.
const KEPT: Duration = Duration::from_secs(86_400);

/// Messages for other receivers, by what became of them.
const DELIVERIES: Counter<'static> = metrics::counter("deliveries");

/// Limits of the queue.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Entries that wait at most; what comes then is dropped.
    pub length: u32,
    /// How often an entry is sent again.
    pub retries: u32,
}

/// A request that is to be sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// What it is, for the log.
    pub what: String,
    pub url: String,
    pub fields: Vec<(String, String)>,
    pub body: String,
    /// How often it was sent.
    #[serde(default)]
    pub sent: u32,
}

impl Entry {
    /// A `POST`.
    pub fn new(what: &str, url: &str, fields: &[(&str, &str)], body: String) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let fields = fields.iter().map(owned).collect();
        Self {
            what: what.to_owned(),
            url: url.to_owned(),
            fields,
            body,
            sent: 0,
        }
    }

    fn request(&self) -> OutgoingRequest {
        let request = client::request("POST", &self.url).timeout(TIMEOUT);
        let request =
            (self.fields.iter()).fold(request, |request, (name, value)| request.field(name, value));
        request.body(self.body.as_str())
    }
}

/// Puts entries into the queue. Those that have no room are dropped, with a line in the log.
pub fn put(entries: &[Entry], limits: Limits) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let waiting = state::keys(PREFIX, None, limits.length)?.len();
    let room = (limits.length as usize).saturating_sub(waiting);
    let (fitting, dropped) = entries.split_at(room.min(entries.len()));
    let now = clocks::unix_ms();
    for entry in fitting {
        write(entry, now)?;
    }
    if let Some(entry) = dropped.first() {
        let (count, what, url) = (dropped.len(), &entry.what, &entry.url);
        warn!(
            "dropped {count} messages, first {what} for {url}: {} wait already",
            limits.length
        );
        DELIVERIES.add(
            u32::try_from(count).unwrap_or(u32::MAX),
            &[("outcome", "dropped")],
        );
    }
    Ok(())
}

fn write(entry: &Entry, due: u64) -> Result<()> {
    let key = format!("{PREFIX}{due:013}/{:016x}", random::u64());
    state::set_for(&key, serde_json::to_vec(entry)?, KEPT)?;
    Ok(())
}

/// Sends what is due.
pub fn work(limits: Limits) -> Result<()> {
    let now = clocks::unix_ms();
    let mut keys = state::keys(PREFIX, None, AT_ONCE)?;
    keys.retain(|key| due(key).is_none_or(|due| due <= now));
    let mut entries = Vec::new();
    for key in keys {
        // Of several hosts that share the state, one sends it.
        if !state::compare_and_swap_for(&claim(&key), None, Some(b"1"), CLAIM)? {
            continue;
        }
        let value = state::get(&key)?;
        match value.and_then(|value| serde_json::from_slice::<Entry>(&value).ok()) {
            Some(entry) => entries.push((key, entry)),
            None => {
                state::delete(&key)?;
                state::delete(&claim(&key))?;
            }
        }
    }
    if entries.is_empty() {
        return Ok(());
    }
    let answers = client::send_all(entries.iter().map(|(_, entry)| entry.request()).collect());
    for ((key, mut entry), answer) in entries.into_iter().zip(answers) {
        let outcome = outcome(&answer);
        entry.sent += 1;
        let again = outcome == Outcome::Later && entry.sent <= limits.retries;
        if again {
            // First the new one: what happens in between must not lose it.
            write(&entry, now + pause(entry.sent))?;
        } else if outcome != Outcome::Done {
            let (what, url, times) = (&entry.what, &entry.url, entry.sent);
            warn!(
                "gave up {what} for {url}, sent {times} times: {}",
                reason(&answer)
            );
        }
        state::delete(&key)?;
        state::delete(&claim(&key))?;
        tell(&entry, outcome, again);
    }
    Ok(())
}

fn tell(entry: &Entry, outcome: Outcome, again: bool) {
    let label = match outcome {
        Outcome::Done => "delivered",
        _ if again => "failed",
        _ => "given-up",
    };
    DELIVERIES.add(1, &[("outcome", label)]);
    if outcome == Outcome::Done {
        info!("delivered {} to {}", entry.what, entry.url);
    }
}

/// The key that says that an entry is being sent.
fn claim(key: &str) -> String {
    format!("c/{key}")
}

/// When an entry is due, by its key.
fn due(key: &str) -> Option<u64> {
    key.strip_prefix(PREFIX)?.split('/').next()?.parse().ok()
}

/// Milliseconds until it is sent again: 1 s, 2 s, 4 s, … one minute.
fn pause(sent: u32) -> u64 {
    1000_u64
        .saturating_mul(1 << sent.saturating_sub(1).min(10))
        .min(60_000)
}

/// What an answer means for an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    Later,
    Never,
}

fn outcome(answer: &Result<IncomingResponse, SendError>) -> Outcome {
    match answer {
        Ok(answer) => match answer.status {
            200..300 => Outcome::Done,
            408 | 429 | 500..600 => Outcome::Later,
            _ => Outcome::Never,
        },
        Err(SendError::Denied(_) | SendError::InvalidRequest(_) | SendError::TooLarge(_)) => {
            Outcome::Never
        }
        Err(_) => Outcome::Later,
    }
}

fn reason(answer: &Result<IncomingResponse, SendError>) -> String {
    match answer {
        Ok(answer) => format!("the answer was {}", answer.status),
        Err(error) => error.to_string(),
    }
}
