//! When an exchange is finished, and what is known of it then.

use std::sync::{Mutex, MutexGuard};

use http_body_util::BodyExt as _;

use super::*;
use crate::message::{Body, ExchangeId, RequestHead, Scheme, Streaming};

/// Keeps what it gets.
#[derive(Debug, Default)]
struct Keeping(Mutex<Vec<Arc<Finished>>>);

impl Keeping {
    fn kept(&self) -> MutexGuard<'_, Vec<Arc<Finished>>> {
        self.0.lock().unwrap()
    }
}

impl Observer for Keeping {
    fn wants(&self) -> Level {
        Level::Times
    }

    fn finished(&self, exchange: &Arc<Finished>) {
        self.kept().push(exchange.clone());
    }
}

fn begin() -> (Arc<Keeping>, Trace) {
    let keeping = Arc::new(Keeping::default());
    let observers = Arc::new(Observers::new(vec![keeping.clone()]));
    let head = RequestHead::new();
    let beginning = Beginning {
        id: ExchangeId(7),
        client: ([127, 0, 0, 1], 1).into(),
        scheme: Scheme::Http,
        head: &head,
    };
    (keeping, Trace::begin(&observers, beginning))
}

fn host() -> Performer {
    Performer::Host
}

#[test]
fn it_is_finished_once_when_the_last_lets_go() {
    let (keeping, trace) = begin();
    let other = trace.deeper();
    trace.sent(3, true);
    drop(trace);
    assert!(keeping.kept().is_empty());
    drop(other);
    let kept = keeping.kept();
    assert_eq!(kept.len(), 1);
    let times = &kept[0].times;
    assert_eq!(times.ending, Ending::Complete);
    assert_eq!((times.id, times.response_bytes), (ExchangeId(7), 3));
}

#[test]
fn nobody_is_told_where_nobody_observes() {
    let observers = Arc::new(Observers::default());
    let head = RequestHead::new();
    let beginning = Beginning {
        id: ExchangeId(7),
        client: ([127, 0, 0, 1], 1).into(),
        scheme: Scheme::Http,
        head: &head,
    };
    let mut trace = Trace::begin(&observers, beginning);
    trace.begin_step(|| panic!("asked for nothing"));
    assert!(!trace.is_on());
}

#[test]
fn a_step_that_is_not_over_is_abandoned_and_what_failed_is_not_complete() {
    let (keeping, mut trace) = begin();
    trace.begin_step(host);
    trace.computed(Duration::from_millis(1));
    trace.end_step(Outcome::Done);
    let mut inner = trace.deeper();
    inner.begin_step(host);
    CallTrace::begin(&inner, "GET", "a.test", "http://a.test/").end(Ok(200), 0);
    let failure = Failure {
        status: 504,
        proxy_error: "http_response_timeout",
        text: "late".to_owned(),
    };
    trace.fail(|| failure.clone());
    trace.answers(&ResponseHead::new(http::StatusCode::GATEWAY_TIMEOUT));
    trace.sent(0, true);
    drop((trace, inner));
    let kept = keeping.kept();
    let times = &kept[0].times;
    assert_eq!(times.ending, Ending::Failed(failure));
    assert_eq!(times.status, Some(504));
    let [first, second] = &times.steps[..] else {
        panic!("{:?}", times.steps)
    };
    assert_eq!(first.outcome, Outcome::Done);
    assert_eq!(first.computing, Some(Duration::from_millis(1)));
    assert_eq!(second.outcome, Outcome::Abandoned);
    assert_eq!((second.depth, second.outbound_calls), (1, 1));
    assert!(second.duration <= times.duration);
}

#[test]
fn a_client_that_leaves_cuts_it_off() {
    let (keeping, trace) = begin();
    trace.sent(10, false);
    drop(trace);
    assert_eq!(keeping.kept()[0].times.ending, Ending::CutOff);
}

#[tokio::test]
async fn a_body_that_is_read_later_keeps_it_open_and_is_counted() {
    let (keeping, trace) = begin();
    let mut body = Body::Stream(Streaming::new(http_body_util::Full::from("12345")));
    trace.came(&mut body);
    drop(trace);
    assert!(keeping.kept().is_empty());
    body.collect().await.unwrap();
    assert_eq!(keeping.kept()[0].times.request_bytes, 5);
}
