//! Reading a stream: its shards, and how far each was read.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tollgate_plugin::{Error, Result, state};

use super::mappings::Mapping;
use crate::call;

/// How far a shard was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Where the next records are. It may be too old.
    pub iterator: Option<String>,
    /// The last record that was worked off.
    pub sequence: Option<String>,
    /// How often the next batch failed.
    pub failures: u32,
    /// When to look again, in milliseconds since 1970.
    pub due: u64,
    /// What went wrong last.
    pub problem: Option<String>,
    /// It was read to its end.
    pub is_closed: bool,
}

fn key(mapping: &Mapping, shard: &str) -> String {
    format!("t/c/{}/{shard}", mapping.uuid)
}

pub fn read(mapping: &Mapping, shard: &str) -> Result<Option<Checkpoint>> {
    let value = state::get(&key(mapping, shard))?;
    Ok(value.and_then(|value| serde_json::from_slice(&value).ok()))
}

pub fn write(mapping: &Mapping, shard: &str, checkpoint: &Checkpoint) -> Result<()> {
    state::set(&key(mapping, shard), serde_json::to_vec(checkpoint)?)?;
    Ok(())
}

/// The shards of a mapping that are known, in their order.
pub fn known(mapping: &Mapping) -> Result<Vec<String>> {
    let prefix = format!("t/c/{}/", mapping.uuid);
    let keys = state::keys(&prefix, None, 1000)?;
    Ok(keys
        .into_iter()
        .map(|key| key[prefix.len()..].to_owned())
        .collect())
}

/// A call of the API of streams.
pub fn ask(backend: &str, region: &str, action: &str, body: &Value) -> Result<Value> {
    let request = call::to_backend(backend, "POST", "/", "dynamodb", region);
    let request = request.field("x-amz-target", format!("DynamoDBStreams_20120810.{action}"));
    let request = request.field("content-type", "application/x-amz-json-1.0");
    let answer = request.body(body.to_string()).send()?;
    if answer.status != 200 {
        return Err(Error::new(format!(
            "{action} of the stream was answered with {}",
            answer.status
        )));
    }
    answer.json()
}

/// Notes shards that are new. The error says that there is no such stream.
pub fn discover(backend: &str, mapping: &Mapping) -> Result<()> {
    let body = json!({ "StreamArn": mapping.source });
    let described = ask(backend, mapping.region(), "DescribeStream", &body)?;
    let shards = described["StreamDescription"]["Shards"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let is_first = known(mapping)?.is_empty();
    for shard in shards.iter().filter_map(|shard| shard["ShardId"].as_str()) {
        if read(mapping, shard)?.is_some() {
            continue;
        }
        // A shard that comes later is read from its begin, or what stands there would be lost.
        let position = if is_first {
            mapping.position.as_str()
        } else {
            "TRIM_HORIZON"
        };
        let iterator = iterator(backend, mapping, shard, position, None)?;
        let checkpoint = Checkpoint {
            iterator: Some(iterator),
            ..Checkpoint::default()
        };
        write(mapping, shard, &checkpoint)?;
    }
    Ok(())
}

fn iterator(
    backend: &str,
    mapping: &Mapping,
    shard: &str,
    position: &str,
    sequence: Option<&str>,
) -> Result<String> {
    let mut body =
        json!({ "StreamArn": mapping.source, "ShardId": shard, "ShardIteratorType": position });
    if let Some(sequence) = sequence {
        body["SequenceNumber"] = sequence.into();
    }
    let got = ask(backend, mapping.region(), "GetShardIterator", &body)?;
    let iterator = got["ShardIterator"].as_str().map(str::to_owned);
    iterator.ok_or_else(|| Error::new("GetShardIterator gave no iterator"))
}

/// The next records of a shard, and the iterator behind them; none at the end of the shard.
pub fn records(
    backend: &str,
    mapping: &Mapping,
    shard: &str,
    checkpoint: &Checkpoint,
) -> Result<(Vec<Value>, Option<String>)> {
    let iterator = match (&checkpoint.iterator, &checkpoint.sequence) {
        (Some(iterator), _) => iterator.clone(),
        (None, Some(sequence)) => iterator(
            backend,
            mapping,
            shard,
            "AFTER_SEQUENCE_NUMBER",
            Some(sequence),
        )?,
        (None, None) => iterator(backend, mapping, shard, &mapping.position, None)?,
    };
    let body = json!({ "ShardIterator": iterator, "Limit": mapping.batch.min(1000) });
    let mut got = ask(backend, mapping.region(), "GetRecords", &body)?;
    let next = got["NextShardIterator"].as_str().map(str::to_owned);
    match got["Records"].take() {
        Value::Array(records) => Ok((records, next)),
        _ => Err(Error::new("the answer to GetRecords has no Records")),
    }
}

/// The sequence number of a record.
pub fn sequence(record: &Value) -> Option<&str> {
    record["dynamodb"]["SequenceNumber"].as_str()
}
