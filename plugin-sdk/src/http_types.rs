//! Messages as types of the crate `http`, for plugins that have code which speaks them. Behind the feature `http`.
//!
//! A message of the current exchange is a handle and not a value, so it is turned into a value (`http_parts`, `to_http`)
//! and one is put in its place (`set_http_parts`, `set_http`). The fields that only the host sets can be read but are
//! passed over when a message is put back, so that a message goes round unharmed.

use http::header::{HOST, InvalidHeaderValue};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, request, response};

use crate::field::is_owned_by_host;
use crate::host::{self, Side};
use crate::{Answer, FieldError, FieldValue, Request, Response, Result, Verdict};

impl Request {
    /// The method as the type of the crate `http`.
    ///
    /// # Errors
    ///
    /// A request from the host never causes an error.
    pub fn http_method(&self) -> Result<Method> {
        Ok(host::method().parse()?)
    }

    /// Scheme, authority and target together; the target alone if the client named no authority.
    ///
    /// ```
    /// # use tollgate_plugin::{Plugin, Request, Result, Verdict, testing};
    /// # #[derive(serde::Deserialize)]
    /// # struct Example;
    /// # impl Plugin for Example {
    /// fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
    ///     let uri = request.uri()?;
    ///     assert_eq!(uri.host(), Some("shop.example"));
    ///     assert_eq!(uri.query(), Some("page=2"));
    ///     Ok(Verdict::Forward)
    /// }
    /// # }
    /// # let exchange = testing::exchange().authority("shop.example:8080").target("/list?page=2");
    /// # assert_eq!(exchange.run::<Example>().error, None);
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the crate `http` does not accept the authority or the target.
    pub fn uri(&self) -> Result<Uri> {
        let (authority, target) = (host::authority(), host::target());
        if authority.is_empty() || target == "*" {
            return Ok(target.parse()?);
        }
        let uri = Uri::builder()
            .scheme(host::scheme().as_str())
            .authority(authority)
            .path_and_query(target);
        Ok(uri.build()?)
    }

    /// Changes the target, and the authority if the URI has one. The scheme is how the client spoke to the host, and
    /// can't be changed.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`set_target`](Self::set_target) and [`set_authority`](Self::set_authority).
    pub fn set_uri(&mut self, uri: &Uri) -> Result<(), FieldError> {
        self.set_target(
            uri.path_and_query()
                .map_or("/", http::uri::PathAndQuery::as_str),
        )?;
        match uri.authority() {
            Some(authority) => self.set_authority(authority),
            None => Ok(()),
        }
    }

    /// Everything but the body. The URI is the target, the authority is the field `host`, the version is always HTTP/1.1.
    ///
    /// # Errors
    ///
    /// Returns an error if the crate `http` does not accept the target.
    pub fn http_parts(&self) -> Result<request::Parts> {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.method = self.http_method()?;
        parts.uri = host::target().parse()?;
        parts.headers = headers(Side::Request)?;
        Ok(parts)
    }

    /// The whole request, body included; see [`body`](Self::body) for what that takes.
    ///
    /// ```
    /// # use tollgate_plugin::{Plugin, Request, Result, Verdict, testing};
    /// # #[derive(serde::Deserialize)]
    /// # struct Example;
    /// # impl Plugin for Example {
    /// fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
    ///     let mut whole: http::Request<bytes::Bytes> = request.to_http()?.map(Into::into);
    ///     whole.headers_mut().remove("x-internal");
    ///     request.set_http(whole)?;
    ///     Ok(Verdict::Forward)
    /// }
    /// # }
    /// # let outcome = testing::exchange().field("x-internal", "1").body("b").run::<Example>();
    /// # assert_eq!((outcome.request.field("x-internal"), outcome.request.text()), (None, "b"));
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`http_parts`](Self::http_parts) and [`body`](Self::body).
    pub fn to_http(&self) -> Result<http::Request<Vec<u8>>> {
        Ok(http::Request::from_parts(self.http_parts()?, self.body()?))
    }

    /// Makes this the head of the request. The body stays; fields that are not in the list are removed, but for those
    /// that only the host sets.
    ///
    /// # Errors
    ///
    /// Returns an error if the host refuses a part. Earlier parts are then already changed.
    pub fn set_http_parts(&mut self, parts: &request::Parts) -> Result<(), FieldError> {
        self.set_method(&parts.method)?;
        set_headers(Side::Request, &parts.headers)?;
        self.set_uri(&parts.uri)
    }

    /// Makes this the request, body included.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`set_http_parts`](Self::set_http_parts).
    pub fn set_http<B: AsRef<[u8]>>(
        &mut self,
        request: http::Request<B>,
    ) -> Result<(), FieldError> {
        let (parts, body) = request.into_parts();
        self.set_http_parts(&parts)?;
        self.set_body(body);
        Ok(())
    }
}

impl Response {
    /// The status as the type of the crate `http`. It is changed by `set_status(code.as_u16())`.
    ///
    /// # Errors
    ///
    /// A response from the host never causes an error.
    pub fn http_status(&self) -> Result<StatusCode> {
        Ok(StatusCode::from_u16(host::status())?)
    }

    /// Everything but the body. The version is always HTTP/1.1.
    ///
    /// # Errors
    ///
    /// A response from the host never causes an error.
    pub fn http_parts(&self) -> Result<response::Parts> {
        let (mut parts, ()) = http::Response::new(()).into_parts();
        parts.status = self.http_status()?;
        parts.headers = headers(Side::Response)?;
        Ok(parts)
    }

    /// The whole response, body included; see [`body`](Self::body) for what that takes.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`body`](Self::body).
    pub fn to_http(&self) -> Result<http::Response<Vec<u8>>> {
        Ok(http::Response::from_parts(self.http_parts()?, self.body()?))
    }

    /// Makes this the head of the response. The body stays; fields that are not in the list are removed, but for those
    /// that only the host sets.
    ///
    /// # Errors
    ///
    /// Returns an error if the host refuses a part. Earlier parts are then already changed.
    pub fn set_http_parts(&mut self, parts: &response::Parts) -> Result<(), FieldError> {
        self.set_status(parts.status.as_u16())?;
        set_headers(Side::Response, &parts.headers)
    }

    /// Makes this the response, body included.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`set_http_parts`](Self::set_http_parts).
    pub fn set_http<B: AsRef<[u8]>>(
        &mut self,
        response: http::Response<B>,
    ) -> Result<(), FieldError> {
        let (parts, body) = response.into_parts();
        self.set_http_parts(&parts)?;
        self.set_body(body);
        Ok(())
    }
}

/// A response of the crate `http` as the answer, but for the fields that only the host sets.
///
/// ```
/// # use tollgate_plugin::{Plugin, Request, Result, Verdict, testing};
/// # #[derive(serde::Deserialize)]
/// # struct Example;
/// # impl Plugin for Example {
/// fn forward_request(&self, _: &mut Request) -> Result<Verdict> {
///     let moved = http::Response::builder().status(308).header("location", "/new").body("")?;
///     Ok(moved.into())
/// }
/// # }
/// # let outcome = testing::exchange().run::<Example>();
/// # assert_eq!((outcome.response.status, outcome.response.field("location")), (308, Some("/new")));
/// ```
impl<B: Into<Vec<u8>>> From<http::Response<B>> for Answer {
    fn from(response: http::Response<B>) -> Self {
        let (parts, body) = response.into_parts();
        let answer = Self::new(parts.status.as_u16()).body(body);
        settable(&parts.headers).fold(answer, |answer, (name, value)| {
            answer.field(name.as_str(), value)
        })
    }
}

impl<B: Into<Vec<u8>>> From<http::Response<B>> for Verdict {
    fn from(response: http::Response<B>) -> Self {
        Answer::from(response).into()
    }
}

impl From<StatusCode> for Answer {
    fn from(status: StatusCode) -> Self {
        Self::new(status.as_u16())
    }
}

impl TryFrom<Answer> for http::Response<Vec<u8>> {
    type Error = http::Error;

    fn try_from(answer: Answer) -> Result<Self, http::Error> {
        let (status, fields, body) = answer.into_parts();
        let response = http::Response::builder().status(status);
        let with_fields = fields
            .into_iter()
            .fold(response, |response, (name, value)| {
                response.header(name, value)
            });
        with_fields.body(body)
    }
}

impl From<HeaderValue> for FieldValue {
    fn from(value: HeaderValue) -> Self {
        Self::from(value.as_bytes().to_vec())
    }
}

impl From<&HeaderValue> for FieldValue {
    fn from(value: &HeaderValue) -> Self {
        Self::from(value.as_bytes().to_vec())
    }
}

impl TryFrom<FieldValue> for HeaderValue {
    type Error = InvalidHeaderValue;

    fn try_from(value: FieldValue) -> Result<Self, InvalidHeaderValue> {
        Self::try_from(value.into_bytes())
    }
}

fn headers(side: Side) -> Result<HeaderMap> {
    let fields = host::fields(side).into_iter();
    fields
        .map(|(name, value)| {
            Ok((
                HeaderName::from_bytes(name.as_bytes())?,
                HeaderValue::try_from(value)?,
            ))
        })
        .collect::<Result<HeaderMap>>()
}

/// Puts these fields in the place of all others. `host` is the authority, which no request goes without.
fn set_headers(side: Side, headers: &HeaderMap) -> Result<(), FieldError> {
    let set: Vec<_> = settable(headers)
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    host::set_fields(side, &set)?;
    for (name, _) in host::fields(side) {
        let stays = headers.contains_key(&name) || is_owned_by_host(&name) || name == HOST.as_str();
        if !stays {
            host::delete_field(side, &name)?;
        }
    }
    Ok(())
}

fn settable(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    headers
        .iter()
        .filter(|(name, _)| !is_owned_by_host(name.as_str()))
}

#[cfg(test)]
mod tests;
