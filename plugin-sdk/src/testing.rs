//! Runs a plugin natively, with `cargo test`, without wasm and without a proxy.
//!
//! ```
//! use tollgate_plugin::{Answer, Plugin, Request, Result, Verdict, testing};
//!
//! #[derive(serde::Deserialize)]
//! struct Mark {
//!     value: String,
//! }
//!
//! impl Plugin for Mark {
//!     fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
//!         request.set_field("X-Mark", &self.value)?;
//!         Ok(Verdict::Forward)
//!     }
//! }
//!
//! let outcome = testing::exchange()
//!     .target("/x")
//!     .setting("value", "seen")
//!     .backend_response(Answer::new(200).text("hello"))
//!     .run::<Mark>();
//! assert_eq!(outcome.request.field("x-mark"), Some("seen"));
//! assert_eq!(outcome.response.text(), "hello");
//! assert_eq!(outcome.error, None);
//! ```
//!
//! The same rules apply as in the host (`wit/v0.1`): which names, values, targets and statuses are valid, which fields only
//! the host sets, and when a body can be read. The free functions of the crate (`exchange::id()`, `info!`, …) refer to the
//! exchange that runs on the calling thread.

mod background;
mod checked;
mod outcome;
mod rewriting;
mod schema;
#[cfg(test)]
mod tests;
mod websocket;

pub use crate::in_hand::Recorded;
pub use outcome::{Outcome, RequestSeen, ResponseSeen};
pub use rewriting::Rewritten;
pub use schema::check_schema;
pub use serde_json::json;
pub use websocket::Conversation;

use std::time::Duration;

use checked::checked;
use serde_json::Value;

use crate::export::Loaded;
use crate::in_hand::{self, Body, Kept, State};
use crate::outbound::{IncomingResponse, SendError};
use crate::{Answer, BodyError, Plugin, export};

/// Creates an exchange for a test. By default it is `GET /` without fields from `127.0.0.1:50000`, and the backend answers
/// with an empty 200.
#[must_use]
#[derive(Debug, Default)]
pub struct Exchange {
    state: State,
    backend: Option<Answer>,
    backend_body_error: Option<BodyError>,
}

/// An exchange for a test of a plugin.
pub fn exchange() -> Exchange {
    Exchange::default()
}

impl Exchange {
    /// Sets the method; default `GET`. This function and the others here panic if a value is invalid in a request.
    pub fn method(mut self, method: &str) -> Self {
        checked(self.state.set_method(method), "method");
        self
    }

    /// Sets the scheme, `http` or `https`; default `http`.
    pub fn scheme(mut self, scheme: &str) -> Self {
        self.state.scheme = scheme.to_owned();
        self
    }

    /// Sets method, target, fields and body from a request of the crate `http`.
    ///
    /// ```
    /// use tollgate_plugin::{Plugin, testing};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Nothing;
    ///
    /// impl Plugin for Nothing {}
    ///
    /// let request = http::Request::put("http://h/x?y").header("x-a", "1").body("b").unwrap();
    /// let outcome = testing::exchange().http_request(request).run::<Nothing>();
    /// assert_eq!((outcome.request.method.as_str(), outcome.request.target.as_str()), ("PUT", "/x?y"));
    /// assert_eq!(outcome.request.field_values("host"), ["h"]);
    /// ```
    #[cfg(feature = "http")]
    pub fn http_request<B: AsRef<[u8]>>(self, request: http::Request<B>) -> Self {
        let (parts, body) = request.into_parts();
        let target = parts
            .uri
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        let mut exchange = self.method(parts.method.as_str()).target(target).body(body);
        if let Some(authority) = parts.uri.authority() {
            exchange = exchange.authority(authority.as_str());
        }
        for (name, value) in &parts.headers {
            exchange = exchange.field(name.as_str(), value);
        }
        exchange
    }

    /// Sets the authority that the client requested, which is also the request's field `host`.
    pub fn authority(self, authority: &str) -> Self {
        self.field("host", authority)
    }

    /// Sets path and query; default `/`.
    pub fn target(mut self, target: &str) -> Self {
        checked(self.state.set_target(target), "target");
        self
    }

    /// Adds a field to the request, as sent by the client. Fields such as `content-length` are allowed.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        checked(self.state.request.receive(name, value.as_ref()), name);
        self
    }

    /// Sets the request's body.
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.state.request.body = Body::Streaming(body.as_ref().to_vec());
        self
    }

    /// Makes every read of the request's body fail.
    pub fn body_error(mut self, error: BodyError) -> Self {
        self.state.request.body = Body::Broken(error);
        self
    }

    /// Sets the result of `exchange::id`.
    pub fn id(mut self, id: &str) -> Self {
        self.state.id = id.to_owned();
        self
    }

    /// Sets the result of `exchange::client_address`.
    pub fn client_address(mut self, address: &str) -> Self {
        self.state.client_address = address.to_owned();
        self
    }

    /// Sets a note, as an earlier plugin would.
    pub fn note(mut self, key: &str, value: impl AsRef<[u8]>) -> Self {
        self.state
            .notes
            .insert(key.to_owned(), value.as_ref().to_vec());
        self
    }

    /// Adds one setting, as in the host's configuration: `setting("limit", 3)`.
    pub fn setting(mut self, key: &str, value: impl Into<Value>) -> Self {
        let text = match value.into() {
            Value::String(text) => text,
            other => other.to_string(),
        };
        self.state.settings.push((key.to_owned(), text));
        self
    }

    /// Sets all settings, as a JSON object: `json!({ "limit": 3 })`.
    pub fn settings(self, settings: Value) -> Self {
        let Value::Object(settings) = settings else {
            panic!("settings are an object, not {settings}");
        };
        settings
            .into_iter()
            .fold(self, |exchange, (key, value)| exchange.setting(&key, value))
    }

    /// Sets the result of `clocks::now`, as the time since 1970; default 2026-01-01T00:00:00Z. The time is fixed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate_plugin::{Plugin, Request, Result, Verdict, clocks, testing};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Stamps;
    ///
    /// impl Plugin for Stamps {
    ///     fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
    ///         request.set_field("x-ms", clocks::unix_ms().to_string())?;
    ///         Ok(Verdict::Forward)
    ///     }
    /// }
    ///
    /// let outcome = testing::exchange().now(Duration::from_millis(1500)).run::<Stamps>();
    /// assert_eq!(outcome.request.field("x-ms"), Some("1500"));
    /// ```
    pub fn now(mut self, since_1970: Duration) -> Self {
        self.state.now = since_1970;
        self
    }

    /// Sets the seed of the random numbers; default 0.
    pub fn random_seed(mut self, seed: u64) -> Self {
        self.state.random = seed;
        self
    }

    /// Puts a value into the plugin's state, which is empty otherwise.
    pub fn state(mut self, key: &str, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref().to_vec();
        self.state
            .kept
            .insert(key.to_owned(), Kept { value, until: None });
        self
    }

    /// Sets the response to outbound requests for this URI. Requests for others are denied.
    pub fn outbound(mut self, uri: &str, answer: Answer) -> Self {
        let (status, fields, body) = answer.into_parts();
        let response = IncomingResponse {
            status,
            fields,
            body,
            trailers: Vec::new(),
        };
        self.state.answers.push((uri.to_owned(), Ok(response)));
        self
    }

    /// Makes outbound requests for this URI fail.
    pub fn outbound_error(mut self, uri: &str, error: SendError) -> Self {
        self.state.answers.push((uri.to_owned(), Err(error)));
        self
    }

    /// Names the backends that the plugin may choose. The one of the route is `default`.
    pub fn backends(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.state.backends = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the backend's response.
    pub fn backend_response(mut self, answer: Answer) -> Self {
        self.backend = Some(answer);
        self
    }

    /// Makes every read of the backend's body fail.
    pub fn backend_body_error(mut self, error: BodyError) -> Self {
        self.backend_body_error = Some(error);
        self
    }

    /// Creates the plugin from the settings and runs both hooks, as the host does for a chain with only this plugin.
    pub fn run<P: Plugin>(self) -> Outcome {
        self.run_with(export::load::<P>, |_| {}, |_| {})
    }

    /// The same; what rewrites bodies acts after each hook.
    fn run_with<P: Plugin>(
        self,
        load: fn() -> Loaded<P>,
        after_request: impl FnOnce(&mut Ran<'_, P>),
        after_response: impl FnOnce(&mut Ran<'_, P>),
    ) -> Outcome {
        let guard = in_hand::install(self.state);
        let plugin = load();
        let started = export::start(&plugin);
        in_hand::with(|state| state.may_choose = true);
        let answered = started.and_then(|()| export::forward_request(&plugin));
        in_hand::with(|state| state.may_choose = false);
        let mut ran = Ran {
            plugin: &plugin,
            error: None,
        };
        let reached_backend = answered == Ok(false);
        if reached_backend {
            after_request(&mut ran);
        }
        let request = in_hand::with(|state| {
            let seen = RequestSeen::of(state);
            state.request.body.pass_on();
            state.response.begin_hook();
            seen
        });
        if reached_backend {
            in_hand::with(|state| {
                answer_from_backend(state, self.backend, self.backend_body_error)
            });
        }
        if ran.error.is_none() {
            ran.error = match answered {
                Ok(_) => export::return_response(&plugin).err(),
                Err(error) => Some(error),
            };
        }
        if ran.error.is_none() {
            after_response(&mut ran);
        }
        let error = ran.error;
        Outcome::of(guard.take(), request, reached_backend, error)
    }
}

/// A plugin between two hooks.
struct Ran<'a, P> {
    plugin: &'a Loaded<P>,
    error: Option<String>,
}

/// What `forward_request` did to the response is forgotten but for its fields, which an error of the host would get;
/// the backend's answer takes its place.
fn answer_from_backend(state: &mut State, answer: Option<Answer>, broken: Option<BodyError>) {
    let (status, fields, body) = answer.unwrap_or_else(|| Answer::new(200)).into_parts();
    state.status = status;
    state.error_fields = std::mem::take(&mut state.response).fields;
    state.response.body = match broken {
        Some(error) => Body::Broken(error),
        None => Body::Streaming(body),
    };
    for (name, value) in fields {
        checked(state.response.receive(&name, &value), &name);
    }
}
