//! `/api/v1/reload`: the configuration and every plugin are read again now.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::plugins::Plugins;
use crate::admin::problem::Problem;
use crate::admin::state::{Admin, Reloaded};

/// What came of reading everything again
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReloadAnswer {
    /// Whether the configuration says something else than before; it is in force then.
    pub configuration_changed: bool,
    #[serde(flatten)]
    pub plugins: Plugins,
}

/// Read the configuration and every plugin again
#[utoipa::path(post, path = "/api/v1/reload", tag = "status",
    responses(
        (status = 200, description = "The configuration is in force, and every plugin has its verdict.", body = ReloadAnswer),
        (status = 422, description = "The configuration has mistakes; everything stays as it is.", body = Problem,
            content_type = "application/problem+json"),
        (status = 500, description = "The directory can't be looked into.", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "The proxy is stopping.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn reload(State(admin): State<Arc<Admin>>) -> Result<Json<ReloadAnswer>, Problem> {
    let gone = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the proxy is stopping");
    let (done, hears) = oneshot::channel();
    admin.reload.send(done).await.map_err(|_| gone())?;
    let reloaded = hears.await.map_err(|_| gone())?;
    let reloaded =
        reloaded.map_err(|words| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, words))?;
    admin.control.reread_all().await?;
    Ok(Json(ReloadAnswer {
        configuration_changed: reloaded == Reloaded::Changed,
        plugins: Plugins::of(&admin),
    }))
}
