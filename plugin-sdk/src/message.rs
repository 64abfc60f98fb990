//! What requests and responses have in common: fields and a body.
//!
//! The methods are written once here and put into both types, rather than into a trait that authors would have to
//! import. Each is one host call; nothing is fetched before it is asked for.

use alloc::string::String;
use alloc::vec::Vec;

use crate::{Error, FieldValue, Result, host, host::Side};

/// The methods on fields and body, for the message that `$side` names.
macro_rules! message_methods {
    ($side:expr) => {
        /// The first value of a field, or `None` if the message doesn't have it. An empty value is not an absent field.
        ///
        /// ```
        /// # use tollgate_plugin::{Answer, Plugin, Request, Result, Verdict};
        /// # #[derive(serde::Deserialize)]
        /// # struct Example;
        /// # impl Plugin for Example {
        /// fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        ///     if request.field("x-debug").is_some_and(|value| value == "1") {
        ///         request.delete_field("x-debug")?;
        ///     }
        ///     Ok(Verdict::Forward)
        /// }
        /// # }
        /// # let outcome = tollgate_plugin::testing::exchange().field("x-debug", "1").run::<Example>();
        /// # assert_eq!(outcome.request.field("x-debug"), None);
        /// ```
        pub fn field(&self, name: &str) -> Option<$crate::FieldValue> {
            $crate::host::field($side, name).map(Into::into)
        }

        /// All values of a field in their order.
        pub fn field_values(&self, name: &str) -> Vec<$crate::FieldValue> {
            $crate::message::values($side, name)
        }

        /// All fields in the order of the message, names in lower case, in one call.
        pub fn fields(&self) -> Vec<(String, $crate::FieldValue)> {
            $crate::message::fields($side)
        }

        /// Makes this the only value of the field. The value is text or bytes.
        ///
        /// # Errors
        ///
        /// Returns an error if the host refuses the name or the value: see [`FieldError`](crate::FieldError).
        pub fn set_field(
            &mut self,
            name: &str,
            value: impl AsRef<[u8]>,
        ) -> Result<(), $crate::FieldError> {
            $crate::host::set_field($side, name, value.as_ref())
        }

        /// Sets several fields in one call. For each name in the list, the values in the list replace all values that the
        /// message had. Fields with other names are not changed. If the host refuses one field, none is changed.
        ///
        /// ```
        /// # use tollgate_plugin::{Plugin, Request, Result, Verdict};
        /// # #[derive(serde::Deserialize)]
        /// # struct Example;
        /// # impl Plugin for Example {
        /// fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        ///     request.set_fields([("x-tag", "a"), ("x-tag", "b"), ("x-seen", "yes")])?;
        ///     Ok(Verdict::Forward)
        /// }
        /// # }
        /// # let outcome = tollgate_plugin::testing::exchange().field("x-tag", "1").run::<Example>();
        /// # assert_eq!(outcome.request.field_values("x-tag"), ["a", "b"]);
        /// ```
        ///
        /// # Errors
        ///
        /// Returns the same errors as [`set_field`](Self::set_field).
        pub fn set_fields<N: AsRef<str>, V: AsRef<[u8]>>(
            &mut self,
            fields: impl IntoIterator<Item = (N, V)>,
        ) -> Result<(), $crate::FieldError> {
            let fields: Vec<_> = fields
                .into_iter()
                .map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().to_vec()))
                .collect();
            $crate::host::set_fields($side, &fields)
        }

        /// Adds a value after the existing values of the field.
        ///
        /// # Errors
        ///
        /// Returns the same errors as [`set_field`](Self::set_field).
        pub fn append_field(
            &mut self,
            name: &str,
            value: impl AsRef<[u8]>,
        ) -> Result<(), $crate::FieldError> {
            $crate::host::append_field($side, name, value.as_ref())
        }

        /// Removes every value of the field. It is not an error if the field is absent.
        ///
        /// # Errors
        ///
        /// Returns the same errors as [`set_field`](Self::set_field).
        pub fn delete_field(&mut self, name: &str) -> Result<(), $crate::FieldError> {
            $crate::host::delete_field($side, name)
        }

        /// The whole body, empty if there is none. It is not decoded if it has a `content-encoding`. Reading the body does not
        /// consume it. A body that no plugin reads streams through, so read it only if necessary.
        ///
        /// # Errors
        ///
        /// Returns a [`BodyError`](crate::BodyError) if the body is not available.
        pub fn body(&self) -> Result<Vec<u8>, $crate::BodyError> {
            $crate::host::body($side)
        }

        /// The whole body as text.
        ///
        /// # Errors
        ///
        /// Returns the same errors as [`body`](Self::body), and an error if the body is not UTF-8.
        pub fn text(&self) -> Result<String> {
            $crate::message::text($side)
        }

        /// The whole body, read as JSON.
        ///
        /// ```
        /// # use tollgate_plugin::{Answer, Plugin, Request, Result, Verdict};
        /// # #[derive(serde::Deserialize)]
        /// # struct Example;
        /// #[derive(serde::Deserialize)]
        /// struct Order {
        ///     pieces: u32,
        /// }
        ///
        /// # impl Plugin for Example {
        /// fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        ///     let order: Order = request.json()?;
        ///     Ok(if order.pieces > 100 { Answer::new(422).into() } else { Verdict::Forward })
        /// }
        /// # }
        /// # let outcome = tollgate_plugin::testing::exchange().body(r#"{"pieces":101}"#).run::<Example>();
        /// # assert_eq!(outcome.response.status, 422);
        /// ```
        ///
        /// # Errors
        ///
        /// Returns the same errors as [`body`](Self::body), and an error if the body is not JSON or does not match the type.
        pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
            let body = self.body()?;
            match serde_json::from_slice(&body) {
                Ok(value) => Ok(value),
                Err(error) => {
                    $crate::message::refuse_encoded($side)?;
                    Err(error.into())
                }
            }
        }

        /// Replaces the body. The host sets `content-length`, removes `content-encoding` and digests, and weakens `etag`.
        /// A plugin that sets an encoded body must also set `content-encoding`, in the same hook.
        pub fn set_body(&mut self, body: impl AsRef<[u8]>) {
            $crate::host::set_body($side, body.as_ref());
        }

        /// The content coding of the body, such as `gzip`, or `None` if the body is not encoded.
        pub fn content_coding(&self) -> Option<String> {
            $crate::message::coding($side)
        }

        /// Replaces the body by a value as JSON. `content-type` becomes `application/json` unless it names a JSON type
        /// already.
        ///
        /// # Errors
        ///
        /// Returns an error if the value cannot be represented as JSON.
        pub fn set_json<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
            let body = serde_json::to_vec(value)?;
            $crate::message::be_json($side)?;
            self.set_body(body);
            Ok(())
        }

        /// Rewrites the body as text. Returns true if it was text. Any other body (for example an image) is not changed.
        ///
        /// ```
        /// # use tollgate_plugin::{Answer, Plugin, Request, Response, Result, Verdict};
        /// # #[derive(serde::Deserialize)]
        /// # struct Example;
        /// # impl Plugin for Example {
        /// fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        ///     request.accept_identity()?;
        ///     Ok(Verdict::Forward)
        /// }
        ///
        /// fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
        ///     response.map_text(|page| page.replace("http://", "https://"))?;
        ///     Ok(())
        /// }
        /// # }
        /// # let exchange = tollgate_plugin::testing::exchange().backend_response(Answer::new(200).text("http://h/"));
        /// # assert_eq!(exchange.run::<Example>().response.text(), "https://h/");
        /// ```
        ///
        /// # Errors
        ///
        /// Returns the same errors as [`body`](Self::body), and an error if the body is encoded
        /// ([`content_coding`](Self::content_coding)). To get an unencoded body, call `accept_identity` as above.
        pub fn map_text(&mut self, rewrite: impl FnOnce(&str) -> String) -> Result<bool> {
            $crate::message::refuse_encoded($side)?;
            let body = self.body()?;
            let Ok(text) = core::str::from_utf8(&body) else {
                return Ok(false);
            };
            let rewritten = rewrite(text);
            if rewritten != text {
                self.set_body(rewritten);
            }
            Ok(true)
        }
    };
}
pub(crate) use message_methods;

pub(crate) fn values(side: Side, name: &str) -> Vec<FieldValue> {
    let values = host::field_values(side, name);
    values.into_iter().map(Into::into).collect()
}

pub(crate) fn fields(side: Side) -> Vec<(String, FieldValue)> {
    let fields = host::fields(side).into_iter();
    fields.map(|(name, value)| (name, value.into())).collect()
}

pub(crate) fn text(side: Side) -> Result<String> {
    String::from_utf8(host::body(side)?).map_err(|_| match coding(side) {
        Some(coding) => encoded(&coding),
        None => Error::new("the body is not UTF-8"),
    })
}

pub(crate) fn refuse_encoded(side: Side) -> Result<()> {
    coding(side).map_or(Ok(()), |coding| Err(encoded(&coding)))
}

pub(crate) fn be_json(side: Side) -> Result<()> {
    let names_json = |value: Vec<u8>| {
        String::from_utf8_lossy(&value)
            .to_ascii_lowercase()
            .contains("json")
    };
    if !host::field(side, "content-type").is_some_and(names_json) {
        host::set_field(side, "content-type", b"application/json")?;
    }
    Ok(())
}

/// The content coding, if the body has one.
pub(crate) fn coding(side: Side) -> Option<String> {
    let values = host::field_values(side, "content-encoding");
    let values: Vec<_> = values
        .iter()
        .map(|value| String::from_utf8_lossy(value))
        .collect();
    let coding = values.join(", ");
    let plain = ["", "identity"].contains(&coding.trim().to_ascii_lowercase().as_str());
    (!plain).then_some(coding)
}

fn encoded(coding: &str) -> Error {
    Error::new(format_args!(
        "the body is encoded (content-encoding: {coding}): call request.accept_identity() in forward_request"
    ))
}
