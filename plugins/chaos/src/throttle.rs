//! Which calls of DynamoDB and Kinesis are throttled, and with which probability.

use std::fmt;

use aws_requests::{Call, Protocol as Written};
use tollgate_plugin::Answer;

use crate::chance::Chance;
use crate::protocol::Protocol;
use crate::settings::Chaos;

/// A call that AWS would throttle, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) kind: Kind,
    pub(crate) name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    DynamoRead,
    DynamoWrite,
    Kinesis,
}

/// What a table is read by.
const READS: [&str; 7] = [
    "BatchExecuteStatement",
    "BatchGetItem",
    "ExecuteStatement",
    "GetItem",
    "Query",
    "Scan",
    "TransactGetItems",
];

/// What a table is written by.
const WRITES: [&str; 5] = [
    "BatchWriteItem",
    "DeleteItem",
    "PutItem",
    "TransactWriteItems",
    "UpdateItem",
];

impl Operation {
    /// The operation that a call is of, if it is one that is throttled.
    pub(crate) fn of(call: &Call) -> Option<Self> {
        if !matches!(
            call.protocol,
            Written::Json | Written::Cbor | Written::RpcCbor
        ) {
            return None;
        }
        let name = call.action.as_deref()?;
        let kind = match call.service.as_str() {
            "dynamodb" if READS.contains(&name) => Kind::DynamoRead,
            "dynamodb" if WRITES.contains(&name) => Kind::DynamoWrite,
            "kinesis" if matches!(name, "PutRecord" | "PutRecords") => Kind::Kinesis,
            _ => return None,
        };
        Some(Self {
            kind,
            name: name.to_owned(),
        })
    }

    /// The answer to a call that is throttled.
    pub(crate) fn throttled(&self, protocol: &Protocol, chance: &Chance) -> Answer {
        let (code, message) = match self.kind {
            Kind::Kinesis => ("ProvisionedThroughputExceededException", KINESIS_MESSAGE),
            _ => (
                "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
                DYNAMO_MESSAGE,
            ),
        };
        protocol.error(400, code, message, chance)
    }
}

const DYNAMO_MESSAGE: &str = "The level of configured provisioned throughput for the table was exceeded. Consider \
    increasing your provisioning level with the UpdateTable API.";
pub(crate) const KINESIS_MESSAGE: &str = "Rate exceeded for shard shardId-000000000000.";

impl Chaos {
    /// The probabilities that apply to an operation, each with the name of its draw.
    pub(crate) fn throttling(&self, operation: &Operation) -> Vec<(&'static str, f64)> {
        let all = ("dynamodb", self.dynamodb_error_probability);
        match operation.kind {
            Kind::DynamoRead => vec![all, ("read", self.dynamodb_read_error_probability)],
            Kind::DynamoWrite => vec![all, ("write", self.dynamodb_write_error_probability)],
            Kind::Kinesis => vec![("kinesis", self.kinesis_error_probability)],
        }
    }

    /// Whether any call is throttled.
    pub(crate) fn throttles(&self) -> bool {
        [
            self.dynamodb_error_probability,
            self.dynamodb_read_error_probability,
            self.dynamodb_write_error_probability,
            self.kinesis_error_probability,
        ]
        .iter()
        .any(|probability| *probability > 0.0)
    }

    pub(crate) fn may_throttle(&self, operation: &Operation) -> bool {
        self.throttling(operation)
            .iter()
            .any(|(_, probability)| *probability > 0.0)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
