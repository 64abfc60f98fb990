//! `/api/v1/logs`: the last lines of the proxy's log.
//!
//! Lines are masked before they are shown here: values behind names that the record masks know, and credentials behind the name of a
//! scheme. A secret that stands in a line without its name is shown. On stderr lines are as they were written.

mod entry;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::admin::input::Asked;
use crate::admin::problem::Problem;
use crate::admin::state::Admin;
use crate::record::Masks;
use crate::telemetry::{self, NewLines};

/// Lines without `limit`, and at most.
const LINES: u32 = 200;
const MOST_LINES: u32 = 2_000;

/// The last lines of the log
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogLines {
    /// The oldest first.
    pub lines: Vec<LogEntry>,
    /// How many lines before them are not here.
    pub lost: u64,
}

/// An entry of the log
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogEntry {
    /// Counts from 1.
    pub number: u64,
    pub at_us: u64,
    /// `error`, `warn`, `info`, `debug`, `trace`.
    pub level: Option<String>,
    /// The plugin that wrote it, or that it is about.
    pub plugin: Option<String>,
    /// The exchange in which a plugin wrote it: 16 hexadecimal digits.
    pub exchange: Option<String>,
    /// The text alone, without time, level, target and fields.
    pub message: String,
    /// As on stderr, but with secrets masked; further lines of an entry are indented.
    pub text: String,
}

impl LogLines {
    pub fn of(new: &NewLines, masks: &Masks) -> Self {
        let lines = new.lines.iter().map(|line| LogEntry::of(line, masks));
        Self {
            lines: lines.collect(),
            lost: new.lost,
        }
    }
}

/// How many lines
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogsAsked {
    /// At most so many lines, the last ones; 200 without it.
    #[param(minimum = 1, maximum = 2000)]
    pub limit: Option<u32>,
}

/// The last lines of the log
///
/// To follow it: the events `log` of `/api/v1/events?only=log`.
#[utoipa::path(get, path = "/api/v1/logs", tag = "status", params(LogsAsked), responses(
    (status = 200, description = "The oldest first.", body = LogLines),
    (status = 400, description = "`limit` is no number from 1 to 2000.", body = Problem,
        content_type = "application/problem+json"),
))]
pub async fn logs(
    State(admin): State<Arc<Admin>>,
    Asked(asked): Asked<LogsAsked>,
) -> Result<Json<LogLines>, Problem> {
    let limit = asked.limit.unwrap_or(LINES);
    if !(1..=MOST_LINES).contains(&limit) {
        return Err(Problem::bad_request(
            "limit: expected a number from 1 to 2000",
        ));
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let lines = telemetry::recent().after(0, limit);
    Ok(Json(LogLines::of(&lines, &admin.masks)))
}
