//! One exchange from the request's head to the response's: the straight line that everything else hangs on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{Request, Response, Version};
use hyper::body::{Body as _, Incoming};

use super::chain::{self, Ran};
use super::error::ExchangeError;
use super::respond;
use super::upstream::Upstream;
use crate::interceptor::{ChainSource, Verdict};
use crate::message::hygiene::{self, BadRequest};
use crate::message::{Body, Exchange, Streaming};

/// What every connection of one worker shares.
#[derive(Debug)]
pub struct Proxy<S> {
    chains: Arc<S>,
    upstream: Upstream,
    next_id: AtomicU64,
}

/// The response to a client. It holds the chain that made it until its last byte is sent or given up.
pub type Answer<S> = Response<Held<S>>;

impl<S: ChainSource> Proxy<S> {
    /// Exchanges are numbered from `first_id`; workers that start far apart never meet.
    pub fn new(chains: Arc<S>, upstream: Upstream, first_id: u64) -> Self {
        Self {
            chains,
            upstream,
            next_id: AtomicU64::new(first_id),
        }
    }

    /// Answers one request. Whatever goes wrong becomes an answer too.
    pub async fn run(&self, request: Request<Incoming>, client: SocketAddr) -> Answer<S> {
        // 1. This exchange keeps this chain to its last byte, whatever is swapped in meanwhile.
        let chain = self.chains.current();
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);

        // 2. A head without the fields of the client's hop.
        let (exchange, received) = receive(id, client, request);

        // 3. and 4. Through the interceptors, until one answers or none is left.
        let (mut exchange, ran, verdict) = match received {
            Ok(()) => chain::forward_request(&chain, exchange).await,
            Err(error) => (exchange, Ran::new(), Err(error.into())),
        };

        // 5. To the backend, unless somebody answered.
        let answered = match verdict {
            Ok(Verdict::Respond) => Ok(()),
            Ok(Verdict::Forward) => self.ask_backend(&mut exchange).await,
            Err(error) => Err(error),
        };

        // 6. Back through the interceptors that ran.
        let (exchange, result) = match answered {
            Ok(()) => chain::return_response(&chain, exchange, &ran).await,
            Err(error) => (exchange, Err(error)),
        };

        // 7. and 8. The answer, or the error as one.
        let response = match result {
            Ok(()) => {
                let Exchange {
                    response,
                    response_body,
                    ..
                } = *exchange;
                Response::from_parts(response, response_body)
            }
            Err(error) => {
                tracing::warn!(exchange = %exchange.id, "{error}");
                respond::from_error(&error)
            }
        };
        response.map(|body| Held {
            body,
            _chain: chain,
        })
    }

    async fn ask_backend(&self, exchange: &mut Exchange) -> Result<(), ExchangeError> {
        let body = exchange.request_body.send();
        let response = self.upstream.send(&exchange.request, body).await?;
        let (mut response, body) = response.into_parts();
        hygiene::strip_hop_by_hop(&mut response.headers);
        // A proxy sends its own version, not the backend's (RFC 9110, section 2.5).
        response.version = Version::HTTP_11;
        exchange.response = response;
        exchange.response_body = body;
        Ok(())
    }
}

fn receive(
    id: u64,
    client: SocketAddr,
    request: Request<Incoming>,
) -> (Box<Exchange>, Result<(), BadRequest>) {
    let (mut head, body) = request.into_parts();
    let received = hygiene::receive_request(&mut head);
    hygiene::add_via(&mut head.headers, head.version);
    head.version = Version::HTTP_11;
    let body = if body.is_end_stream() {
        Body::Empty
    } else {
        Body::Stream(Streaming::new(body))
    };
    (Box::new(Exchange::new(id, client, head, body)), received)
}

/// A response body together with the chain that its exchange went through.
#[derive(Debug)]
pub struct Held<S: ChainSource> {
    body: Body,
    _chain: Arc<crate::interceptor::Chain<S::Interceptor>>,
}

impl<S: ChainSource> hyper::body::Body for Held<S> {
    type Data = bytes::Bytes;
    type Error = <Body as hyper::body::Body>::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        std::pin::Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}
