//! Mappings that the settings name: they exist as soon as their tables have streams.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tollgate_plugin::{Result, clocks, state, warn};

use super::mappings::{self, Mapping};
use crate::call;
use crate::signatures::hex;

/// A mapping of the settings.
#[derive(Clone, Debug)]
pub struct Fixed {
    pub table: String,
    pub region: String,
    pub asked: Value,
}

impl Fixed {
    fn uuid(&self) -> String {
        let text = format!("{}\n{}\n{}", self.region, self.table, self.asked);
        format!("fixed-{}", &hex(&Sha256::digest(text))[..30])
    }

    /// The ARN of the table's stream, if it has one.
    fn stream(&self, backend: &str) -> Result<Option<String>> {
        let request = call::to_backend(backend, "POST", "/", "dynamodb", &self.region);
        let request = request.field("x-amz-target", "DynamoDB_20120810.DescribeTable");
        let request = request.field("content-type", "application/x-amz-json-1.0");
        let answer = request
            .body(json!({ "TableName": self.table }).to_string())
            .send()?;
        let described: Option<Value> = answer.json().ok();
        Ok(described.and_then(|table| {
            table["Table"]["LatestStreamArn"]
                .as_str()
                .map(str::to_owned)
        }))
    }
}

/// Makes the mappings of the settings, as soon as their tables have streams, and removes those that stand there no more.
pub fn keep(all: &[Fixed], backend: &str) -> Result<()> {
    const LOOKED: &str = "t/fixed";
    let wanted: Vec<String> = all.iter().map(Fixed::uuid).collect();
    for mapping in mappings::all()? {
        if mapping.uuid.starts_with("fixed-") && !wanted.contains(&mapping.uuid) {
            mappings::remove(&mapping.uuid)?;
        }
    }
    if all.is_empty() || state::get(LOOKED)?.is_some() {
        return Ok(());
    }
    state::set_for(LOOKED, "1", Duration::from_secs(5))?;
    for (fixed, uuid) in all.iter().zip(wanted) {
        let Some(stream) = fixed.stream(backend)? else {
            continue;
        };
        if mappings::read(&uuid)?.is_some_and(|mapping| mapping.source == stream) {
            continue;
        }
        let mut asked = fixed.asked.clone();
        asked["EventSourceArn"] = stream.into();
        mappings::remove(&uuid)?;
        match Mapping::asked(uuid, &asked, clocks::unix_ms()) {
            Ok(mapping) => mappings::write(&mapping)?,
            Err(why) => warn!("the trigger of table {}: {why}", fixed.table),
        }
    }
    Ok(())
}
