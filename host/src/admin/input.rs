//! What a request brings, read with bounds; a mistake in it is a [`Problem`] that says where.

use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// Bytes of a body.
const LARGEST_BODY: usize = 1 << 20;

/// How long a body may take to come.
const BODY: Duration = Duration::from_secs(10);

/// A JSON body. None at all is an empty object.
#[derive(Debug)]
pub struct Input<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let whole = tokio::time::timeout(BODY, to_bytes(request.into_body(), LARGEST_BODY)).await;
        let late = |_| {
            Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "the body took more than 10 s to come; send it at once",
            )
        };
        let bytes = whole.map_err(late)?.map_err(|error| {
            let too_large = std::error::Error::source(&error)
                .is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
            match too_large {
                true => Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "a body may have 1 MiB here; send less",
                ),
                false => Problem::bad_request(format!("the body could not be read: {error}")),
            }
        })?;
        let text = match bytes.is_empty() {
            true => &b"{}"[..],
            false => &bytes[..],
        };
        serde_json::from_slice(text).map(Self).map_err(|error| {
            let detail = format!(
                "the body is not what is expected here: {error}; /openapi.json says what is"
            );
            Problem::bad_request(detail)
        })
    }
}

/// A part of the path that is a name.
#[derive(Debug)]
pub struct InPath<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = Path::<T>::from_request_parts(parts, state).await;
        let wrong = |error: PathRejection| {
            Problem::bad_request(format!(
                "the path is not what is expected here: {}",
                error.body_text()
            ))
        };
        read.map(|Path(read)| Self(read)).map_err(wrong)
    }
}

/// The query.
#[derive(Debug)]
pub struct Asked<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = Query::<T>::from_request_parts(parts, state).await;
        let wrong = |error: QueryRejection| {
            let detail = format!(
                "the query is not what is expected here: {}; /openapi.json says what is",
                error.body_text()
            );
            Problem::bad_request(detail)
        };
        read.map(|Query(read)| Self(read)).map_err(wrong)
    }
}
