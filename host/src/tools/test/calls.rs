//! The outbound requests that a plugin is expected to send in an exchange, each with its answer.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

use super::meets::{Bodies, met_value};
use super::message::TargetPattern;
use super::pattern;
use crate::outbound::{
    AddressRange, Allow, CallError, Destination, OutboundConfig, Part, StandIn, StandInAnswer,
};

/// A request that is expected, and what comes of it.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// With an absolute URL, which stands as a pattern beside it too. Of its fields only those count that are here.
    pub request: Request<Bytes>,
    pub answer: CannedAnswer,
    /// How long the answer takes.
    pub after: Duration,
    /// Where the request stands in the file.
    pub line: usize,
}

/// What comes of a call.
#[derive(Debug, Clone)]
pub(super) enum CannedAnswer {
    Response(Response<Bytes>),
    Error(CannedError),
}

/// Why a call has no response. (What a plugin itself does wrong, the client says as it does in the proxy.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CannedError {
    Unresolved(String),
    Unreachable(String),
    Tls(String),
    Protocol(String),
    TimedOut,
    TooLarge,
}

impl CannedError {
    /// # Errors
    /// Says what was expected.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "expected `unresolved: WHY`, `unreachable: WHY`, `tls: WHY`, `protocol: WHY`, `timed-out` or \
            `too-large`. (`denied`, `invalid-request` and `too-many` come of what the plugin sends and may reach.)";
        let (kind, why) = match text.split_once(':') {
            Some((kind, why)) => (kind, Some(why.trim().to_owned())),
            None => (text, None),
        };
        match (kind.trim(), why) {
            ("unresolved", Some(why)) => Ok(Self::Unresolved(why)),
            ("unreachable", Some(why)) => Ok(Self::Unreachable(why)),
            ("tls", Some(why)) => Ok(Self::Tls(why)),
            ("protocol", Some(why)) => Ok(Self::Protocol(why)),
            ("timed-out", None) => Ok(Self::TimedOut),
            ("too-large", None) => Ok(Self::TooLarge),
            _ => Err(EXPECTED.to_owned()),
        }
    }

    /// What the client says. None: it says so itself when the call has taken too long.
    fn told(&self, request: &Request<Bytes>) -> Option<CallError> {
        let uri = request.uri();
        let host = uri.host().unwrap_or_default().to_owned();
        let peer = || {
            uri.authority()
                .map_or_else(String::new, ToString::to_string)
        };
        Some(match self.clone() {
            Self::Unresolved(why) => CallError::Unresolved { host, why },
            Self::Unreachable(why) => CallError::Unreachable { peer: peer(), why },
            Self::Tls(why) => CallError::TlsFailed { peer: peer(), why },
            Self::Protocol(why) => CallError::Protocol(why),
            Self::TooLarge => CallError::TooLarge {
                what: Part::ResponseBody,
                limit: OutboundConfig::default().max_response,
            },
            Self::TimedOut => return None,
        })
    }
}

/// What came otherwise than expected.
#[derive(Debug, Default)]
pub(super) struct CallsCame {
    /// Expected and never sent, as places among those that were expected.
    pub unsent: Vec<usize>,
    /// Sent and not expected. They have no answer.
    pub unanswered: Vec<Request<Bytes>>,
}

impl CallsCame {
    pub(super) fn is_as_expected(&self) -> bool {
        self.unsent.is_empty() && self.unanswered.is_empty()
    }
}

/// The answers of a case in the place of the network.
#[derive(Debug, Default)]
pub(super) struct CannedCalls(Mutex<Running>);

#[derive(Debug, Default)]
struct Running {
    calls: Vec<Call>,
    is_sent: Vec<bool>,
    unanswered: Vec<Request<Bytes>>,
}

impl CannedCalls {
    /// From now on these are the answers.
    pub(super) fn begin(&self, calls: &[Call]) {
        *self.lock() = Running {
            calls: calls.to_vec(),
            is_sent: vec![false; calls.len()],
            unanswered: Vec::new(),
        };
    }

    /// What came of them. There are none any more.
    pub(super) fn end(&self) -> CallsCame {
        let ended = std::mem::take(&mut *self.lock());
        let unsent = ended.is_sent.iter().enumerate();
        CallsCame {
            unsent: unsent
                .filter(|(_, sent)| !**sent)
                .map(|(at, _)| at)
                .collect(),
            unanswered: ended.unanswered,
        }
    }

    /// The first answer that fits and was not given yet.
    fn take(&self, request: &Request<Bytes>) -> Option<Call> {
        let mut running = self.lock();
        let fits =
            |at: &usize| !running.is_sent[*at] && is_met(&running.calls[*at].request, request);
        let Some(at) = (0..running.calls.len()).find(fits) else {
            running.unanswered.push(with_url(request.clone()));
            return None;
        };
        running.is_sent[at] = true;
        Some(running.calls[at].clone())
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StandIn for CannedCalls {
    fn answer(&self, request: Request<Bytes>) -> StandInAnswer<'_> {
        Box::pin(async move {
            let Some(call) = self.take(&request) else {
                let why = "the test case has no answer for this request".to_owned();
                let peer = request.uri().host().unwrap_or_default().to_owned();
                return Err(CallError::Unreachable { peer, why });
            };
            if !call.after.is_zero() {
                tokio::time::sleep(call.after).await;
            }
            match call.answer {
                CannedAnswer::Response(response) => Ok(response),
                CannedAnswer::Error(error) => match error.told(&request) {
                    Some(told) => Err(told),
                    None => std::future::pending().await,
                },
            }
        })
    }
}

/// The whole URL in the place of a target, for texts.
fn with_url(mut request: Request<Bytes>) -> Request<Bytes> {
    let escaped = pattern::escaped(request.uri().to_string().as_bytes());
    let url = String::from_utf8_lossy(&escaped).into_owned();
    request.extensions_mut().insert(TargetPattern(url));
    request
}

/// Whether a request is the expected one.
fn is_met(expected: &Request<Bytes>, came: &Request<Bytes>) -> bool {
    let met_field = |name| {
        let (expected, came) = (
            expected.headers().get_all(name),
            came.headers().get_all(name),
        );
        expected.iter().count() == came.iter().count()
            && expected.iter().zip(came).all(|(e, c)| met_value(e, c))
    };
    expected.method() == came.method()
        && met_url(expected, came)
        && expected.headers().keys().all(met_field)
        && Bodies::of_requests(expected, came).are_met()
}

pub(super) fn met_url(expected: &Request<Bytes>, came: &Request<Bytes>) -> bool {
    match expected.extensions().get::<TargetPattern>() {
        Some(TargetPattern(url)) if pattern::is_pattern(url.as_bytes()) => {
            pattern::meets(url.as_bytes(), came.uri().to_string().as_bytes())
        }
        _ => expected.uri() == came.uri(),
    }
}

/// Every destination: nothing leaves a test.
pub(super) fn everywhere() -> Allow {
    let destinations = ["http://*:*", "https://*:*"].map(Destination::parse);
    let ranges = ["0.0.0.0/0", "::/0"].map(AddressRange::parse);
    Allow::new(
        destinations.into_iter().flatten().collect(),
        ranges.into_iter().flatten().collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::{CallBudget, CallHead, Outbound, WholeAnswer, WholeCall};
    use crate::tools::test::message::{parse_request, parse_response};

    fn canned(request: &str, answer: CannedAnswer) -> Call {
        Call {
            request: parse_request(request.as_bytes(), false, true).unwrap(),
            answer,
            after: Duration::ZERO,
            line: 1,
        }
    }

    fn ok(body: &str) -> CannedAnswer {
        let text = format!("HTTP/1.1 200 OK\nx-a: 1\nconnection: close\n\n{body}");
        CannedAnswer::Response(parse_response(text.as_bytes(), false).unwrap())
    }

    fn error(text: &str) -> CannedAnswer {
        CannedAnswer::Error(CannedError::parse(text).unwrap())
    }

    type Sent = (&'static str, &'static str, &'static str);

    /// Sends these requests at once (method, URL, body), each with a field.
    async fn send(
        calls: &[Call],
        sent: &[Sent],
    ) -> (Vec<Result<WholeAnswer, CallError>>, CallsCame) {
        let stand_in = std::sync::Arc::new(CannedCalls::default());
        stand_in.begin(calls);
        let outbound = Outbound::new(OutboundConfig::default()).unwrap();
        let caller = outbound.caller_without_network("p", everywhere(), stand_in.clone());
        let call = |(method, uri, body): &Sent| WholeCall {
            head: CallHead {
                method: (*method).to_owned(),
                uri: (*uri).to_owned(),
                fields: vec![("x-key".to_owned(), b"k1".to_vec())],
            },
            body: Bytes::from_static(body.as_bytes()),
            timeout: Some(Duration::from_secs(5)),
        };
        let sent = sent.iter().map(call).collect();
        let answers = caller.send_all(sent, &CallBudget::new(0)).await;
        (answers, stand_in.end())
    }

    #[tokio::test(start_paused = true)]
    async fn each_answer_is_for_one_request_that_it_fits() {
        let calls = [
            canned("GET http://h/a HTTP/1.1\n", ok("1")),
            canned("GET http://h/a HTTP/1.1\nx-key: {{any}}\n", ok("2")),
            canned(
                "POST https://10.0.0.1:9/{{re:[a-z]+}} HTTP/1.1\n\n{{any}}",
                ok("3"),
            ),
            canned("GET http://h/a HTTP/1.1\nx-key: k2\n", ok("4")),
            canned("GET http://h/a HTTP/1.1\nx-none: 1\n", ok("5")),
        ];
        let sent = [
            ("POST", "https://10.0.0.1:9/abc", "body"),
            ("GET", "http://h/a", ""),
            ("GET", "http://h/a", ""),
            ("GET", "http://h/a", ""),
            ("POST", "http://h/a", ""),
        ];
        let (answers, came) = send(&calls, &sent).await;
        let bodies: Vec<_> = answers
            .iter()
            .map(|answer| {
                answer
                    .as_ref()
                    .map_or("-", |a| std::str::from_utf8(&a.body).unwrap())
            })
            .collect();
        assert_eq!(bodies, ["3", "1", "2", "-", "-"]);
        let first = answers[0].as_ref().unwrap();
        let names: Vec<_> = first.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((first.status, names), (200, vec!["x-a"]));
        let told = answers[3].as_ref().unwrap_err().to_string();
        assert_eq!(
            told,
            "h can't be reached: the test case has no answer for this request"
        );
        assert_eq!(came.unsent, [3, 4]);
        let unanswered: Vec<_> = came
            .unanswered
            .iter()
            .map(|r| (r.method().as_str(), r.headers().len()))
            .collect();
        assert_eq!(
            unanswered,
            [("GET", 1), ("POST", 1)],
            "without the marks of the host"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn errors_come_as_the_client_tells_them_and_take_their_time() {
        for (text, told, seconds) in [
            (
                "unresolved: no such name",
                "the name h can't be resolved: no such name",
                0,
            ),
            (
                "unreachable: connection refused",
                "h:1 can't be reached: connection refused",
                0,
            ),
            ("tls: expired", "TLS with h:1 failed: expired", 0),
            (
                "protocol: no status",
                "the peer's response is no valid HTTP: no status",
                0,
            ),
            (
                "too-large",
                "the body of the response is larger than 16777216 bytes",
                0,
            ),
            (
                "timed-out",
                "the head of the response took longer than 5 s",
                5,
            ),
        ] {
            let begin = tokio::time::Instant::now();
            let call = canned("GET https://h:1/ HTTP/1.1\n", error(text));
            let (answers, came) = send(&[call], &[("GET", "https://h:1/", "")]).await;
            assert_eq!(answers[0].as_ref().unwrap_err().to_string(), told);
            assert_eq!(begin.elapsed().as_secs(), seconds, "{text}");
            assert!(came.is_as_expected());
        }
        for wrong in ["", "tls", "timed-out: x", "denied: x", "x: y"] {
            assert!(CannedError::parse(wrong).is_err(), "{wrong}");
        }
        let mut late = canned("GET https://h:1/ HTTP/1.1\n", ok(""));
        late.after = Duration::from_secs(3);
        let begin = tokio::time::Instant::now();
        let (answers, _) = send(&[late.clone()], &[("GET", "https://h:1/", "")]).await;
        assert!(answers[0].is_ok());
        assert_eq!(begin.elapsed().as_secs(), 3);
        late.after = Duration::from_secs(6);
        let (answers, _) = send(&[late], &[("GET", "https://h:1/", "")]).await;
        assert!(matches!(answers[0], Err(CallError::TimedOut { .. })));
    }
}
