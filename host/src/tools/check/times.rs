//! How long a plugin's functions take, as the proxy calls them: on instances that rest between calls.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;

use super::findings::{Calls, CheckRefusal};
use crate::interceptor::{Hook, InterceptError, Surround, Transform};
use crate::message::{Body, Exchange};
use crate::plugin::{EmptyBackend, Guest, HooksPlugin, StandardComponent};

/// Calls of each function that are timed, and the time after which it is enough.
const CALLS: usize = 500;
const ENOUGH: Duration = Duration::from_secs(2);

/// Calls before those: the first ones make the instance and find the caches cold.
const WARM_UP: usize = 20;

/// Calls what the plugin has for exchanges of the host's own.
///
/// # Errors
/// When a call fails that is like the first ones, which went well.
pub(super) async fn time_calls(guest: &Guest) -> Result<Vec<Calls>, CheckRefusal> {
    let mut times: Vec<(Hook, Vec<Duration>)> = Vec::new();
    let begin = Instant::now();
    for number in 1..=WARM_UP + CALLS {
        let enough = begin.elapsed() > ENOUGH;
        if enough && !times.is_empty() {
            break;
        }
        let calls = match guest {
            Guest::Around(component) => handle(component).await,
            Guest::Hooks(hooks) => both_hooks(hooks).await,
        };
        let failed = |(hook, error)| CheckRefusal::LaterCall {
            number,
            hook,
            error,
        };
        // Whatever is so slow that the warm-up takes all the time is as good as warm.
        let counts = number > WARM_UP || enough;
        for (hook, time) in calls.map_err(failed)?.into_iter().filter(|_| counts) {
            match times.iter_mut().find(|(other, _)| *other == hook) {
                Some((_, times)) => times.push(time),
                None => times.push((hook, vec![time])),
            }
        }
    }
    let calls = times.into_iter().map(|(hook, times)| Calls {
        hook,
        tier: guest.tier(),
        count: times.len(),
        median: median(times),
    });
    Ok(calls.collect())
}

/// How long each function took, or which failed.
type Timed = Result<Vec<(Hook, Duration)>, (Hook, InterceptError)>;

async fn both_hooks(guest: &HooksPlugin) -> Timed {
    let exchange = Box::new(Exchange::blank());
    let start = Instant::now();
    let (exchange, result) = guest.forward_request(exchange).await;
    let forward = start.elapsed();
    sound(result).map_err(|error| (Hook::ForwardRequest, error))?;
    let start = Instant::now();
    let (_, result) = guest.return_response(exchange).await;
    let back = start.elapsed();
    sound(result).map_err(|error| (Hook::ReturnResponse, error))?;
    Ok(vec![
        (Hook::ForwardRequest, forward),
        (Hook::ReturnResponse, back),
    ])
}

/// With the answer's body, which the component may make when the head has long been sent.
async fn handle(guest: &StandardComponent) -> Timed {
    let start = Instant::now();
    let exchange = Box::new(Exchange::blank());
    let (mut exchange, result) = guest.handle(exchange, Arc::new(EmptyBackend)).await;
    sound(result).map_err(|error| (Hook::Handle, error))?;
    // A body that breaks off is an answer too.
    let _ = std::mem::replace(&mut exchange.response_body, Body::Gone)
        .collect()
        .await;
    Ok(vec![(Hook::Handle, start.elapsed())])
}

/// An error that the plugin returns is its own affair: the exchange was made up.
fn sound<T>(result: Result<T, InterceptError>) -> Result<(), InterceptError> {
    use InterceptError::{Body, Next, Returned};
    match result {
        Ok(_) | Err(Returned(_) | Body { .. } | Next(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The middle one; of none, nothing.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        let times = |list: &[u64]| list.iter().map(|ms| Duration::from_millis(*ms)).collect();
        assert_eq!(median(times(&[9, 1, 2])), Duration::from_millis(2));
        assert_eq!(median(times(&[])), Duration::ZERO);
    }
}
