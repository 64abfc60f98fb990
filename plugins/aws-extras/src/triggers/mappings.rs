//! Event source mappings of DynamoDB streams, as clients make them and as the state keeps them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tollgate_plugin::{Result, state};

/// Mappings at most.
pub const MOST: u32 = 100;

const PREFIX: &str = "t/m/";

/// A mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    pub uuid: String,
    /// The ARN of the stream.
    pub source: String,
    /// The function's name or ARN, as the client wrote it.
    pub function: String,
    pub batch: u32,
    pub is_enabled: bool,
    /// `TRIM_HORIZON` or `LATEST`
    pub position: String,
    /// How often a batch is tried again; none: until it goes well.
    pub retries: Option<u32>,
    /// Whether the function says which records failed.
    pub reports_items: bool,
    /// In milliseconds since 1970.
    pub modified: u64,
}

impl Mapping {
    /// A mapping as a client asks for it. The error is the message of a 400.
    pub fn asked(uuid: String, asked: &Value, now: u64) -> Result<Self, String> {
        let text = |name: &str| asked[name].as_str().map(str::to_owned);
        let mut mapping = Self {
            uuid,
            source: text("EventSourceArn").ok_or("Missing EventSourceArn")?,
            function: text("FunctionName")
                .filter(|name| !name.is_empty())
                .ok_or("Missing FunctionName")?,
            batch: 100,
            is_enabled: true,
            position: text("StartingPosition").unwrap_or_else(|| "TRIM_HORIZON".to_owned()),
            retries: None,
            reports_items: false,
            modified: now,
        };
        if !matches!(mapping.position.as_str(), "TRIM_HORIZON" | "LATEST") {
            return Err(format!(
                "StartingPosition is {}: expected TRIM_HORIZON or LATEST",
                mapping.position
            ));
        }
        mapping.change(asked, now)?;
        Ok(mapping)
    }

    /// Takes over what an update says.
    pub fn change(&mut self, asked: &Value, now: u64) -> Result<(), String> {
        if !asked["FilterCriteria"].is_null() {
            return Err("FilterCriteria is not supported".to_owned());
        }
        if let Some(batch) = asked["BatchSize"].as_u64() {
            let batch = u32::try_from(batch)
                .ok()
                .filter(|batch| (1..=10_000).contains(batch));
            self.batch = batch.ok_or("BatchSize must be between 1 and 10000")?;
        }
        if let Some(function) = asked["FunctionName"]
            .as_str()
            .filter(|name| !name.is_empty())
        {
            function.clone_into(&mut self.function);
        }
        if let Some(enabled) = asked["Enabled"].as_bool() {
            self.is_enabled = enabled;
        }
        if let Some(retries) = asked["MaximumRetryAttempts"].as_i64() {
            self.retries = u32::try_from(retries).ok();
        }
        if let Some(kinds) = asked["FunctionResponseTypes"].as_array() {
            self.reports_items = kinds.iter().any(|kind| kind == "ReportBatchItemFailures");
        }
        self.modified = now;
        Ok(())
    }

    pub fn region(&self) -> &str {
        self.source.split(':').nth(3).unwrap_or("us-east-1")
    }

    /// The function's name without the rest of its ARN.
    pub fn function_name(&self) -> &str {
        match self.function.split_once(":function:") {
            Some((_, name)) => name,
            None => &self.function,
        }
    }

    /// As Lambda tells of it.
    pub fn told(&self, problem: Option<&str>) -> Value {
        let mut words = self.source.split(':').skip(3);
        let (region, account) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let function = match self.function.starts_with("arn:") {
            true => self.function.clone(),
            false => format!(
                "arn:aws:lambda:{region}:{account}:function:{}",
                self.function
            ),
        };
        let mut told = json!({
            "UUID": self.uuid,
            "EventSourceMappingArn": format!("arn:aws:lambda:{region}:{account}:event-source-mapping:{}", self.uuid),
            "EventSourceArn": self.source,
            "FunctionArn": function,
            "BatchSize": self.batch,
            "StartingPosition": self.position,
            "State": if self.is_enabled { "Enabled" } else { "Disabled" },
            "StateTransitionReason": "User initiated",
            "LastModified": self.modified / 1000,
            "LastProcessingResult": problem.unwrap_or("No records processed"),
            "MaximumRetryAttempts": self.retries.map_or(-1, i64::from),
        });
        if self.reports_items {
            told["FunctionResponseTypes"] = json!(["ReportBatchItemFailures"]);
        }
        told
    }
}

pub fn read(uuid: &str) -> Result<Option<Mapping>> {
    let value = state::get(&format!("{PREFIX}{uuid}"))?;
    Ok(value.and_then(|value| serde_json::from_slice(&value).ok()))
}

pub fn write(mapping: &Mapping) -> Result<()> {
    state::set(
        &format!("{PREFIX}{}", mapping.uuid),
        serde_json::to_vec(mapping)?,
    )?;
    Ok(())
}

/// Forgets a mapping and how far it came.
pub fn remove(uuid: &str) -> Result<()> {
    state::delete(&format!("{PREFIX}{uuid}"))?;
    for key in state::keys(&format!("t/c/{uuid}/"), None, 1000)? {
        state::delete(&key)?;
    }
    Ok(())
}

pub fn all() -> Result<Vec<Mapping>> {
    let mut found = Vec::new();
    for key in state::keys(PREFIX, None, MOST)? {
        found.extend(read(&key[PREFIX.len()..])?);
    }
    Ok(found)
}
