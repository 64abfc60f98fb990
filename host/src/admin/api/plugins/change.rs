//! What may be asked of a plugin. An answer comes when it is so, or says why it is not; nothing has changed then.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::openapi::{self, RefOr};
use utoipa::{IntoResponses, ToSchema};

use super::data::{Plugin, PluginDetail};
use super::secrets::{Secrets, Unknown};
use super::unknown;
use crate::admin::input::{InPath, Input};
use crate::admin::problem::Problem;
use crate::admin::state::Admin;
use crate::config::{OverlayKey, Settings};
use crate::plugin::{Keep, OrderError, PluginStatus};
use crate::record::MASKED;

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
    /// All of them: what is not here is not set. `[masked]` in the place of a secret keeps what it is.
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

/// What is answered when a plugin's files were not read.
struct NotRead;

impl IntoResponses for NotRead {
    fn responses() -> Answers {
        Problem::all_described(&[
            UNKNOWN,
            ("500", "The directory can't be looked into."),
            STOPPING,
        ])
    }
}

/// What is answered when something was not set.
struct NotSet;

impl IntoResponses for NotSet {
    fn responses() -> Answers {
        Problem::all_described(&[
            ("400", "The body has a mistake."),
            UNKNOWN,
            ("409", "It can't be done as things stand."),
            WOULD_NOT,
            ("500", "A file can't be read or written."),
            STOPPING,
        ])
    }
}

/// What is answered when another version does not serve.
struct NotServed;

impl IntoResponses for NotServed {
    fn responses() -> Answers {
        let missing = "There is no such version, or the plugin has no file or is disabled.";
        Problem::all_described(&[UNKNOWN, ("409", missing), WOULD_NOT, STOPPING])
    }
}

const UNKNOWN: (&str, &str) = ("404", "There is no such plugin.");
const WOULD_NOT: (&str, &str) = (
    "422",
    "It would not serve, or its settings are wrong, in the plugin's words.",
);
const STOPPING: (&str, &str) = ("503", "The proxy is stopping.");

type Answers = BTreeMap<String, RefOr<openapi::Response>>;

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
        NotRead,
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
        NotSet,
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
        NotSet,
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
        NotSet,
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
        NotSet,
    ))]
pub async fn settings(
    State(admin): State<Arc<Admin>>,
    InPath(name): InPath<String>,
    Input(asked): Input<NewSettings>,
) -> Result<Json<PluginDetail>, Problem> {
    let unprocessable = |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
    let before = admin.table.get(&name).ok_or_else(|| unknown(&name))?;
    let secrets = Secrets::of(&before, &admin.masks);
    let wanted = secrets.restored(asked.settings, before.config.settings.values());
    let wanted = wanted.map_err(|Unknown(at)| {
        let at = crate::text::line(&at.replace('/', ".")).into_owned();
        unprocessable(format!(
            "settings{at} is \"{MASKED}\", which stands for a value that is kept, but it can't be told for which one here; \
             give the value, or leave it out"
        ))
    })?;
    let settings = Settings::from_values(wanted).map_err(|key| {
        let key = crate::text::line(&key).into_owned();
        unprocessable(format!(
            "settings.{key} has a null in it, which is no value of a setting; leave it out"
        ))
    })?;
    let key = OverlayKey::Settings(settings);
    let status = admin.control.set(&name, key, asked.keep.into()).await?;
    Ok(Json(PluginDetail::of(&status, &admin.masks)))
}

/// Serve the version before
///
/// It goes on whatever the file holds, until the file changes or the plugin is promoted. The last three versions that served are
/// kept. It runs under the configuration and the settings as they are now.
#[utoipa::path(post, path = "/api/v1/plugins/{name}/rollback", tag = "plugins",
    params(("name" = String, Path, description = "The plugin")),
    responses(
        (status = 200, description = "It serves.", body = Plugin),
        NotServed,
    ))]
pub async fn rollback(State(admin): State<Arc<Admin>>, InPath(name): InPath<String>) -> Changed {
    shown(admin.control.roll_back(&name).await)
}

/// Serve what the file holds again
#[utoipa::path(post, path = "/api/v1/plugins/{name}/promote", tag = "plugins",
    params(("name" = String, Path, description = "The plugin")),
    responses(
        (status = 200, description = "It serves.", body = Plugin),
        NotServed,
    ))]
pub async fn promote(State(admin): State<Arc<Admin>>, InPath(name): InPath<String>) -> Changed {
    shown(admin.control.promote(&name).await)
}
