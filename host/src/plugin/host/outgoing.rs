//! What `wasi:http/outgoing-handler` does: outbound requests by the HTTP library of a plugin's language, with bodies that stream. Where
//! they may go, and how many there may be, is as for `client`.

#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
};

use super::observed::observed;
use crate::message::Trace;
use crate::outbound::{
    AnswerBody, CallBudget, CallError, CallHead, CallTimes, Caller, Part, Phase, StreamCall,
};

/// What a guest's HTTP library works with.
pub struct OutgoingHttp {
    ctx: WasiHttpCtx,
    requests: OutgoingRequests,
}

/// By whom the next request is sent.
struct OutgoingRequests {
    sender: Option<Result<Caller, CallError>>,
    budget: Arc<CallBudget>,
    /// Of the call of the plugin in which the next request is sent. Taken with it, as it keeps the exchange unfinished.
    trace: Trace,
}

impl OutgoingHttp {
    /// `max_head` is the most bytes of fields that one message may have.
    pub fn new(max_head: usize) -> Self {
        let mut ctx = WasiHttpCtx::new();
        ctx.set_field_size_limit(max_head);
        Self {
            ctx,
            requests: OutgoingRequests {
                sender: None,
                budget: Arc::default(),
                trace: Trace::OFF,
            },
        }
    }

    /// The next request is sent by this caller, and counts in this budget.
    pub fn set_sender(
        &mut self,
        sender: Result<Caller, CallError>,
        budget: Arc<CallBudget>,
        trace: Trace,
    ) {
        self.requests = OutgoingRequests {
            sender: Some(sender),
            budget,
            trace,
        };
    }

    /// The call is over for which the next request would have been sent.
    pub fn let_go(&mut self) {
        self.requests.trace = Trace::OFF;
    }

    pub fn view<'a>(&'a mut self, table: &'a mut ResourceTable) -> WasiHttpCtxView<'a> {
        WasiHttpCtxView {
            ctx: &mut self.ctx,
            table,
            hooks: &mut self.requests,
        }
    }
}

impl std::fmt::Debug for OutgoingHttp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutgoingHttp").finish_non_exhaustive()
    }
}

type Sent = wasmtime_wasi_http::Result<(
    Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
)>;

impl WasiHttpHooks for OutgoingRequests {
    /// The client sets it where it is absent.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _response: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let none = || CallError::Configuration("nobody sends it".to_owned());
        let sender = self.sender.take().unwrap_or_else(|| Err(none()));
        let budget = self.budget.clone();
        let trace = std::mem::take(&mut self.trace);
        Box::new(async move {
            let response = send(sender, request, options, &budget, trace)
                .await
                .map_err(|error| wasi_error(&error))?;
            let nothing_left: Box<dyn Future<Output = Result<(), Error>> + Send> =
                Box::new(std::future::ready(Ok(())));
            Ok((response, nothing_left))
        })
    }
}

async fn send(
    sender: Result<Caller, CallError>,
    request: Request<WasiBody>,
    options: Option<RequestOptions>,
    budget: &CallBudget,
    trace: Trace,
) -> Result<Response<WasiBody>, CallError> {
    let sender = sender?;
    let (head, body) = request.into_parts();
    let fields = head.headers.iter();
    let mut call = StreamCall {
        head: CallHead {
            method: head.method.as_str().to_owned(),
            uri: head.uri.to_string(),
            fields: fields
                .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
                .collect(),
        },
        body: body
            .map_err(|error| Box::from(error.to_string()))
            .boxed_unsync(),
        times: CallTimes {
            head: options.as_ref().and_then(|times| times.first_byte_timeout),
            gap: options
                .as_ref()
                .and_then(|times| times.between_bytes_timeout),
        },
        max_response: sender.max_response(),
    };
    let seen = observed(&trace, &mut call.head);
    drop(trace);
    let response = sender.stream(call, budget).await;
    match &response {
        Ok(response) => {
            let length = response.body().size_hint().lower();
            seen.end(Ok(response.status().as_u16()), length);
        }
        Err(error) => seen.end(Err(error.to_string()), 0),
    }
    let response = response?;
    Ok(response.map(|body| GivenBody(body).boxed_unsync()))
}

/// A response's body with the errors of `wasi:http`.
struct GivenBody(AnswerBody);

impl Body for GivenBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.0).poll_frame(cx);
        polled.map(|frame| frame.map(|frame| frame.map_err(|error| wasi_error(&error))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

/// What a guest is told, in the words of `wasi:http`.
fn wasi_error(error: &CallError) -> Error {
    let size = |limit: &u64| Some(*limit);
    let head = |limit: &u64| u32::try_from(*limit).ok();
    match error {
        // The text says what to add to the configuration, which none of the other cases could.
        CallError::Denied { .. }
        | CallError::ForbiddenAddress { .. }
        | CallError::InvalidRequest(_)
        | CallError::TooMany { .. }
        | CallError::Configuration(_) => Error::InternalError(Some(error.to_string())),
        CallError::Unresolved { why, .. } => Error::DnsError {
            rcode: Some(why.clone()),
            info_code: None,
        },
        CallError::Unreachable { .. } => Error::ConnectionRefused,
        CallError::TlsFailed { .. } => Error::TlsProtocolError,
        CallError::TimedOut { what, .. } => match what {
            Phase::Resolve => Error::DnsTimeout,
            Phase::Connect => Error::ConnectionTimeout,
            Phase::Head => Error::HttpResponseTimeout,
            Phase::Body => Error::ConnectionReadTimeout,
        },
        CallError::TooLarge { what, limit } => match what {
            Part::RequestHead => Error::HttpRequestHeaderSectionSize(head(limit)),
            Part::RequestBody => Error::HttpRequestBodySize(size(limit)),
            Part::ResponseHead => Error::HttpResponseHeaderSectionSize(head(limit)),
            Part::ResponseBody => Error::HttpResponseBodySize(size(limit)),
        },
        CallError::Protocol(_) => Error::HttpProtocolError,
        CallError::Terminated(_) => Error::HttpResponseIncomplete,
        CallError::Loop { .. } => Error::LoopDetected,
    }
}
