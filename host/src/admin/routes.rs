//! Which path is answered by whom, and what every answer has in common.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{self, MethodRouter};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

use super::api::plugins::change;
use super::guard::{COOKIE, Judged};
use super::problem::Problem;
use super::state::Admin;
use super::{api, openapi, page};

/// A router that knows what is in it, so that a test can compare it with the document.
struct Routes {
    router: Router<Arc<Admin>>,
    listed: Vec<(&'static str, &'static str)>,
}

impl Routes {
    fn add(
        mut self,
        method: &'static str,
        path: &'static str,
        to: MethodRouter<Arc<Admin>>,
    ) -> Self {
        self.router = self.router.route(path, to);
        self.listed.push((method, path));
        self
    }

    fn get<T: 'static>(self, path: &'static str, handler: impl Handler<T, Arc<Admin>>) -> Self {
        self.add("get", path, routing::get(handler))
    }

    fn post<T: 'static>(self, path: &'static str, handler: impl Handler<T, Arc<Admin>>) -> Self {
        self.add("post", path, routing::post(handler))
    }

    fn delete<T: 'static>(self, path: &'static str, handler: impl Handler<T, Arc<Admin>>) -> Self {
        self.add("delete", path, routing::delete(handler))
    }

    fn put<T: 'static>(self, path: &'static str, handler: impl Handler<T, Arc<Admin>>) -> Self {
        self.add("put", path, routing::put(handler))
    }
}

fn routes() -> Routes {
    let none = Routes {
        router: Router::new(),
        listed: Vec::new(),
    };
    none.get("/live", api::health::live)
        .get("/ready", api::health::ready)
        .get("/openapi.json", openapi::document)
        .get("/metrics", api::metrics::metrics)
        .get("/api/v1/status", api::status::status)
        .get("/api/v1/plugins", api::plugins::list)
        .get("/api/v1/plugins/{name}", api::plugins::one)
        .get("/api/v1/exchanges", api::exchanges::list)
        .get("/api/v1/exchanges.har", api::exchanges::archive)
        .delete("/api/v1/exchanges", api::exchanges::forget)
        .get("/api/v1/exchanges/{id}", api::exchanges::one)
        .get("/api/v1/exchanges/{id}/steps/{index}", api::exchanges::step)
        .get("/api/v1/exchanges/{id}/curl", api::exchanges::curl)
        .post("/api/v1/exchanges/{id}/what-if", api::what_if::one)
        .post("/api/v1/what-if", api::what_if::all)
        .post("/api/v1/exchanges/{id}/replay", api::replay::replay)
        .get("/api/v1/logs", api::logs::logs)
        .get("/api/v1/events", api::events::events)
        .post("/api/v1/reload", api::reload::reload)
        .post("/api/v1/plugins/{name}/reload", change::reload)
        .post("/api/v1/plugins/{name}/enable", change::enable)
        .post("/api/v1/plugins/{name}/disable", change::disable)
        .put("/api/v1/plugins/{name}/order", change::order)
        .put("/api/v1/plugins/{name}/settings", change::settings)
        .post("/api/v1/plugins/{name}/rollback", change::rollback)
        .post("/api/v1/plugins/{name}/promote", change::promote)
}

/// All that the admin listener answers.
pub fn router(admin: Arc<Admin>) -> Router {
    let router = routes().router;
    router
        .route("/", routing::get(page::index))
        .route("/assets/{*path}", routing::get(page::asset))
        .fallback(nothing_there)
        .method_not_allowed_fallback(other_method)
        .layer(middleware::from_fn_with_state(admin.clone(), guarded))
        .with_state(admin)
}

async fn nothing_there(request: Request) -> Problem {
    let path = crate::text::line(request.uri().path()).into_owned();
    Problem::not_found(format!(
        "there is nothing at {path}; /openapi.json lists what there is"
    ))
}

async fn other_method(request: Request) -> Problem {
    let method = crate::text::line(request.method().as_str()).into_owned();
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not possible here; the field `allow` lists what is"),
    )
}

/// Lets by who may ask, and puts into every answer what browsers are to know.
async fn guarded(State(admin): State<Arc<Admin>>, request: Request, next: Next) -> Response {
    let judged = admin
        .guard
        .judge(request.method(), request.uri(), request.headers());
    let head = request.method() == Method::HEAD;
    let mut response = match judged {
        Judged::Passes => next.run(request).await,
        Judged::SignsIn => signed_in(&admin),
        Judged::Refused(problem) => {
            let mut response = problem.into_response();
            if response.status() == StatusCode::UNAUTHORIZED {
                let wanted = HeaderValue::from_static("Bearer");
                response
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, wanted);
            }
            if head {
                *response.body_mut() = axum::body::Body::empty();
            }
            response
        }
    };
    let fields = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        if !fields.contains_key(&name) {
            fields.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

/// Sends a browser to the page, with a cookie in the place of the token.
fn signed_in(admin: &Admin) -> Response {
    let cookie = admin
        .guard
        .token
        .as_ref()
        .map_or("", |token| token.cookie());
    let cookie = format!("{COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Strict");
    let fields = [
        (header::LOCATION, "/".to_owned()),
        (header::SET_COOKIE, cookie),
    ];
    (StatusCode::SEE_OTHER, fields).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What is answered is in the document, and what is in the document is answered.
    #[test]
    fn the_document_has_every_route_and_no_other() {
        let answered: BTreeSet<_> = routes()
            .listed
            .into_iter()
            .map(|(method, path)| (method.to_owned(), path.to_owned()))
            .collect();
        let document = serde_json::to_value(openapi::openapi()).unwrap();
        let mut described = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                described.insert((method.clone(), path.clone()));
            }
        }
        assert_eq!(answered, described);
    }
}
