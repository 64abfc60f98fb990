//! Sends each request on to `backend.internal`, marked, and marks the response: the smallest proxy that wstd can make.

use wstd::http::{Authority, Body, Client, Error, HeaderValue, Request, Response, Scheme, Uri};

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, Error> {
    let (mut parts, body) = request.into_parts();
    let mut target = parts.uri.into_parts();
    target.scheme = Some(Scheme::HTTP);
    target.authority = Some(Authority::from_static("backend.internal"));
    parts.uri = Uri::from_parts(target)?;
    let mark = "x-forward";
    parts
        .headers
        .insert(mark, HeaderValue::from_static("request"));
    let mut response = Client::new().send(Request::from_parts(parts, body)).await?;
    response
        .headers_mut()
        .insert(mark, HeaderValue::from_static("response"));
    Ok(response)
}
