//! `/api/v1/what-if`: recorded exchanges through the chain as it runs now, without a backend.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::exchanges::{find, page, recorder};
use crate::admin::input::{InPath, Input};
use crate::admin::problem::Problem;
use crate::admin::state::Admin;
use crate::admin::view::WhatIf;
use crate::interceptor::ChainSource as _;
use crate::record::{Masks, Recorded};
use crate::what_if::{Player, Route, Stage, Unplayable};

/// Exchanges of one what-if.
const MOST_EXCHANGES: u32 = 1_000;

/// How long one may take. What is not played by then is left out.
const LONGEST: Duration = Duration::from_secs(10);

/// How long one waits for the one before it.
const TURN: Duration = Duration::from_secs(2);

/// Letters of all rows of an answer.
const MOST_TEXT: usize = 8 << 20;

/// Which exchanges are to be played
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WhatIfAsked {
    /// As for the list of exchanges.
    pub filter: Option<String>,
    /// At most so many, the newest; 1,000 without it.
    #[schema(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
}

/// What differs in the last exchanges
#[derive(Debug, Default, Clone, PartialEq, Serialize, ToSchema)]
pub struct WhatIfAnswer {
    /// Exchanges that went through the chain.
    pub played: usize,
    /// Those of them that came to the same.
    pub same: usize,
    /// Those of them with which something was masked.
    pub masked: usize,
    /// The others, the oldest first.
    pub different: Vec<WhatIf>,
    pub skipped: Vec<WhatIfSkipped>,
    /// Whether it took too long, so that the newest are among those that were left out.
    pub timed_out: bool,
    pub elapsed_us: u64,
}

/// An exchange that was left out
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WhatIfSkipped {
    pub id: String,
    pub why: String,
}

/// What plugins would do now with an exchange
///
/// The request as the first plugin got it goes through the chain as it runs now; the backend's recorded answer takes the backend's place.
/// Nothing outside is touched: the plugins' state begins empty, calls to other servers are refused, nothing is logged or counted.
#[utoipa::path(post, path = "/api/v1/exchanges/{id}/what-if", tag = "exchanges", operation_id = "what_if",
    params(("id" = String, Path, description = "16 hexadecimal digits, as in the log")),
    responses(
        (status = 200, description = "What differs.", body = WhatIf),
        (status = 404, description = "It is not kept, or not any more.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "It can't be played: it is a WebSocket, or a body was not kept whole.", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "Another what-if runs.", body = Problem, content_type = "application/problem+json"),
        (status = 504, description = "It took too long.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn one(
    State(admin): State<Arc<Admin>>,
    InPath(id): InPath<String>,
) -> Result<Json<WhatIf>, Problem> {
    let exchange = find(&admin, &id)?;
    let played = play(&admin, vec![exchange], |player, masks, exchanges| {
        let then = exchanges.first()?;
        Some(player.play(then, masks).map(|now| WhatIf::of(then, &now)))
    });
    match played.await? {
        Some(Ok(found)) => Ok(Json(found)),
        Some(Err(Unplayable::Stopped)) => Err(Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "the plugins took longer than 10 s",
        )),
        Some(Err(why)) => {
            let detail = format!("exchange {id} can't be played: {why}");
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail))
        }
        None => Err(broken()),
    }
}

/// What plugins would do now with the last exchanges
///
/// As for one exchange, one after the other: the plugins' state lasts from each to the next, and their clock follows the exchanges.
#[utoipa::path(post, path = "/api/v1/what-if", tag = "exchanges", operation_id = "what_if_all", request_body = WhatIfAsked,
    responses(
        (status = 200, description = "Which differ, and how.", body = WhatIfAnswer),
        (status = 400, description = "The filter has a mistake at a place that is named, or the limit is wrong.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "Nothing is recorded.", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Another what-if runs.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn all(
    State(admin): State<Arc<Admin>>,
    Input(asked): Input<WhatIfAsked>,
) -> Result<Json<WhatIfAnswer>, Problem> {
    let began = Instant::now();
    let limit = asked.limit.unwrap_or(MOST_EXCHANGES);
    if !(1..=MOST_EXCHANGES).contains(&limit) {
        let detail = "limit: expected a number from 1 to 1000";
        return Err(Problem::bad_request(detail));
    }
    recorder(&admin)?;
    let mut exchanges = page(&admin, asked.filter.as_deref(), limit, None).await?;
    exchanges.exchanges.sort_by_key(|exchange| exchange.began);
    let mut answer = play(&admin, exchanges.exchanges, WhatIfAnswer::of).await?;
    answer.elapsed_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    Ok(Json(answer))
}

impl WhatIfAnswer {
    fn of(player: &mut Player, masks: &Masks, exchanges: &[Arc<Recorded>]) -> Self {
        let mut answer = Self::default();
        let mut text = 0;
        for then in exchanges {
            let now = match player.play(then, masks) {
                Ok(now) => now,
                Err(why) => {
                    answer.timed_out |= why == Unplayable::Stopped;
                    let (id, why) = (format!("{:016x}", then.id), why.to_string());
                    answer.skipped.push(WhatIfSkipped { id, why });
                    continue;
                }
            };
            let found = WhatIf::of(then, &now);
            answer.played += 1;
            answer.same += usize::from(found.same);
            answer.masked += usize::from(!found.masked.is_empty());
            if found.same {
                continue;
            }
            text += found.weight();
            answer.different.push(match text > MOST_TEXT {
                true => found.without_rows(),
                false => found,
            });
        }
        answer
    }
}

/// Plays these exchanges, the oldest first, in a thread of its own. It ends when nobody waits for it any more.
async fn play<T: Send + 'static>(
    admin: &Admin,
    exchanges: Vec<Arc<Recorded>>,
    work: impl FnOnce(&mut Player, &Masks, &[Arc<Recorded>]) -> T + Send + 'static,
) -> Result<T, Problem> {
    let turn = admin.what_if.take(TURN).await.ok_or_else(|| {
        let detail = "another what-if runs; ask again when it is over";
        Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
    })?;
    let masks = recorder(admin)?.masks().clone();
    let routes = routes(admin);
    let stop = CancellationToken::new();
    let _leaves = stop.clone().drop_guard();
    let asked = stop.clone();
    let mut playing = tokio::task::spawn_blocking(move || {
        // To the end of the work, also when nobody waits for it.
        let _turn = turn;
        played(routes, &exchanges, &masks, stop, work)
    });
    let done = tokio::select! {
        done = &mut playing => done,
        () = tokio::time::sleep(LONGEST) => {
            asked.cancel();
            playing.await
        }
    };
    done.map_err(|_| broken())?
        .map_err(|why| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, why))
}

fn played<T>(
    routes: Vec<Route>,
    exchanges: &[Arc<Recorded>],
    masks: &Masks,
    stop: CancellationToken,
    work: impl FnOnce(&mut Player, &Masks, &[Arc<Recorded>]) -> T,
) -> Result<T, String> {
    let began = exchanges.first().map_or(0, |exchange| exchange.began);
    let stage = Stage::new(routes, Duration::from_micros(began))?;
    let mut player = Player::new(stage, began, stop);
    Ok(work(&mut player, masks, exchanges))
}

/// The chains as they are now.
fn routes(admin: &Admin) -> Vec<Route> {
    let routing = admin.proxy.routing();
    let routes = routing.routes.iter().map(|route| Route {
        config: route.config.clone(),
        backend: route.backend.clone(),
        chain: route.chains.current(),
    });
    routes.collect()
}

fn broken() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the what-if broke off; the log says why",
    )
}
