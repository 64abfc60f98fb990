//! `/api/v1/plugins`: every plugin as it stands.

pub mod change;
mod data;
mod secrets;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::input::InPath;
use crate::admin::problem::Problem;
use crate::admin::state::Admin;

pub use data::{Plugin, PluginDetail};

/// Every plugin, in the order in which a request meets them
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Plugins {
    pub plugins: Vec<Plugin>,
}

impl Plugins {
    pub fn of(admin: &Admin) -> Self {
        let plugins = admin.table.snapshot();
        Self {
            plugins: plugins.iter().map(Plugin::of).collect(),
        }
    }
}

/// Every plugin as it stands
#[utoipa::path(get, path = "/api/v1/plugins", tag = "plugins", responses(
    (status = 200, description = "In the order in which a request meets them.", body = Plugins),
))]
pub async fn list(State(admin): State<Arc<Admin>>) -> Json<Plugins> {
    Json(Plugins::of(&admin))
}

/// One plugin, with its settings and what is granted to it
#[utoipa::path(get, path = "/api/v1/plugins/{name}", tag = "plugins", operation_id = "plugin",
    params(("name" = String, Path, description = "The name of its file, without the extension")),
    responses(
        (status = 200, description = "As it stands.", body = PluginDetail),
        (status = 404, description = "There is no such plugin.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn one(
    State(admin): State<Arc<Admin>>,
    InPath(name): InPath<String>,
) -> Result<Json<PluginDetail>, Problem> {
    let status = admin.table.get(&name).ok_or_else(|| unknown(&name))?;
    Ok(Json(PluginDetail::of(&status, &admin.masks)))
}

fn unknown(name: &str) -> Problem {
    let name = crate::text::line(name);
    Problem::not_found(format!(
        "there is no plugin {name}; GET /api/v1/plugins lists those that there are"
    ))
}
