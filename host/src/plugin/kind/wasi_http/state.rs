//! What is in the store of a standard component, and what it can reach: WASI without files and sockets, HTTP to what comes
//! next alone.

use std::sync::Arc;

use http::Request;
use wasmtime::component::{Accessor, HasSelf, Linker, Resource};
use wasmtime_wasi::{WasiCtxView, WasiView};
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView, p3,
};

use super::convert;
use super::life::GuestLife;
use super::next::GuestExchange;
use crate::plugin::wasm::{GuestState, PluginVersion};

/// The interface by which a middleware asks what comes next.
const HANDLER: &str = "wasi:http/handler@0.3.0";

/// The state of one instance, which serves one request.
pub struct StandardState {
    pub guest: GuestState,
    pub life: Arc<GuestLife>,
    http: WasiHttpCtx,
    hooks: OutgoingRequests,
}

impl std::fmt::Debug for StandardState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StandardState")
            .field("life", &self.life)
            .finish_non_exhaustive()
    }
}

/// What `wasi:http` asks us: where a request goes.
struct OutgoingRequests {
    origin: Arc<GuestExchange>,
}

impl StandardState {
    pub fn new(
        version: &Arc<PluginVersion>,
        life: Arc<GuestLife>,
        origin: Arc<GuestExchange>,
    ) -> Self {
        // It knows nothing of our settings, but where its like find theirs.
        let guest = GuestState::new(version, version.config.settings.texts());
        // It serves one exchange, so what it says ends with it.
        guest.voice.begin_heard(origin.exchange(), origin.trace());
        Self {
            guest,
            life,
            http: http_limits(version),
            hooks: OutgoingRequests { origin },
        }
    }
}

/// Its fields together may have as much as those of a request that came, and as much again.
fn http_limits(version: &PluginVersion) -> WasiHttpCtx {
    let mut http = WasiHttpCtx::new();
    http.set_field_size_limit(2 * version.config.max_head);
    http
}

impl WasiView for StandardState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.guest.wasi()
    }
}

impl WasiHttpView for StandardState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.hooks,
            table: &mut self.guest.table,
            ctx: &mut self.http,
        }
    }
}

type Sent = wasmtime_wasi_http::Result<(
    http::Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
)>;

impl WasiHttpHooks for OutgoingRequests {
    /// The placeholder stands for what comes next. Nothing else may be reached.
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _options: Option<RequestOptions>,
        _response: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let origin = self.origin.clone();
        Box::new(async move {
            let authority = request.uri().authority();
            if !authority.is_some_and(|authority| convert::is_placeholder(authority.as_str())) {
                return Err(Error::HttpRequestDenied);
            }
            let response = origin.ask(request).await?;
            let nothing_left: Box<dyn Future<Output = Result<(), Error>> + Send> =
                Box::new(std::future::ready(Ok(())));
            Ok((response, nothing_left))
        })
    }
}

/// Offers a standard component everything that it may import.
///
/// # Errors
/// None that a component could cause: the same names twice would be a mistake of ours.
pub fn add_to_linker(linker: &mut Linker<StandardState>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi::p3::add_to_linker(linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    p3::add_to_linker(linker)?;
    linker.instance(HANDLER)?.func_wrap_concurrent(
        "handle",
        |accessor: &Accessor<StandardState, HasSelf<StandardState>>,
         (request,): (Resource<p3::Request>,)| {
            Box::pin(async move { Ok((handle(accessor, request).await?,)) })
        },
    )
}

/// `handler.handle`: sends a middleware's request to what comes next.
async fn handle(
    accessor: &Accessor<StandardState, HasSelf<StandardState>>,
    request: Resource<p3::Request>,
) -> wasmtime::Result<Result<Resource<p3::Response>, ErrorCode>> {
    let taken = accessor.with(|mut access| {
        let state = access.get();
        let origin = state.hooks.origin.clone();
        let request = state.guest.table.delete(request)?;
        match request.into_http(&mut access, std::future::ready(Ok(()))) {
            Ok((request, _options)) => Ok(Ok((origin, request))),
            Err(error) => error.downcast().map(Err),
        }
    })?;
    let (origin, request) = match taken {
        Ok(taken) => taken,
        Err(code) => return Ok(Err(code)),
    };
    match origin.ask(request).await {
        Ok(response) => accessor.with(|mut access| {
            let http = access.get().http();
            let (response, _read) = p3::Response::from_http(http.hooks, response);
            Ok(Ok(http.table.push(response)?))
        }),
        Err(error) => Ok(Err(error_code(&error))),
    }
}

/// What a guest is told, in the words of `wasi:http` 0.3.
fn error_code(error: &Error) -> ErrorCode {
    match error {
        Error::DestinationUnavailable => ErrorCode::DestinationUnavailable,
        Error::HttpResponseTimeout => ErrorCode::HttpResponseTimeout,
        Error::HttpResponseIncomplete => ErrorCode::HttpResponseIncomplete,
        Error::HttpRequestDenied => ErrorCode::HttpRequestDenied,
        Error::HttpRequestUriInvalid => ErrorCode::HttpRequestUriInvalid,
        Error::HttpRequestBodySize(size) => ErrorCode::HttpRequestBodySize(*size),
        Error::ConnectionTerminated => ErrorCode::ConnectionTerminated,
        Error::ConnectionReadTimeout => ErrorCode::ConnectionReadTimeout,
        other => ErrorCode::InternalError(Some(other.to_string())),
    }
}
