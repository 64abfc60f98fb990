//! Kinesis's `SubscribeToShard`: a response of up to five minutes, with records as they come.
//!
//! The plugin answers with a body of short lines and rewrites it as it flows. Each line is one call of the rewriter, which looks for
//! records for fifteen seconds; a call may wait for two minutes and send fifty requests.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tollgate_plugin::client::IncomingResponse;
use tollgate_plugin::{
    Answer, Error, Fate, Request, Response, Result, Rewriter, Sink, Verdict, clocks, exchange,
    random, state,
};

use crate::call;
use crate::eventstream::{self, event};

const NOTE: &str = "aws-extras.kinesis";

/// Lines of the body, and looks for records in each.
const LINES: usize = 20;
const LOOKS: usize = 30;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// An event is sent after so many looks, also one without records.
const HEARTBEAT: u32 = 10;

/// Records of one event.
const RECORDS: u32 = 1000;

/// Subscriptions at the same time. Each keeps an instance of the plugin busy.
const MOST: u32 = 50;

/// How long a subscription counts whose end nobody saw.
const LEASE: Duration = Duration::from_secs(30);

/// Where a subscription stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Feed {
    backend: String,
    region: String,
    stream: String,
    iterator: String,
    /// The last record that was seen.
    continuation: String,
    /// The key of the state that says whose turn it is, and the mark that this subscription sets there.
    key: String,
    mark: String,
    #[serde(skip)]
    begun: bool,
    #[serde(skip)]
    looks: u32,
}

/// Answers a subscription, or tells what is wrong with it.
pub fn forward_request(request: &Request, backend: &str) -> Result<Option<Verdict>> {
    let is_asked = request
        .field("x-amz-target")
        .is_some_and(|target| target == "Kinesis_20131202.SubscribeToShard");
    if !is_asked || request.method() != "POST" {
        return Ok(None);
    }
    let Ok(asked) = request.json::<Value>() else {
        return Ok(Some(
            refusal("SerializationException", "the body is no JSON").into(),
        ));
    };
    let region = call::region(request);
    let consumer = asked["ConsumerARN"].as_str().unwrap_or_default();
    let shard = asked["ShardId"].as_str().unwrap_or_default();
    let Some((stream, _)) = consumer.split_once("/consumer/") else {
        return Ok(Some(
            refusal(
                "InvalidArgumentException",
                "ConsumerARN is not the ARN of a consumer",
            )
            .into(),
        ));
    };
    let start = Start {
        backend,
        region: &region,
        consumer,
        stream,
        shard,
        position: &asked["StartingPosition"],
    };
    let iterator = match start.iterator()? {
        Ok(iterator) => iterator,
        Err(refusal) => return Ok(Some(refusal.into())),
    };
    let key = format!("k/{consumer}/{shard}");
    let is_new = state::get(&key)?.is_none();
    if is_new && state::keys("k/", None, MOST)?.len() >= MOST as usize {
        let why = format!("the proxy keeps {MOST} subscriptions to shards at the same time");
        return Ok(Some(refusal("LimitExceededException", &why).into()));
    }
    let feed = Feed {
        backend: backend.to_owned(),
        region: region.clone(),
        stream: stream.to_owned(),
        continuation: start.position["SequenceNumber"]
            .as_str()
            .map_or_else(|| place(&iterator), str::to_owned),
        iterator,
        key,
        mark: format!("{:016x}", random::u64()),
        begun: false,
        looks: 0,
    };
    // Who subscribes last gets the records; the one before ends.
    state::set_for(&feed.key, &feed.mark, LEASE)?;
    exchange::set_note(NOTE, serde_json::to_vec(&feed)?);
    let answer = Answer::new(200).field("content-type", eventstream::TYPE);
    Ok(Some(
        answer
            .field("x-amzn-requestid", exchange::id())
            .body("\n".repeat(LINES))
            .into(),
    ))
}

/// Where a client wants to begin.
struct Start<'a> {
    backend: &'a str,
    region: &'a str,
    consumer: &'a str,
    stream: &'a str,
    shard: &'a str,
    position: &'a Value,
}

impl Start<'_> {
    /// The backend's iterator for it, or what the backend does not like.
    fn iterator(&self) -> Result<Result<String, Answer>> {
        let consumer = json!({ "ConsumerARN": self.consumer });
        let found = ask(
            self.backend,
            self.region,
            "DescribeStreamConsumer",
            &consumer,
        )?;
        if found.status != 200 {
            return Ok(Err(passed_on(found)));
        }
        let mut start = json!({
            "StreamARN": self.stream,
            "ShardId": self.shard,
            "ShardIteratorType": self.position["Type"],
        });
        for (name, of) in [
            ("StartingSequenceNumber", "SequenceNumber"),
            ("Timestamp", "Timestamp"),
        ] {
            if !self.position[of].is_null() {
                start[name] = self.position[of].clone();
            }
        }
        let got = ask(self.backend, self.region, "GetShardIterator", &start)?;
        let iterator = got.json::<Value>().ok();
        let iterator = iterator.and_then(|got| got["ShardIterator"].as_str().map(str::to_owned));
        Ok(match iterator {
            Some(iterator) if got.status == 200 => Ok(iterator),
            _ => Err(passed_on(got)),
        })
    }
}

/// What fills the response to a subscription.
pub fn rewriter(response: &Response) -> Option<Feed> {
    let is_stream = response
        .field("content-type")
        .is_some_and(|value| value == eventstream::TYPE);
    let note = is_stream.then(|| exchange::note(NOTE)).flatten()?;
    serde_json::from_slice(&note).ok()
}

/// The sequence number behind which an iterator of moto's stands: it is `STREAM:SHARD:NUMBER` in base64.
fn place(iterator: &str) -> String {
    let text = BASE64_STANDARD
        .decode(iterator.replace('\n', ""))
        .unwrap_or_default();
    let text = String::from_utf8(text).unwrap_or_default();
    let number = text.rsplit(':').next().unwrap_or_default();
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    if is_number { number } else { "0" }.to_owned()
}

fn ask(backend: &str, region: &str, action: &str, body: &Value) -> Result<IncomingResponse> {
    let request = call::to_backend(backend, "POST", "/", "kinesis", region);
    let request = request.field("x-amz-target", format!("Kinesis_20131202.{action}"));
    let request = request.field("content-type", "application/x-amz-json-1.1");
    Ok(request.body(body.to_string()).send()?)
}

fn refusal(code: &str, why: &str) -> Answer {
    let body = json!({ "__type": code, "message": why }).to_string();
    Answer::new(400)
        .field("content-type", "application/x-amz-json-1.1")
        .body(body)
}

/// The backend's own error.
fn passed_on(answer: IncomingResponse) -> Answer {
    let status = if answer.status < 400 {
        500
    } else {
        answer.status
    };
    let media_type = answer
        .field("content-type")
        .unwrap_or("application/x-amz-json-1.1")
        .to_owned();
    Answer::new(status)
        .field("content-type", media_type)
        .body(answer.body)
}

impl Rewriter for Feed {
    fn piece(&mut self, lines: &[u8], sink: &mut Sink) -> Result<Fate> {
        if !self.begun {
            self.begun = true;
            sink.emit(event("initial-response", "{}"));
        }
        // The host gives one line in each call.
        let lines = lines.iter().filter(|byte| **byte == b'\n').count();
        for _ in 0..lines * LOOKS {
            if state::get(&self.key)?.is_some_and(|mark| mark != self.mark.as_bytes()) {
                let why = "another subscription to this shard has taken its place";
                sink.emit(eventstream::exception("ResourceInUseException", why));
                return Ok(Fate::Stop);
            }
            state::set_for(&self.key, &self.mark, LEASE)?;
            match self.look()? {
                Look::Event(event) => sink.emit(event),
                Look::Nothing => {}
                Look::End(exception) => {
                    sink.emit(exception);
                    self.leave()?;
                    return Ok(Fate::Stop);
                }
            }
            clocks::sleep(PAUSE);
        }
        Ok(Fate::Replace)
    }

    fn end(&mut self, _: &mut Sink) -> Result<()> {
        self.leave()
    }
}

/// What a look for records found.
enum Look {
    Event(Vec<u8>),
    Nothing,
    End(Vec<u8>),
}

impl Feed {
    fn look(&mut self) -> Result<Look> {
        let body =
            json!({ "StreamARN": self.stream, "ShardIterator": self.iterator, "Limit": RECORDS });
        let got = ask(&self.backend, &self.region, "GetRecords", &body)?;
        if got.status != 200 {
            let why = format!("the backend answered {} to GetRecords", got.status);
            let kind = if got.status == 400 {
                "ResourceNotFoundException"
            } else {
                "InternalFailureException"
            };
            return Ok(Look::End(eventstream::exception(kind, &why)));
        }
        let got: Value = got.json()?;
        let records = got["Records"]
            .as_array()
            .ok_or_else(|| Error::new("the answer to GetRecords has no Records"))?;
        if let Some(last) = records
            .last()
            .and_then(|record| record["SequenceNumber"].as_str())
        {
            last.clone_into(&mut self.continuation);
        }
        if let Some(next) = got["NextShardIterator"].as_str() {
            next.clone_into(&mut self.iterator);
        }
        self.looks += 1;
        if records.is_empty() && self.looks < HEARTBEAT {
            return Ok(Look::Nothing);
        }
        self.looks = 0;
        let payload = json!({
            "Records": records,
            "ContinuationSequenceNumber": self.continuation,
            "MillisBehindLatest": got["MillisBehindLatest"].as_u64().unwrap_or_default(),
        });
        Ok(Look::Event(event(
            "SubscribeToShardEvent",
            &payload.to_string(),
        )))
    }

    /// Makes room for another subscription.
    fn leave(&self) -> Result<()> {
        state::compare_and_swap(&self.key, Some(self.mark.as_bytes()), None)?;
        Ok(())
    }
}
