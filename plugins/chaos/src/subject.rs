//! The request that rules are about: which API it is for, found out when a rule asks, and once.

use std::cell::OnceCell;

use aws_requests::{Call, Head, Recognised};
use tollgate_plugin::{BodyError, Request, Result};

/// A request with what is known of it.
pub(crate) struct Subject<'r> {
    request: &'r Request,
    head: OnceCell<Head>,
    call: OnceCell<Option<Call>>,
}

impl<'r> Subject<'r> {
    pub(crate) fn new(request: &'r Request) -> Self {
        Self {
            request,
            head: OnceCell::new(),
            call: OnceCell::new(),
        }
    }

    /// The call of an API that the request is, if it is known for one. Reads the body only of a form that is sent to where
    /// AWS's APIs take forms.
    pub(crate) fn call(&self) -> Result<Option<&Call>> {
        if self.call.get().is_none() {
            let call = match self.head().recognise() {
                Recognised::Call(call) => Some(call),
                Recognised::Form => match self.request.body() {
                    Ok(form) => self.head().call_in_form(&form),
                    // Longer than any call of AWS.
                    Err(BodyError::TooLarge(_)) => None,
                    Err(error) => return Err(error.into()),
                },
                Recognised::No => None,
            };
            let _ = self.call.set(call);
        }
        Ok(self.known_call())
    }

    /// The call, as far as it is known without reading a body.
    pub(crate) fn known_call(&self) -> Option<&Call> {
        if let Some(known) = self.call.get() {
            return known.as_ref();
        }
        match self.head().recognise() {
            Recognised::Call(call) => self.call.get_or_init(|| Some(call)).as_ref(),
            Recognised::Form | Recognised::No => None,
        }
    }

    /// The service by the name that its requests are signed by; empty if it isn't known.
    pub(crate) fn service(&self) -> Result<String> {
        if let Some(service) = self.signed_for() {
            return Ok(service.to_owned());
        }
        let call = self.call()?;
        Ok(call.map(|call| call.service.clone()).unwrap_or_default())
    }

    /// The operation; empty if it isn't known.
    pub(crate) fn action(&self) -> Result<String> {
        let action = self.call()?.and_then(|call| self.head().action(call));
        Ok(action.unwrap_or_default())
    }

    pub(crate) fn signed_for(&self) -> Option<&str> {
        self.head().signed_for()
    }

    pub(crate) fn media_type(&self) -> String {
        let value = self.request.field("content-type");
        let value = value.map(|value| value.to_string()).unwrap_or_default();
        let essence = value.split(';').next().unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    }

    fn head(&self) -> &Head {
        self.head.get_or_init(|| {
            let request = self.request;
            Head::new(
                request.method(),
                request.authority(),
                request.target(),
                |name| request.field(name).map(|value| value.to_string()),
            )
        })
    }
}
