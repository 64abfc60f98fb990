//! A recorded request that goes through the proxy again, as if its client had sent it again.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use http::StatusCode;
use http_body_util::BodyExt as _;

use super::delivery::Delivery as _;
use super::exchange::Proxy;
use super::held::Held;
use super::inbound::{Client, Inbound};
use crate::interceptor::ChainSource;
use crate::message::{Body, Checked, ExchangeId, Known, RequestHead, Scheme, hygiene};

/// The field that says of which exchange a request is a replay.
pub const REPLAY_OF: &str = "x-tollgate-replay";

/// A replay whose response has begun.
#[derive(Debug)]
pub struct Replaying {
    pub status: StatusCode,
    body: Held,
}

impl Replaying {
    /// Takes the rest of the response, as a client does that wants all of it. Dropped before its end, it is one that has left.
    pub async fn read(self) {
        let mut body = pin!(self.body);
        loop {
            match body.frame().await {
                Some(Ok(_)) => {}
                Some(Err(_)) => return,
                None => return body.as_mut().delivered(),
            }
        }
    }
}

impl<S: ChainSource> Proxy<S> {
    /// The listener that every request comes by; none where there are several, each of which may have routes of its own.
    pub fn only_listener(&self) -> Option<Arc<str>> {
        let routing = self.routing();
        let mut listeners = routing.listeners.keys();
        let only = listeners.next().cloned();
        only.filter(|_| listeners.next().is_none())
    }

    /// Sends the request of the exchange `of` again, by this listener and from this client. It meets what a request meets that comes now: limits, routes,
    /// plugins, backends, observers. Gives the id of the new exchange at once.
    pub fn replay(
        &self,
        of: ExchangeId,
        listener: Arc<str>,
        mut head: RequestHead,
        body: Body,
        client: SocketAddr,
        scheme: Scheme,
    ) -> (ExchangeId, impl Future<Output = Replaying> + Send) {
        // Nobody waits for leave to send the body, which is here.
        head.fields.remove(Known::Expect);
        if let Some(of) = Checked::new(of.to_string().as_bytes()) {
            head.fields.insert(REPLAY_OF, of);
        }
        let client = Client {
            listener,
            address: client,
            shown: hygiene::shown_address(client),
            scheme,
        };
        let inbound = Inbound {
            head,
            body,
            refused: None,
            tunnel: None,
            on_informational: None,
        };
        let id = self.new_id();
        let running = self.run_as(id, inbound, &client, false);
        let replaying = async move {
            let (head, body) = running.await;
            let status = head.status;
            Replaying { status, body }
        };
        (id, replaying)
    }
}
