//! `/api/v1/exchanges/{id}/replay`: a recorded request sent again through this proxy, as a new exchange.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::{Method, StatusCode, Version};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::exchanges::{computed, find};
use crate::admin::input::{InPath, Input};
use crate::admin::problem::Problem;
use crate::admin::state::Admin;
use crate::message::{Body, Checked, ExchangeId, Known, RequestHead, Scheme};
use crate::record::{Message, Recorded, StartLine, Unusable, content};

/// How long a replay is waited for.
const LONGEST: Duration = Duration::from_secs(60);

/// How long to wait for its record.
const RECORDED: Duration = Duration::from_secs(2);

/// What becomes of a request of which something was masked
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Masked {
    /// It is not sent.
    #[default]
    Refuse,
    /// It is sent with `[masked]` in the place of what was masked.
    Send,
}

/// How to replay an exchange
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayAsked {
    #[serde(default)]
    #[schema(inline)]
    pub masked: Masked,
}

/// What came of a replay
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Replay {
    /// The new exchange: 16 hexadecimal digits, as in the log.
    pub id: String,
    /// What the client would have got.
    pub status: u16,
    pub then: ReplayThen,
    /// Whether status and body are those of then.
    pub same: bool,
    /// Where the request has `[masked]`: names of fields in lower case, `target`, `body`.
    pub masked: Vec<String>,
}

/// What the client got then
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReplayThen {
    /// None if it got nothing.
    pub status: Option<u16>,
}

/// Send a request again
///
/// The request as its client sent it goes through this proxy again, with the field `x-tollgate-replay: ID`, and is recorded as
/// a new exchange. Answers when the response has come, 60 s later at most.
#[utoipa::path(post, path = "/api/v1/exchanges/{id}/replay", tag = "exchanges", operation_id = "replay",
    params(("id" = String, Path, description = "16 hexadecimal digits, as in the log")),
    request_body(content = Option<ReplayAsked>, content_type = "application/json"),
    responses(
        (status = 200, description = "It was sent, and answered.", body = Replay),
        (status = 400, description = "The body has a mistake.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "It is not kept, or not any more.", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "Something of the request was masked: `\"masked\": \"send\"` sends it so.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "It can't be sent again: its body was not kept whole, or it opened a tunnel.", body = Problem,
            content_type = "application/problem+json"),
        (status = 504, description = "No response in 60 s.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn replay(
    State(admin): State<Arc<Admin>>,
    InPath(id): InPath<String>,
    Input(asked): Input<ReplayAsked>,
) -> Result<Json<Replay>, Problem> {
    let then = find(&admin, &id)?;
    let masked = then.request.masked();
    if asked.masked == Masked::Refuse && !masked.is_empty() {
        let problem = format!(
            "it was masked in {}, so the request would not be the same; send it so with \"masked\": \"send\"",
            masked.join(", ")
        );
        return Err(Problem::new(StatusCode::CONFLICT, problem));
    }
    let (head, body) = sendable(&then).map_err(|why| {
        let problem = format!("it can't be sent again: {why}");
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, problem)
    })?;
    let listener = admin.proxy.only_listener().ok_or_else(|| {
        let problem = "there are several listeners, and it is not recorded which one it came by";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, problem)
    })?;
    let scheme = match &then.scheme[..] {
        "https" => Scheme::Https,
        _ => Scheme::Http,
    };
    let of = ExchangeId(then.id);
    let (id, replaying) = admin
        .proxy
        .replay(of, listener, head, body, then.client, scheme);
    let answered = tokio::time::timeout(LONGEST, async {
        let replaying = replaying.await;
        let status = replaying.status;
        // All of it, so that the exchange is complete; what it is, the record says.
        replaying.read().await;
        status
    });
    let status = answered.await.map_err(|_| late(id))?.as_u16();
    let recorder = admin.recorder.clone();
    let before = then.clone();
    let same = computed(move || {
        let recorder = recorder?;
        recorder.flush(RECORDED);
        let now = recorder.ring().get(id.0)?;
        Some(is_same(&before, &now))
    });
    Ok(Json(Replay {
        id: id.to_string(),
        status,
        same: same.await?.unwrap_or(false),
        then: ReplayThen {
            status: then.status(),
        },
        masked,
    }))
}

fn late(id: ExchangeId) -> Problem {
    let problem = format!(
        "exchange {id} had no whole response in 60 s and was ended; the list of exchanges shows how far it came"
    );
    Problem::new(StatusCode::GATEWAY_TIMEOUT, problem)
}

/// The request as its client sent it.
fn sendable(then: &Recorded) -> Result<(RequestHead, Body), Unusable> {
    let unusable = |why: &str| Unusable::Other(why.to_owned());
    if then.is_websocket() || then.request.field("upgrade").is_some() {
        return Err(unusable("it asks for another protocol (WebSocket)"));
    }
    if !then.request.content.complete {
        return Err(unusable("its body did not come to its end"));
    }
    let mut request = then.request.clone();
    request.settle_length();
    let mut head = request.request_head()?;
    if head.method == Method::CONNECT {
        return Err(unusable("it opens a tunnel"));
    }
    if then.protocol == "HTTP/2" {
        head.version = Version::HTTP_2;
    }
    let StartLine::Request { authority, .. } = &request.line else {
        return Err(unusable("it has no request"));
    };
    // A target may have named another host than the field.
    if let Some(host) = Checked::new(authority.as_bytes()).filter(|_| !authority.is_empty()) {
        head.fields.insert(Known::Host, host);
    }
    Ok((head, request.body()?))
}

/// Whether the client got the same.
fn is_same(then: &Recorded, now: &Recorded) -> bool {
    let body = |message: &Message| {
        let length = message.content.length;
        (content::decoded(message).into_owned(), length)
    };
    let answer = |exchange: &Recorded| exchange.answer().as_ref().map(body);
    then.status() == now.status() && answer(then) == answer(now)
}
