//! The way to the server.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt as _;
use tokio::runtime::{Builder, Runtime};

use crate::cli::TapeSendArgs;
use crate::config;
use crate::config::backend::HostField;
use crate::message::{Body, Checked, ExchangeId, Known, ResponseHead, Trace, hygiene};
use crate::proxy::REPLAY_OF;
use crate::proxy::upstream::{Backend, Outgoing};
use crate::record::{Message, trailers};

/// The most bytes of an answer's body.
const MOST: usize = 256 << 20;

/// How long an answer may take, body and all.
const LONGEST: Duration = Duration::from_secs(120);

/// Connections to one server, and the runtime that they live in.
pub struct Wire {
    backend: Backend,
    runtime: Runtime,
}

impl Wire {
    /// Nothing is connected to yet.
    ///
    /// # Errors
    /// When the URL is none, or there can be no connections; says why.
    pub fn new(args: &TapeSendArgs) -> Result<Self, String> {
        let mut config =
            config::backend_at(&args.to).map_err(|why| format!("--to {:?}: {why}", args.to))?;
        if config.tape().is_some() {
            return Err(format!("--to {:?}: expected a server", args.to));
        }
        if !args.keep_host {
            config.host = HostField::Rewrite;
        }
        config.tls.verify = !args.insecure;
        let backend = Backend::new("of --to", config).map_err(|error| error.to_string())?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        Ok(Self { backend, runtime })
    }

    /// Sends the request of the exchange `of` and gives the whole answer.
    ///
    /// # Errors
    /// Why there is none.
    pub fn send(&self, of: u64, request: &Message) -> Result<Message, String> {
        let mut head = request.request_head().map_err(|why| why.to_string())?;
        hygiene::receive_request(&mut head).map_err(|why| why.to_string())?;
        head.fields.remove(Known::Expect);
        let body = body(request);
        if !matches!(body, Body::Empty) {
            // It says its own.
            head.fields.remove(Known::ContentLength);
        }
        let of = ExchangeId(of).to_string();
        if let Some(of) = Checked::new(of.as_bytes()) {
            head.fields.insert(REPLAY_OF, of);
        }
        let trace = Trace::OFF;
        let outgoing = Outgoing {
            head: &head,
            body,
            upgrade: None,
            expect_continue: false,
            on_informational: None,
            trace: &trace,
        };
        self.runtime.block_on(async {
            let answer = async {
                let received = self
                    .backend
                    .send(outgoing)
                    .await
                    .map_err(|it| it.to_string())?;
                let has_body = head.method != Method::HEAD;
                whole(&received.head, received.body, has_body).await
            };
            match tokio::time::timeout(LONGEST, answer).await {
                Ok(answer) => answer,
                Err(_) => Err(format!("no whole answer in {} s", LONGEST.as_secs())),
            }
        })
    }
}

fn body(request: &Message) -> Body {
    let data = Bytes::copy_from_slice(&request.content.kept);
    let trailers = trailers(&request.trailers);
    match data.is_empty() && trailers.is_none() {
        true => Body::Empty,
        false => Body::Full {
            data,
            trailers: trailers.map(Box::new),
        },
    }
}

async fn whole(head: &ResponseHead, mut body: Body, has_body: bool) -> Result<Message, String> {
    let mut data = Vec::new();
    while has_body && let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("the answer broke off: {error}"))?;
        if let Some(part) = frame.data_ref() {
            data.extend_from_slice(part);
        }
        if data.len() > MOST {
            return Err(format!("the answer has more than {} MiB", MOST >> 20));
        }
    }
    Ok(Message::of_response(head, data))
}
