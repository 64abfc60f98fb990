//! Why a request's head is refused before its exchange, whatever protocol it came by.

use http::StatusCode;

use crate::message::TargetError;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHead {
    #[error(
        "the request's line is not a method, a target and HTTP/1.1, one space between them, and CR LF"
    )]
    RequestLine,
    #[error("the method is not a token")]
    Method,
    #[error("{0}")]
    Target(#[from] TargetError),
    #[error("only HTTP/1.0 and HTTP/1.1 are spoken here")]
    Version,
    #[error("{0}")]
    Field(#[from] BadField),
    #[error("the head is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the head has more than {0} fields")]
    TooManyFields(usize),
    #[error("content-length is not one decimal number")]
    ContentLength,
    #[error("transfer-encoding does not end with chunked, once, in HTTP/1.1")]
    TransferEncoding,
    #[error("no transfer coding but chunked is known here")]
    Coding,
    #[error("the request has both a content-length and a transfer-encoding")]
    TwoFramings,
    #[error("a field's name can be mistaken for content-length or transfer-encoding")]
    Ambiguous,
    #[error("no expectation but 100-continue is known here")]
    Expectation,
    #[error("the request's head did not come in time")]
    Timeout,
}

impl BadHead {
    /// The status that tells the client.
    pub fn status(&self) -> StatusCode {
        match self {
            BadHead::Target(TargetError::TooLong(_)) => StatusCode::URI_TOO_LONG,
            BadHead::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            BadHead::TooLarge(_) | BadHead::TooManyFields(_) => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            BadHead::Coding => StatusCode::NOT_IMPLEMENTED,
            BadHead::Expectation => StatusCode::EXPECTATION_FAILED,
            BadHead::Timeout => StatusCode::REQUEST_TIMEOUT,
            BadHead::RequestLine
            | BadHead::Method
            | BadHead::Target(_)
            | BadHead::Field(_)
            | BadHead::ContentLength
            | BadHead::TransferEncoding
            | BadHead::TwoFramings
            | BadHead::Ambiguous => StatusCode::BAD_REQUEST,
        }
    }
}

/// What is wrong with a field line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadField {
    #[error("a field's name is not a token that a colon follows at once")]
    Name,
    #[error("a field's value holds a control character")]
    Value,
    #[error("a line does not end with CR LF")]
    LineEnd,
    #[error("a field is continued on a second line")]
    Fold,
}
