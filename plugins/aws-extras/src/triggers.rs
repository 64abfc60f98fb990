//! Streams of DynamoDB call functions: records are read in the background, and a Lambda endpoint is invoked with batches of them.
//!
//! A batch is worked off when the function has answered without an error. If the process ends before that is noted, the function gets
//! the batch again.

mod calls;
mod fixed;
mod mappings;
mod shards;

use std::time::Duration;

use serde_json::{Value, json};
use tollgate_plugin::client::IncomingResponse;
use tollgate_plugin::metrics::{self, Counter};
use tollgate_plugin::{Request, Response, Result, Verdict, client, clocks, state, url, warn};

use crate::call;
pub use fixed::Fixed;
use mappings::Mapping;
use shards::Checkpoint;

/// Batches that one tick works off at most. Each takes up to three requests, and a call of a hook may send 50.
const AT_ONCE: usize = 6;

/// Until the next look at a shard without records, and at a stream that cannot be read.
const PAUSE: u64 = 1000;

/// How long a mapping is in the hands of one host, if several share the state.
const TURN: Duration = Duration::from_secs(60);

/// Batches for functions, by what became of them.
const BATCHES: Counter<'static> = metrics::counter("batches");

/// How it is set up.
#[derive(Clone, Debug)]
pub struct Triggers {
    pub backend: String,
    /// The endpoint that speaks Lambda's Invoke API.
    pub lambda: String,
    /// Mappings of the settings: table, function, and what else a client can say.
    pub fixed: Vec<Fixed>,
}

impl Triggers {
    /// Answers calls about mappings of DynamoDB streams. The others are the backend's.
    pub fn forward_request(&self, request: &mut Request) -> Result<Option<Verdict>> {
        calls::forward_request(&self.backend, request)
    }

    /// Adds our mappings to the backend's list.
    pub fn return_response(response: &mut Response) -> Result<()> {
        calls::return_response(response)
    }

    /// Works off what is new in the streams.
    pub fn work(&self) -> Result<()> {
        fixed::keep(&self.fixed, &self.backend)?;
        let mut left = AT_ONCE;
        let mut all = mappings::all()?;
        all.retain(|mapping| mapping.is_enabled);
        // So that the first ones do not take every turn.
        let turn = usize::try_from(clocks::unix_ms() / 100).unwrap_or_default();
        let first = turn.checked_rem(all.len()).unwrap_or_default();
        all.rotate_left(first);
        for mapping in all {
            if left == 0 {
                break;
            }
            let turn = format!("t/l/{}", mapping.uuid);
            if state::compare_and_swap_for(&turn, None, Some(b"1"), TURN)? {
                let done = self.work_off(&mapping, &mut left);
                state::delete(&turn)?;
                done?;
            }
        }
        Ok(())
    }

    fn work_off(&self, mapping: &Mapping, left: &mut usize) -> Result<()> {
        let now = clocks::unix_ms();
        let looked = format!("t/d/{}", mapping.uuid);
        if state::get(&looked)?.is_none() {
            state::set_for(&looked, "1", Duration::from_secs(30))?;
            if let Err(why) = shards::discover(&self.backend, mapping) {
                warn!("the stream {} cannot be read: {why}", mapping.source);
                return Ok(());
            }
        }
        for shard in shards::known(mapping)? {
            while *left > 0 {
                let checkpoint = shards::read(mapping, &shard)?.unwrap_or_default();
                if checkpoint.is_closed || checkpoint.due > now {
                    break;
                }
                *left -= 1;
                let (next, goes_on) = self.step(mapping, &shard, checkpoint, now);
                // A mapping that was removed meanwhile leaves nothing behind.
                if mappings::read(&mapping.uuid)?.is_none() {
                    return Ok(());
                }
                shards::write(mapping, &shard, &next)?;
                if !goes_on {
                    break;
                }
            }
        }
        Ok(())
    }

    /// One batch of a shard. Tells where the shard stands then, and whether there may be more.
    fn step(
        &self,
        mapping: &Mapping,
        shard: &str,
        mut at: Checkpoint,
        now: u64,
    ) -> (Checkpoint, bool) {
        let (records, next) = match shards::records(&self.backend, mapping, shard, &at) {
            Ok(read) => read,
            Err(why) => {
                // The iterator may be too old: the next look makes a new one.
                at.iterator = None;
                at.due = now + PAUSE * 5;
                at.problem = Some(format!("PROBLEM: {why}"));
                return (at, false);
            }
        };
        if records.is_empty() {
            at.is_closed = next.is_none();
            at.iterator = next;
            at.due = now + PAUSE;
            return (at, false);
        }
        match self.invoke(mapping, &records) {
            Ok(()) => {
                BATCHES.add(1, &[("outcome", "done")]);
                let problem = Some("OK".to_owned());
                let done = Checkpoint {
                    problem,
                    ..passed(&records, next)
                };
                (done, true)
            }
            Err(failure) => {
                let worked_off = records[..failure.from].last().and_then(shards::sequence);
                if let Some(sequence) = worked_off {
                    at.sequence = Some(sequence.to_owned());
                    at.iterator = None;
                    at.failures = 0;
                }
                at.failures += 1;
                warn!(
                    "{} of stream {} failed, {} times: {}",
                    mapping.function, mapping.source, at.failures, failure.why
                );
                if mapping.retries.is_some_and(|most| at.failures > most) {
                    BATCHES.add(1, &[("outcome", "given-up")]);
                    return (passed(&records, next), true);
                }
                BATCHES.add(1, &[("outcome", "failed")]);
                at.due = now + pause(at.failures);
                at.problem = Some(format!("PROBLEM: {}", failure.why));
                (at, false)
            }
        }
    }

    /// Calls the function with a batch.
    fn invoke(&self, mapping: &Mapping, records: &[Value]) -> Result<(), Failure> {
        let whole = |why: String| Failure { from: 0, why };
        let mut records = records.to_vec();
        for record in &mut records {
            record["eventSourceARN"] = mapping.source.clone().into();
        }
        let name = url::encode(mapping.function_name());
        let target = format!("{}/2015-03-31/functions/{name}/invocations", self.lambda);
        let request = client::request("POST", &target)
            .field(
                "authorization",
                call::authorization("lambda", mapping.region()),
            )
            .field("content-type", "application/json")
            .field("x-amz-invocation-type", "RequestResponse");
        let answer = request
            .body(json!({ "Records": records }).to_string())
            .send();
        let answer = answer.map_err(|error| whole(error.to_string()))?;
        if !(200..300).contains(&answer.status) {
            return Err(whole(format!("the endpoint answered {}", answer.status)));
        }
        if let Some(kind) = answer.field("x-amz-function-error") {
            return Err(whole(format!("the function failed ({kind})")));
        }
        match mapping
            .reports_items
            .then(|| first_failed(&answer, &records))
            .flatten()
        {
            Some(from) => Err(Failure {
                from,
                why: "the function says that records failed".to_owned(),
            }),
            None => Ok(()),
        }
    }
}

/// Why a batch was not worked off, and from which of its records on.
struct Failure {
    from: usize,
    why: String,
}

/// Where a shard stands behind these records.
fn passed(records: &[Value], next: Option<String>) -> Checkpoint {
    let sequence = records.last().and_then(shards::sequence).map(str::to_owned);
    Checkpoint {
        is_closed: next.is_none(),
        iterator: next,
        sequence,
        ..Checkpoint::default()
    }
}

/// The first record that a function names in `batchItemFailures`. All of them failed if it names none of ours.
fn first_failed(answer: &IncomingResponse, records: &[Value]) -> Option<usize> {
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let failures = said["batchItemFailures"]
        .as_array()
        .filter(|failures| !failures.is_empty())?;
    let place = |failure: &Value| {
        records
            .iter()
            .position(|record| shards::sequence(record) == failure["itemIdentifier"].as_str())
    };
    let places: Option<Vec<usize>> = failures.iter().map(place).collect();
    Some(
        places
            .and_then(|places| places.into_iter().min())
            .unwrap_or_default(),
    )
}

/// Milliseconds until a batch is tried again: 1 s, 2 s, 4 s, … one minute.
fn pause(failures: u32) -> u64 {
    1000_u64
        .saturating_mul(1 << failures.saturating_sub(1).min(10))
        .min(60_000)
}
