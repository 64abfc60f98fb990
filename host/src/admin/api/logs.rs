//! `/api/v1/logs`: the last lines of the proxy's log.

use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::admin::input::Asked;
use crate::admin::problem::Problem;
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
    /// As on stderr; further lines of an entry are indented.
    pub text: String,
}

impl LogLines {
    pub fn of(new: &NewLines) -> Self {
        let lines = new.lines.iter().map(|line| LogEntry {
            number: line.number,
            at_us: line.at,
            text: line.text.clone(),
        });
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
pub async fn logs(Asked(asked): Asked<LogsAsked>) -> Result<Json<LogLines>, Problem> {
    let limit = asked.limit.unwrap_or(LINES);
    if !(1..=MOST_LINES).contains(&limit) {
        return Err(Problem::bad_request(
            "limit: expected a number from 1 to 2000",
        ));
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok(Json(LogLines::of(&telemetry::recent().after(0, limit))))
}
