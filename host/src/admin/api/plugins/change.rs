//! What may be asked of a plugin. An answer comes when it is so, or says why it is not; nothing has changed then.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::data::{Plugin, PluginDetail};
use crate::admin::input::{InPath, Input};
use crate::admin::problem::Problem;
use crate::admin::state::Admin;
use crate::config::{OverlayKey, Settings};
use crate::plugin::{Keep, OrderError, PluginStatus};

/// Where a change is kept
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeepIn {
    /// Until the process ends.
    #[default]
    Memory,
    /// In `NAME.toml` beside the plugin.
    File,
}

/// How long a plugin is to be on or off
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepOnly {
    #[serde(default)]
    #[schema(inline)]
    pub keep: KeepIn,
}

/// The place of a plugin among the others
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// Lower ones meet a request first.
    pub order: i32,
    #[serde(default)]
    #[schema(inline)]
    pub keep: KeepIn,
}

/// The settings of a plugin
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSettings {
    /// All of them: what is not here is not set.
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
    #[serde(default)]
    #[schema(inline)]
    pub keep: KeepIn,
}

impl From<KeepIn> for Keep {
    fn from(keep: KeepIn) -> Self {
        match keep {
            KeepIn::Memory => Keep::Memory,
            KeepIn::File => Keep::File,
        }
    }
}

impl From<OrderError> for Problem {
    fn from(error: OrderError) -> Self {
        let status = match &error {
            OrderError::Unknown(_) => StatusCode::NOT_FOUND,
            OrderError::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            OrderError::Conflict(_) => StatusCode::CONFLICT,
            OrderError::File(_) => StatusCode::INTERNAL_SERVER_ERROR,
            OrderError::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        };
        Problem::new(status, error.to_string())
    }
}

type Changed = Result<Json<Plugin>, Problem>;

fn shown(result: Result<PluginStatus, OrderError>) -> Changed {
    Ok(Json(Plugin::of(&result?)))
}

/// Read a plugin's files again now
///
/// Answers when there is a verdict; `error` says why the files were refused, if they were.
#[utoipa::path(post, path = "/api/v1/plugins/{name}/reload", tag = "plugins", operation_id = "reload_plugin",
    params(("name" = String, Path, description = "The plugin")),
    responses(
        (status = 200, description = "There is a verdict.", body = Plugin),
        (status = 404, description = "There is no such plugin.", body = Problem, content_type = "application/problem+json"),
        (status = 500, description = "The directory can't be looked into.", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "The proxy is stopping.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn reload(State(admin): State<Arc<Admin>>, InPath(name): InPath<String>) -> Changed {
    shown(admin.control.reread(&name).await)
}

/// Switch a plugin on
#[utoipa::path(post, path = "/api/v1/plugins/{name}/enable", tag = "plugins",
    params(("name" = String, Path, description = "The plugin")),
    request_body(content = Option<KeepOnly>, content_type = "application/json"),
    responses(
        (status = 200, description = "It serves.", body = Plugin),
        (status = 400, description = "The body has a mistake.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such plugin.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It can't be done as things stand.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "It would not serve.", body = Problem, content_type = "application/problem+json"),
        (status = 500, description = "A file can't be read or written.", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "The proxy is stopping.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn enable(
    State(admin): State<Arc<Admin>>,
    InPath(name): InPath<String>,
    Input(asked): Input<KeepOnly>,
) -> Changed {
    let key = OverlayKey::Enabled(true);
    shown(admin.control.set(&name, key, asked.keep.into()).await)
}

/// Switch a plugin off: requests pass it by, as with `enabled = false`
#[utoipa::path(post, path = "/api/v1/plugins/{name}/disable", tag = "plugins",
    params(("name" = String, Path, description = "The plugin")),
    request_body(content = Option<KeepOnly>, content_type = "application/json"),
    responses(
        (status = 200, description = "It is off.", body = Plugin),
        (status = 400, description = "The body has a mistake.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such plugin.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It can't be done as things stand.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "It would not serve.", body = Problem, content_type = "application/problem+json"),
        (status = 500, description = "A file can't be read or written.", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "The proxy is stopping.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn disable(
    State(admin): State<Arc<Admin>>,
    InPath(name): InPath<String>,
    Input(asked): Input<KeepOnly>,
) -> Changed {
    let key = OverlayKey::Enabled(false);
    shown(admin.control.set(&name, key, asked.keep.into()).await)
}

/// Set a plugin's place among the others
///
/// A route that lists its plugins keeps the order of its list.
#[utoipa::path(put, path = "/api/v1/plugins/{name}/order", tag = "plugins",
    params(("name" = String, Path, description = "The plugin")),
    request_body(content = NewOrder, content_type = "application/json"),
    responses(
        (status = 200, description = "It has its place.", body = Plugin),
        (status = 400, description = "The body has a mistake.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such plugin.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It can't be done as things stand.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "It would not serve.", body = Problem, content_type = "application/problem+json"),
        (status = 500, description = "A file can't be read or written.", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "The proxy is stopping.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn order(
    State(admin): State<Arc<Admin>>,
    InPath(name): InPath<String>,
    Input(asked): Input<NewOrder>,
) -> Changed {
    let key = OverlayKey::Order(asked.order);
    shown(admin.control.set(&name, key, asked.keep.into()).await)
}

/// Set all settings of a plugin
///
/// They are held against the schema, and the plugin is started and tried with them before they are in force.
#[utoipa::path(put, path = "/api/v1/plugins/{name}/settings", tag = "plugins",
    params(("name" = String, Path, description = "The plugin")),
    request_body(content = NewSettings, content_type = "application/json"),
    responses(
        (status = 200, description = "They are in force.", body = PluginDetail),
        (status = 400, description = "The body has a mistake.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such plugin.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It can't be done as things stand.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "They are wrong, in the plugin's words.", body = Problem,
            content_type = "application/problem+json"),
        (status = 500, description = "A file can't be read or written.", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "The proxy is stopping.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn settings(
    State(admin): State<Arc<Admin>>,
    InPath(name): InPath<String>,
    Input(asked): Input<NewSettings>,
) -> Result<Json<PluginDetail>, Problem> {
    let settings = Settings::from_values(asked.settings).map_err(|key| {
        let key = crate::text::line(&key).into_owned();
        let detail = format!(
            "settings.{key} has a null in it, which is no value of a setting; leave it out"
        );
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    })?;
    let key = OverlayKey::Settings(settings);
    let status = admin.control.set(&name, key, asked.keep.into()).await?;
    Ok(Json(PluginDetail::of(&status)))
}

/// Serve the version before
///
/// It goes on whatever the file holds, until the file changes or the plugin is promoted. The last three versions that served are
/// kept. It runs under the configuration and the settings as they are now.
#[utoipa::path(post, path = "/api/v1/plugins/{name}/rollback", tag = "plugins",
    params(("name" = String, Path, description = "The plugin")),
    responses(
        (status = 200, description = "It serves.", body = Plugin),
        (status = 404, description = "There is no such plugin.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is no version before.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It would not serve.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The proxy is stopping.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn rollback(State(admin): State<Arc<Admin>>, InPath(name): InPath<String>) -> Changed {
    shown(admin.control.roll_back(&name).await)
}

/// Serve what the file holds again
#[utoipa::path(post, path = "/api/v1/plugins/{name}/promote", tag = "plugins",
    params(("name" = String, Path, description = "The plugin")),
    responses(
        (status = 200, description = "It serves.", body = Plugin),
        (status = 404, description = "There is no such plugin.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is no file, or it is disabled.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "It would not serve.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The proxy is stopping.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn promote(State(admin): State<Arc<Admin>>, InPath(name): InPath<String>) -> Changed {
    shown(admin.control.promote(&name).await)
}
