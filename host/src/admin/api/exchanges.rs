//! `/api/v1/exchanges`: the last exchanges, as they were recorded.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::admin::input::{Asked, InPath};
use crate::admin::problem::Problem;
use crate::admin::state::Admin;
use crate::admin::view::{self, ExchangeView, StepDetail};
use crate::record::filter::Filter;
use crate::record::{Page, Recorded, Recorder, Ring, Summary, har};

/// Exchanges of a page without `limit`, and at most.
const EXCHANGES: u32 = 100;
const MOST_EXCHANGES: u32 = 10_000;

/// Which exchanges
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExchangesAsked {
    /// mitmproxy's filter expressions, and two more: `~p NAME` (a plugin took part), `~changed` (a plugin changed something).
    pub filter: Option<String>,
    /// At most so many, the newest; 100 without it.
    #[param(minimum = 1, maximum = 10000)]
    pub limit: Option<u32>,
    /// Only those that are older than the exchange with this id.
    #[param(pattern = "^[0-9a-f]{16}$")]
    pub before: Option<String>,
}

/// Which exchanges an archive is to have
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ArchiveAsked {
    /// As for the list.
    pub filter: Option<String>,
}

/// Exchanges, the newest first
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ExchangeList {
    pub exchanges: Vec<Summary>,
    /// Whether there are older ones.
    pub more: bool,
}

/// The last exchanges
#[utoipa::path(get, path = "/api/v1/exchanges", tag = "exchanges", operation_id = "list_exchanges", params(ExchangesAsked),
    responses(
        (status = 200, description = "The newest first.", body = ExchangeList),
        (status = 400, description = "The filter has a mistake at a place that is named, or another parameter is wrong.",
            body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn list(
    State(admin): State<Arc<Admin>>,
    Asked(asked): Asked<ExchangesAsked>,
) -> Result<Json<ExchangeList>, Problem> {
    let limit = asked.limit.unwrap_or(EXCHANGES);
    if !(1..=MOST_EXCHANGES).contains(&limit) {
        return Err(Problem::bad_request(
            "limit: expected a number from 1 to 10000",
        ));
    }
    let before = asked.before.as_deref().map(|id| {
        view::exchange_id(id).ok_or_else(|| {
            Problem::bad_request("before: expected the id of an exchange, 16 hexadecimal digits")
        })
    });
    let page = page(&admin, asked.filter.as_deref(), limit, before.transpose()?);
    let page = page.await?;
    Ok(Json(ExchangeList {
        exchanges: page
            .exchanges
            .iter()
            .map(|exchange| Summary::of(exchange))
            .collect(),
        more: page.more,
    }))
}

/// A part of the ring. A filter may look at every byte that is kept, so this has a thread of its own.
pub(super) async fn page(
    admin: &Admin,
    filter: Option<&str>,
    limit: u32,
    before: Option<u64>,
) -> Result<Page, Problem> {
    let filter = Filter::parse(filter.unwrap_or_default());
    let filter = filter.map_err(|error| Problem::bad_request(format!("filter: {error}")))?;
    let Some(ring) = ring(admin).cloned() else {
        return Ok(Page::default());
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let look = move || ring.page(before, limit, |exchange| filter.matches(exchange));
    let looked = tokio::task::spawn_blocking(look).await;
    looked.map_err(|_| {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the filter could not be run; the log says why",
        )
    })
}

/// One exchange, with what every step did
#[utoipa::path(get, path = "/api/v1/exchanges/{id}", tag = "exchanges", operation_id = "exchange",
    params(("id" = String, Path, description = "16 hexadecimal digits, as in the log")),
    responses(
        (status = 200, description = "The exchange.", body = ExchangeView),
        (status = 404, description = "It is not kept, or not any more.", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub async fn one(
    State(admin): State<Arc<Admin>>,
    InPath(id): InPath<String>,
) -> Result<Json<ExchangeView>, Problem> {
    let exchange = find(&admin, &id)?;
    computed(move || ExchangeView::of(&exchange))
        .await
        .map(Json)
}

/// What one step changed, side by side
#[utoipa::path(get, path = "/api/v1/exchanges/{id}/steps/{index}", tag = "exchanges", operation_id = "step",
    params(
        ("id" = String, Path, description = "16 hexadecimal digits, as in the log"),
        ("index" = u32, Path, description = "From 0"),
    ),
    responses(
        (status = 200, description = "What it changed.", body = StepDetail),
        (status = 400, description = "`index` is no number.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such exchange or step.", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub async fn step(
    State(admin): State<Arc<Admin>>,
    InPath((id, index)): InPath<(String, u32)>,
) -> Result<Json<StepDetail>, Problem> {
    let exchange = find(&admin, &id)?;
    let at = usize::try_from(index).unwrap_or(usize::MAX);
    let detail = computed(move || StepDetail::of(&exchange, at)).await?;
    let none = || Problem::not_found(format!("exchange {id} has no step {index}"));
    detail.map(Json).ok_or_else(none)
}

/// The request as a curl command
#[utoipa::path(get, path = "/api/v1/exchanges/{id}/curl", tag = "exchanges", operation_id = "curl",
    params(("id" = String, Path, description = "16 hexadecimal digits, as in the log")),
    responses(
        (status = 200, description = "For a POSIX shell. What was masked stays so.", body = String,
            content_type = "text/plain"),
        (status = 404, description = "It is not kept, or not any more.", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub async fn curl(
    State(admin): State<Arc<Admin>>,
    InPath(id): InPath<String>,
) -> Result<Response, Problem> {
    let command = view::curl(&*find(&admin, &id)?);
    Ok((
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        command,
    )
        .into_response())
}

/// The last exchanges as an HTTP archive (HAR 1.2)
#[utoipa::path(get, path = "/api/v1/exchanges.har", tag = "exchanges", operation_id = "archive", params(ArchiveAsked),
    responses(
        (status = 200, description = "The oldest first.", body = Object),
        (status = 400, description = "The filter has a mistake at a place that is named.", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub async fn archive(
    State(admin): State<Arc<Admin>>,
    Asked(asked): Asked<ArchiveAsked>,
) -> Result<Response, Problem> {
    let page = page(&admin, asked.filter.as_deref(), MOST_EXCHANGES, None).await?;
    let archive = computed(move || {
        let mut writer = har::HarWriter::begin(Vec::new())?;
        for exchange in page.exchanges.iter().rev() {
            writer.write(exchange)?;
        }
        writer.finish()
    });
    let failed =
        |error: std::io::Error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
    let fields = [
        (header::CONTENT_TYPE, "application/json"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"tollgate.har\"",
        ),
    ];
    Ok((fields, archive.await?.map_err(failed)?).into_response())
}

/// Forget the last exchanges
#[utoipa::path(delete, path = "/api/v1/exchanges", tag = "exchanges", operation_id = "forget_exchanges", responses(
    (status = 204, description = "None is kept any more. The tape is as it was."),
))]
pub async fn forget(State(admin): State<Arc<Admin>>) -> StatusCode {
    if let Some(ring) = ring(&admin) {
        ring.clear();
    }
    StatusCode::NO_CONTENT
}

fn ring(admin: &Admin) -> Option<&Arc<Ring>> {
    admin.recorder.as_ref().map(|recorder| recorder.ring())
}

/// Who records.
pub(super) fn recorder(admin: &Admin) -> Result<&Arc<Recorder>, Problem> {
    admin.recorder.as_ref().ok_or_else(|| {
        Problem::not_found(
            "nothing is recorded: set record.enabled = true in the configuration and start the proxy again",
        )
    })
}

pub(super) fn find(admin: &Admin, id: &str) -> Result<Arc<Recorded>, Problem> {
    let number = view::exchange_id(id);
    let ring = recorder(admin)?.ring();
    let found = number.and_then(|number| ring.get(number));
    found.ok_or_else(|| {
        let id = crate::text::line(id);
        Problem::not_found(format!("no exchange {id} is kept, or not any more"))
    })
}

/// What takes a while to compute.
pub(super) async fn computed<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "it could not be shown; the log says why",
        )
    })
}
