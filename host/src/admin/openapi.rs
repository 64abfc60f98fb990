//! The document of the API (OpenAPI 3.1), made of the handlers' own descriptions.

use axum::Json;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, RefOr, Required};
use utoipa::{Modify, OpenApi};

use super::api;
use super::guard::MARK;
use super::problem::Problem;

/// tollgate's admin API
///
/// Every answer that is no success is a `Problem`. What changes something (any method but GET and HEAD) needs the header field
/// `x-tollgate-admin: 1`, and `content-type: application/json` if it has a body. `host` must be an IP address, `localhost`, or a
/// name in `admin.hosts` (421). With a token every request but those for health needs `authorization: Bearer TOKEN` (401).
#[derive(OpenApi)]
#[openapi(
    paths(
        api::health::live,
        api::health::ready,
        document,
        api::metrics::metrics,
        api::status::status,
        api::plugins::list,
        api::plugins::one,
        api::plugins::change::reload,
        api::plugins::change::enable,
        api::plugins::change::disable,
        api::plugins::change::order,
        api::plugins::change::settings,
        api::plugins::change::rollback,
        api::plugins::change::promote,
        api::events::events,
        api::exchanges::list,
        api::exchanges::archive,
        api::exchanges::forget,
        api::exchanges::one,
        api::exchanges::step,
        api::exchanges::curl,
        api::what_if::one,
        api::what_if::all,
        api::replay::replay,
        api::logs::logs,
        api::reload::reload,
    ),
    components(schemas(Problem)),
    modifiers(&Token, &Guarded),
    security((), ("token" = []))
)]
struct Api;

/// Says that a token may be asked for.
struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut Document) {
        let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(token));
        document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    }
}

/// Says what the guard and the router say of every request.
struct Guarded;

/// The answers that any request may get, and those that one with an effect may get.
const TO_ALL: [(&str, &str); 3] = [
    ("401", "There is a token, and the request does not have it."),
    ("404", "There is no such thing."),
    ("421", "`host` is a name that is not known here."),
];
const TO_CHANGES: [(&str, &str); 4] = [
    (
        "403",
        "`x-tollgate-admin: 1` is missing, or a page of another origin asks.",
    ),
    ("408", "The body did not come in time."),
    ("413", "The body is larger than 1 MiB."),
    ("415", "The body is not said to be JSON."),
];

impl Modify for Guarded {
    fn modify(&self, document: &mut Document) {
        for (path, item) in &mut document.paths.paths {
            if path == "/live" || path == "/ready" {
                continue;
            }
            let PathItem {
                get,
                put,
                post,
                delete,
                ..
            } = item;
            for operation in [&mut *get, &mut *put, &mut *post, &mut *delete]
                .into_iter()
                .flatten()
            {
                answers(operation, &TO_ALL);
            }
            for operation in [put, post, delete].into_iter().flatten() {
                answers(operation, &TO_CHANGES);
                let parameters = operation.parameters.get_or_insert_default();
                parameters.push(RefOr::T(mark()));
            }
        }
    }
}

fn answers(operation: &mut Operation, answers: &[(&str, &str)]) {
    for (status, description) in answers {
        let answers = &mut operation.responses.responses;
        let answer = answers.entry((*status).to_owned());
        answer.or_insert_with(|| RefOr::T(Problem::described(description)));
    }
}

/// The header field without which nothing is changed.
fn mark() -> Parameter {
    let one = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(["1"]));
    ParameterBuilder::new()
        .name(MARK)
        .parameter_in(ParameterIn::Header)
        .required(Required::True)
        .description(Some("Shows that no page of another origin asks."))
        .schema(Some(one))
        .build()
}

/// The document.
pub fn openapi() -> Document {
    Api::openapi()
}

/// This document
#[utoipa::path(get, path = "/openapi.json", tag = "status", responses(
    (status = 200, description = "OpenAPI 3.1.", body = Object),
))]
pub async fn document() -> Json<Document> {
    Json(openapi())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn operations_have_names_and_what_changes_something_says_what_it_needs() {
        let document = serde_json::to_value(openapi()).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let mut names = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{name} is there twice");
                let parameters = operation["parameters"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                let marked = parameters.iter().any(|parameter| parameter["name"] == MARK);
                assert_eq!(marked, method != "get", "{method} {path}");
            }
        }
        assert!(document["components"]["schemas"]["Problem"].is_object());
    }
}
