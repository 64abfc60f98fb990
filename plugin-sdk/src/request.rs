//! The request of the current exchange: a handle without content, each method one host call.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::error::BackendError;
use crate::host::{self, Side};
use crate::message::message_methods;
use crate::{FieldError, Result, url};

/// The request of the current exchange, with the changes of the plugins before this one.
///
/// In `return_response` it can be read but not changed, because it was already sent to the backend.
///
/// ```
/// use tollgate_plugin::{Plugin, Request, Result, Verdict, testing};
///
/// /// Asks for `/x` of `legacy:8080` where the client asked for `/v1/x`.
/// #[derive(serde::Deserialize)]
/// struct Legacy;
///
/// impl Plugin for Legacy {
///     fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
///         if let Some(rest) = request.target().strip_prefix("/v1") {
///             request.set_target(rest)?;
///             request.set_authority("legacy:8080")?;
///             request.append_field("via", "1.1 tollgate")?;
///         }
///         Ok(Verdict::Forward)
///     }
/// }
///
/// let outcome = testing::exchange().target("/v1/x?y=1").run::<Legacy>();
/// assert_eq!(outcome.request.target, "/x?y=1");
/// assert_eq!(outcome.request.field("host"), Some("legacy:8080"));
/// ```
#[derive(Debug)]
pub struct Request(());

impl Request {
    pub(crate) fn in_hand() -> Self {
        Self(())
    }

    /// The method, case as sent: `GET`, `PROPFIND`.
    pub fn method(&self) -> String {
        host::method()
    }

    /// Changes the method.
    ///
    /// # Errors
    ///
    /// Returns an error if the method is not a token, or if it is `CONNECT`, which plugins cannot use.
    pub fn set_method(&mut self, method: impl AsRef<str>) -> Result<(), FieldError> {
        host::set_method(method.as_ref())
    }

    /// `http` or `https`: how the client spoke to the host.
    pub fn scheme(&self) -> String {
        host::scheme()
    }

    /// The host and port that the client requested; empty if it sent none.
    pub fn authority(&self) -> String {
        host::authority()
    }

    /// Changes only the field `host`, the authority that the backend receives. It does not choose another backend;
    /// [`set_backend`](Self::set_backend) does that.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not a valid field value.
    pub fn set_authority(&mut self, authority: impl AsRef<str>) -> Result<(), FieldError> {
        host::set_authority(authority.as_ref())
    }

    /// The name of the backend that the request is sent to. The plugin needs the permission `backends`.
    pub fn backend(&self) -> String {
        host::backend()
    }

    /// Sends the request to another backend of the configuration, in `forward_request`. The last call counts, also one of a later plugin.
    /// The plugin needs the permission `backends`. `host` stays as it is; see [`set_authority`](Self::set_authority).
    ///
    /// # Errors
    ///
    /// Returns an error if the backend is not listed in the permission or is not in the configuration.
    pub fn set_backend(&mut self, name: impl AsRef<str>) -> Result<(), BackendError> {
        host::set_backend(name.as_ref())
    }

    /// Path and query as they were sent: not decoded and not normalised.
    pub fn target(&self) -> String {
        host::target()
    }

    /// Changes path and query. The target must begin with `/` (or be `*` for OPTIONS). It is sent as given.
    ///
    /// # Errors
    ///
    /// Returns an error if the target begins with another character, or contains a space or another invalid character.
    pub fn set_target(&mut self, target: impl AsRef<str>) -> Result<(), FieldError> {
        host::set_target(target.as_ref())
    }

    /// The target up to the first `?`, not decoded.
    pub fn path(&self) -> String {
        let mut target = host::target();
        if let Some(end) = target.find('?') {
            target.truncate(end);
        }
        target
    }

    /// Changes the path and keeps the query.
    ///
    /// ```
    /// # use tollgate_plugin::{Plugin, Request, Result, Verdict};
    /// # #[derive(serde::Deserialize)]
    /// # struct Example;
    /// # impl Plugin for Example {
    /// fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
    ///     if let Some(rest) = request.path().strip_prefix("/v1") {
    ///         request.set_path(rest)?;
    ///     }
    ///     Ok(Verdict::Forward)
    /// }
    /// # }
    /// # let outcome = tollgate_plugin::testing::exchange().target("/v1/x?y=1").run::<Example>();
    /// # assert_eq!(outcome.request.target, "/x?y=1");
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`set_target`](Self::set_target), and an error if the path contains `?` or `#`. Encode
    /// these characters with [`url::encode`](crate::url::encode).
    pub fn set_path(&mut self, path: impl AsRef<str>) -> Result<(), FieldError> {
        let path = path.as_ref();
        if path.contains(['?', '#']) {
            let what = format!("the path {path:?} has a ? or #: encode it with url::encode");
            return Err(FieldError::InvalidValue(what));
        }
        match self.query() {
            Some(query) => self.set_target(format!("{path}?{query}")),
            None => self.set_target(path),
        }
    }

    /// The part of the target after the first `?`, not decoded; `None` without a `?`.
    pub fn query(&self) -> Option<String> {
        let target = host::target();
        target.split_once('?').map(|(_, query)| query.to_owned())
    }

    /// The first parameter of this name in the query, decoded (`+` is a space).
    ///
    /// ```
    /// # use tollgate_plugin::{Answer, Plugin, Request, Result, Verdict};
    /// # #[derive(serde::Deserialize)]
    /// # struct Example;
    /// # impl Plugin for Example {
    /// fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
    ///     let name = request.query_param("name").unwrap_or_default();
    ///     Ok(Answer::new(200).text(format!("hello {name}")).into())
    /// }
    /// # }
    /// # let outcome = tollgate_plugin::testing::exchange().target("/?x&name=a%20%C3%A9+b").run::<Example>();
    /// # assert_eq!(outcome.response.text(), "hello a é b");
    /// ```
    pub fn query_param(&self, name: &str) -> Option<String> {
        first(self.query_params(), name)
    }

    /// Names and values of all query parameters, in order, decoded.
    pub fn query_params(&self) -> Vec<(String, String)> {
        url::query(&self.query().unwrap_or_default())
    }

    /// The first cookie of this name, as it was sent.
    pub fn cookie(&self, name: &str) -> Option<String> {
        first(self.cookies(), name)
    }

    /// Names and values of all cookies, in order, as they were sent.
    pub fn cookies(&self) -> Vec<(String, String)> {
        let fields = host::field_values(Side::Request, "cookie");
        fields
            .iter()
            .flat_map(|field| url::cookies(&String::from_utf8_lossy(field)))
            .collect()
    }

    /// Asks the backend for a response body without compression, for a plugin that reads or rewrites the body
    /// in `return_response`. Sets `accept-encoding` to `identity`.
    ///
    /// # Errors
    ///
    /// Returns an error if the request already has as many fields as the host allows.
    pub fn accept_identity(&mut self) -> Result<(), FieldError> {
        self.set_field("accept-encoding", "identity")
    }

    message_methods!(Side::Request);
}

fn first(pairs: Vec<(String, String)>, name: &str) -> Option<String> {
    let found = pairs.into_iter().find(|(found, _)| found == name);
    found.map(|(_, value)| value)
}
