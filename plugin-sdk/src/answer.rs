//! A response that a plugin makes itself. It is built as a value and handed to the host when the hook returns it, so
//! that a mistake in it is the hook's error and not a half-made response.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::field::Field;
use crate::host::{self, Side};
use crate::{Error, FieldError, Result};

/// A response that a plugin sends without asking the backend.
///
/// ```
/// use tollgate_plugin::{Answer, Plugin, Request, Result, Verdict, testing};
///
/// #[derive(serde::Deserialize)]
/// struct Teapot;
///
/// impl Plugin for Teapot {
///     fn forward_request(&self, _: &mut Request) -> Result<Verdict> {
///         let answer = Answer::new(418).field("retry-after", "never").text("tea only");
///         Ok(answer.into())
///     }
/// }
///
/// let outcome = testing::exchange().run::<Teapot>();
/// assert_eq!((outcome.response.status, outcome.response.text()), (418, "tea only"));
/// assert!(!outcome.reached_backend);
/// ```
///
/// If an answer is invalid, for example with the status 99 or a line break in a field, the hook that returns it fails. An
/// answer that no hook returns is never sent, so ignoring it is a compiler warning:
///
/// ```compile_fail
/// #![deny(unused_must_use)]
/// # use tollgate_plugin::{Answer, Plugin, Request, Result, Verdict};
/// # struct Forgetful;
/// # impl Forgetful {
/// fn forward_request(&self, _: &mut Request) -> Result<Verdict> {
///     Answer::new(403).text("no");
///     Ok(Verdict::Forward)
/// }
/// # }
/// ```
#[must_use = "an answer is sent only if the hook returns it: `return Ok(answer.into())`"]
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    fields: Vec<Field>,
    /// The body's type, unless a field `content-type` says otherwise.
    media_type: Option<&'static str>,
    body: Vec<u8>,
}

impl Answer {
    /// A response with this status (200 to 599), no fields and an empty body.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            fields: Vec::new(),
            media_type: None,
            body: Vec::new(),
        }
    }

    /// Adds a field. Existing fields of the same name stay.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.fields.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sets the body. No `content-type` is added; set it as a field.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// A body of `text/plain; charset=utf-8`, unless a field `content-type` says otherwise.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.media_type = Some("text/plain; charset=utf-8");
        self.body(text.into())
    }

    /// A body of `application/json`, unless a field `content-type` says otherwise.
    ///
    /// ```
    /// # use tollgate_plugin::{Answer, Result, Verdict};
    /// # fn main() -> Result<()> {
    /// #[derive(serde::Serialize)]
    /// struct Health {
    ///     up: bool,
    /// }
    ///
    /// let verdict: Verdict = Answer::new(200).json(&Health { up: true })?.into();
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the value cannot be represented as JSON.
    pub fn json<T: serde::Serialize + ?Sized>(mut self, value: &T) -> Result<Self> {
        self.media_type = Some("application/json");
        Ok(self.body(serde_json::to_vec(value)?))
    }

    /// Hands the answer to the host as the response of the current exchange.
    pub(crate) fn give(self) -> Result<()> {
        let refused = |error: FieldError| Error::new(format_args!("the plugin's answer: {error}"));
        let (status, fields, body) = self.into_parts();
        host::set_status(status).map_err(refused)?;
        if !fields.is_empty() {
            host::set_fields(Side::Response, &fields).map_err(refused)?;
        }
        host::set_body(Side::Response, &body);
        Ok(())
    }

    /// Status, fields with `content-type` among them, and body.
    pub(crate) fn into_parts(self) -> (u16, Vec<Field>, Vec<u8>) {
        let mut fields = self.fields;
        if let Some(media_type) = self.media_type
            && !fields
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            fields.push(("content-type".to_owned(), media_type.as_bytes().to_vec()));
        }
        (self.status, fields, self.body)
    }
}
