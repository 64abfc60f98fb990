//! What stands behind this component: the rest of the chain.

#[cfg(not(feature = "service"))]
use super::bindings::wasi::http::handler;
use super::bindings::wasi::http::types::{ErrorCode, Request, Response};
#[cfg(feature = "service")]
use super::bindings::wasi::http::{client, types::Scheme};
#[cfg(feature = "service")]
use super::message::first_line;

/// The placeholder that stands for the rest of the chain.
#[cfg(feature = "service")]
const BACKEND: &str = "backend.internal";

/// Asks the handler that follows in the chain.
#[cfg(not(feature = "service"))]
pub async fn ask(request: Request) -> Result<Response, ErrorCode> {
    handler::handle(request).await
}

/// Sends to the placeholder authority, or to the one that the request's field x-authority names.
#[cfg(feature = "service")]
pub async fn ask(request: Request) -> Result<Response, ErrorCode> {
    let named = first_line(&request.get_headers(), "x-authority");
    let authority = named.as_deref().unwrap_or(BACKEND);
    let set = request.set_scheme(Some(&Scheme::Http));
    set.expect("http is a scheme");
    let set = request.set_authority(Some(authority));
    set.expect("it is an authority");
    client::send(request).await
}
