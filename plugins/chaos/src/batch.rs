//! Batches that are throttled in part: some items are kept from the backend and reported as unprocessed in its answer.
//!
//! As AWS does, a DynamoDB batch of which nothing goes through is an error as a whole, while Kinesis reports every
//! record of one as failed.

use serde_json::{Map, Value, json};
use tollgate_plugin::{Error, Result};

use crate::throttle::{KINESIS_MESSAGE, Operation};

/// The calls that take several items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Batch {
    /// `RequestItems: {table: [write, …]}`, answered by `UnprocessedItems` of the same shape.
    Write,
    /// `RequestItems: {table: {Keys: [key, …], …}}`, answered by `UnprocessedKeys` of the same shape.
    Get,
    /// `Records: [record, …]`, answered by one of each in the same order.
    PutRecords,
}

/// A batch in two parts.
#[derive(Debug)]
pub(crate) struct Split {
    pub(crate) items: usize,
    pub(crate) withheld_items: usize,
    /// The request that goes on.
    pub(crate) kept: Value,
    /// What `merge` puts into the answer.
    pub(crate) withheld: Value,
}

impl Batch {
    pub(crate) fn of(operation: &Operation) -> Option<Self> {
        match operation.name.as_str() {
            "BatchWriteItem" => Some(Self::Write),
            "BatchGetItem" => Some(Self::Get),
            "PutRecords" => Some(Self::PutRecords),
            _ => None,
        }
    }

    /// Takes the items out of a request that `withhold` says yes to; it is asked with their numbers.
    pub(crate) fn split(self, mut request: Value, withhold: impl Fn(usize) -> bool) -> Split {
        let mut items = 0;
        let mut withheld_items = 0;
        let mut take = |list: &mut Vec<Value>| {
            let (withheld, kept): (Vec<_>, Vec<_>) =
                std::mem::take(list).into_iter().partition(|_| {
                    items += 1;
                    withhold(items - 1)
                });
            *list = kept;
            withheld_items += withheld.len();
            withheld
        };
        let withheld = match self {
            Self::PutRecords => {
                let count = request["Records"].as_array().map_or(0, Vec::len);
                let failed: Vec<_> = (0..count).filter(|index| withhold(*index)).collect();
                if let Some(records) = request["Records"].as_array_mut() {
                    take(records);
                }
                json!({ "failed": failed, "records": count })
            }
            Self::Write | Self::Get => {
                let mut unprocessed = Map::new();
                for (table, part) in request["RequestItems"]
                    .as_object_mut()
                    .into_iter()
                    .flatten()
                {
                    let mut rest = part.clone();
                    let lists = (self.list(part), self.list(&mut rest));
                    if let (Some(kept), Some(withheld)) = lists {
                        *withheld = take(kept);
                        if !withheld.is_empty() {
                            unprocessed.insert(table.clone(), rest);
                        }
                    }
                }
                if let Some(tables) = request["RequestItems"].as_object_mut() {
                    tables.retain(|_, part| self.list(part).is_none_or(|list| !list.is_empty()));
                }
                json!({ self.answered_by(): unprocessed })
            }
        };
        Split {
            items,
            withheld_items,
            kept: request,
            withheld,
        }
    }

    /// The answer to a batch of which nothing goes through; none if that is an error.
    pub(crate) fn all_failed(self, withheld: &Value) -> Result<Option<Value>> {
        match self {
            Self::PutRecords => merge(json!({ "Records": [] }), withheld).map(Some),
            Self::Write | Self::Get => Ok(None),
        }
    }

    fn list(self, part: &mut Value) -> Option<&mut Vec<Value>> {
        match self {
            Self::Get => part.get_mut("Keys")?.as_array_mut(),
            Self::Write | Self::PutRecords => part.as_array_mut(),
        }
    }

    fn answered_by(self) -> &'static str {
        if self == Self::Get {
            "UnprocessedKeys"
        } else {
            "UnprocessedItems"
        }
    }
}

/// The backend's answer with what was withheld added to it.
pub(crate) fn merge(mut response: Value, withheld: &Value) -> Result<Value> {
    if let Some(failed) = withheld.get("failed") {
        return with_failed_records(response, failed, &withheld["records"]);
    }
    for (name, unprocessed) in withheld.as_object().into_iter().flatten() {
        if !response[name].is_object() {
            response[name] = json!({});
        }
        for (table, rest) in unprocessed.as_object().into_iter().flatten() {
            add(&mut response[name][table], rest);
        }
    }
    Ok(response)
}

/// Adds to what the backend itself left unprocessed of a table.
fn add(there: &mut Value, rest: &Value) {
    let place = if rest.is_array() { "" } else { "/Keys" };
    match (
        there.pointer_mut(place).and_then(Value::as_array_mut),
        rest.pointer(place).and_then(Value::as_array),
    ) {
        (Some(list), Some(more)) => list.extend(more.iter().cloned()),
        _ => *there = rest.clone(),
    }
}

/// The answer to PutRecords with a failure at each number in `failed`.
fn with_failed_records(mut response: Value, failed: &Value, count: &Value) -> Result<Value> {
    let failed: Vec<usize> = serde_json::from_value(failed.clone())?;
    let count = count
        .as_u64()
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or_default();
    let failure = json!({ "ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": KINESIS_MESSAGE });
    let mut stored = response["Records"]
        .as_array()
        .cloned()
        .unwrap_or_default()
        .into_iter();
    let mut records = Vec::with_capacity(count);
    for index in 0..count {
        records.push(match failed.contains(&index) {
            true => failure.clone(),
            false => stored
                .next()
                .ok_or_else(|| Error::new("the backend answered fewer records than it got"))?,
        });
    }
    let before = response["FailedRecordCount"].as_u64().unwrap_or_default();
    response["FailedRecordCount"] = json!(before + failed.len() as u64);
    response["Records"] = Value::Array(records);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_batch_is_split_and_joined_again() {
        let request = json!({
            "RequestItems": { "a": [1, 2, 3], "b": [4] }, "ReturnConsumedCapacity": "TOTAL",
        });
        let split = Batch::Write.split(request, |item| item != 1);
        assert_eq!((split.items, split.withheld_items), (4, 3));
        assert_eq!(
            split.kept,
            json!({ "RequestItems": { "a": [2] }, "ReturnConsumedCapacity": "TOTAL" })
        );
        let answer = json!({ "UnprocessedItems": { "a": [9] }, "ConsumedCapacity": [] });
        assert_eq!(
            merge(answer, &split.withheld).unwrap(),
            json!({ "UnprocessedItems": { "a": [9, 1, 3], "b": [4] }, "ConsumedCapacity": [] })
        );
    }

    #[test]
    fn a_get_batch_keeps_what_belongs_to_its_keys() {
        let request =
            json!({ "RequestItems": { "a": { "Keys": [1, 2], "ConsistentRead": true } } });
        let split = Batch::Get.split(request, |item| item == 0);
        assert_eq!(
            split.kept,
            json!({ "RequestItems": { "a": { "Keys": [2], "ConsistentRead": true } } })
        );
        assert_eq!(
            merge(json!({ "Responses": {} }), &split.withheld).unwrap(),
            json!({ "Responses": {}, "UnprocessedKeys": { "a": { "Keys": [1], "ConsistentRead": true } } })
        );
    }

    #[test]
    fn failed_records_stand_where_they_were_sent() {
        let request = json!({ "Records": ["a", "b", "c"], "StreamName": "s" });
        let split = Batch::PutRecords.split(request, |item| item != 1);
        assert_eq!(split.kept, json!({ "Records": ["b"], "StreamName": "s" }));
        let answer = json!({ "FailedRecordCount": 0, "Records": [{ "SequenceNumber": "7" }] });
        let merged = merge(answer, &split.withheld).unwrap();
        assert_eq!(merged["FailedRecordCount"], 2);
        assert_eq!(merged["Records"][1], json!({ "SequenceNumber": "7" }));
        assert_eq!(
            merged["Records"][2]["ErrorCode"],
            "ProvisionedThroughputExceededException"
        );
        assert!(merge(json!({ "Records": [] }), &split.withheld).is_err());
    }

    #[test]
    fn what_is_no_batch_has_no_items() {
        for odd in [
            json!(null),
            json!([]),
            json!({ "RequestItems": [] }),
            json!({ "RequestItems": { "a": 1 } }),
        ] {
            for batch in [Batch::Write, Batch::Get, Batch::PutRecords] {
                if odd.is_object() || odd.is_null() {
                    assert_eq!(batch.split(odd.clone(), |_| true).items, 0, "{odd}");
                }
            }
        }
    }
}
