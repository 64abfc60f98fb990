//! Shows clients another account, region or partition than the backend has.
//!
//! Three names are exchanged, in targets, fields and textual bodies, both ways. It is a swap: the client's name becomes
//! the backend's and the backend's becomes the client's. So what a client stores comes back to it byte for byte, even
//! if it contains the backend's names.

mod body;
mod integrity;
mod names;
mod settings;
mod sqs;
#[cfg(test)]
mod tests;

use tollgate_plugin::{
    BodyError, FieldValue, Plugin, Request, Response, Result, Verdict, exchange, warn,
};

use body::{Syntax, Upload};
use settings::ArnRewrite;

/// Where the first hook tells the second which digests of message bodies the client expects.
const DIGESTS: &str = "arn-rewrite.md5";

impl Plugin for ArnRewrite {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        if self.names.is_empty() {
            return Ok(Verdict::Forward);
        }
        let upload = Upload::of(request);
        if let Some((old, new)) = self.request_body(request, &upload)? {
            if upload.service.as_deref() == Some("sqs") {
                let digests = sqs::digests(&new.bytes, &old, new.syntax);
                exchange::set_note(DIGESTS, sqs::to_note(&digests));
            }
            let changes = integrity::of_changed_body(&request.fields(), &new.bytes);
            for name in changes.obsolete {
                request.delete_field(name)?;
            }
            request.set_fields(changes.renewed)?;
            request.set_body(new.bytes);
        }
        if let Some(target) = self.names.swap(request.target().as_bytes(), Syntax::Plain) {
            request.set_target(String::from_utf8_lossy(&target))?;
        }
        let mut fields = self.swapped_fields(&request.fields());
        // What is compressed can't be read on the way back.
        fields.push(("accept-encoding".to_owned(), b"identity".to_vec()));
        request.set_fields(fields)?;
        Ok(Verdict::Forward)
    }

    fn return_response(&self, request: &Request, response: &mut Response) -> Result<()> {
        if self.names.is_empty() {
            return Ok(());
        }
        let upload = Upload::of(request);
        if let Some(bytes) = self.response_body(request, response, &upload)? {
            let changes = integrity::of_changed_body(&response.fields(), &bytes);
            for name in changes.obsolete {
                response.delete_field(name)?;
            }
            response.set_fields(changes.renewed)?;
            response.set_body(bytes);
        }
        let fields = self.swapped_fields(&response.fields());
        if !fields.is_empty() {
            response.set_fields(fields)?;
        }
        Ok(())
    }
}

/// A body with its names swapped.
struct Swapped {
    bytes: Vec<u8>,
    syntax: Syntax,
}

impl ArnRewrite {
    /// The request's body, before and after; none if it stays as it is.
    fn request_body(
        &self,
        request: &Request,
        upload: &Upload,
    ) -> Result<Option<(Vec<u8>, Swapped)>> {
        if upload.is_opaque(&request.method()) {
            return Ok(None);
        }
        let head = body::Head::new(|name| request.field(name));
        let Some(read) = self.readable(&head, || request.body())? else {
            return Ok(None);
        };
        let (old, syntax) = read;
        let swapped = self.names.swap(&old, syntax);
        Ok(swapped.map(|bytes| (old, Swapped { bytes, syntax })))
    }

    /// The response's body as the client shall see it; none if it stays as it is.
    fn response_body(
        &self,
        request: &Request,
        response: &Response,
        upload: &Upload,
    ) -> Result<Option<Vec<u8>>> {
        let head = body::Head::new(|name| response.field(name));
        if request.method() == "HEAD"
            || body::has_no_whole_body(response.status())
            || upload.is_object(&head)
        {
            return Ok(None);
        }
        let Some((old, syntax)) = self.readable(&head, || response.body())? else {
            return Ok(None);
        };
        let mut new = self.names.swap(&old, syntax);
        if upload.service.as_deref() == Some("sqs") {
            let mut digests = sqs::from_note(&exchange::note(DIGESTS).unwrap_or_default());
            if let Some(new) = &new {
                digests.extend(sqs::digests(&old, new, syntax));
            }
            new = sqs::replace(new.as_deref().unwrap_or(&old), &digests).or(new);
        }
        Ok(new)
    }

    /// The body with its syntax, if it is text that may be read; none if it shall stream past.
    fn readable(
        &self,
        head: &body::Head,
        read: impl FnOnce() -> Result<Vec<u8>, BodyError>,
    ) -> Result<Option<(Vec<u8>, Syntax)>> {
        if !head.may_be_text() {
            return Ok(None);
        }
        if let Some(coding) = &head.coding {
            warn!("left a body alone that is compressed (content-encoding: {coding})");
            return Ok(None);
        }
        if head.length.is_some_and(|length| length > self.max_body) {
            warn!(
                "left a body alone that is longer than {} bytes",
                self.max_body
            );
            return Ok(None);
        }
        match read() {
            Ok(bytes) => Ok(head.syntax_of(&bytes).map(|syntax| (bytes, syntax))),
            Err(BodyError::TooLarge(limit)) => {
                warn!("left a body alone that is longer than {limit} bytes");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The fields that have a name to swap, with all of their values.
    fn swapped_fields(&self, fields: &[(String, FieldValue)]) -> Vec<(String, Vec<u8>)> {
        let swapped = |value: &FieldValue| self.names.swap(value.as_bytes(), Syntax::Plain);
        let changed = |name: &str| {
            fields
                .iter()
                .any(|(of, value)| of == name && swapped(value).is_some())
        };
        let mut all = Vec::new();
        for (name, value) in fields {
            if !integrity::is_the_hosts(name) && changed(name) {
                all.push((
                    name.clone(),
                    swapped(value).unwrap_or_else(|| value.as_bytes().to_vec()),
                ));
            }
        }
        all
    }
}

tollgate_plugin::export!(ArnRewrite);
