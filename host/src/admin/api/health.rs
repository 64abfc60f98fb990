//! `/live` and `/ready`: for who decides whether the process goes on, and whether it gets traffic.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};

use crate::admin::state::Admin;

/// Whether the process is alive
#[utoipa::path(get, path = "/live", tag = "health", security(()), responses(
    (status = 200, description = "It is.", body = String, content_type = "text/plain"),
))]
pub async fn live() -> Response {
    plain(StatusCode::OK, "alive\n")
}

/// Whether it is to get new traffic
#[utoipa::path(get, path = "/ready", tag = "health", security(()), responses(
    (status = 200, description = "It is.", body = String, content_type = "text/plain"),
    (status = 503, description = "Its plugins are not loaded yet, or it has been told to stop.", body = String,
        content_type = "text/plain"),
))]
pub async fn ready(State(admin): State<Arc<Admin>>) -> Response {
    match admin.ready.get() {
        true => plain(StatusCode::OK, "ready\n"),
        false => plain(StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        text,
    )
        .into_response()
}
