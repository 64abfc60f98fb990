//! `/metrics`: for Prometheus.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header;

use crate::admin::state::Admin;
use crate::export::CONTENT_TYPE;

/// All that is counted
#[utoipa::path(get, path = "/metrics", tag = "metrics", responses(
    (status = 200, description = "It is, as OpenMetrics text.", body = String, content_type = "application/openmetrics-text"),
))]
pub async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    let kind = [(header::CONTENT_TYPE, CONTENT_TYPE)];
    (kind, admin.exporter.exposition()).into_response()
}
