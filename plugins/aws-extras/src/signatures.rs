//! Whether a request is signed by who it says: presigned URLs, forms with a policy, and signed fields.
//!
//! A request without any signature is not looked at: who may do what is the backend's business.

mod form;
mod multipart;
mod refusal;
mod sent;
mod v2;
mod v4;

use std::collections::BTreeMap;

use aws_requests::s3;
use sha2::{Digest as _, Sha256};
use tollgate_plugin::{Answer, Request, Result, info};

pub use form::{boundary, is_form, key as form_key};
use multipart::Form;
use refusal::{Refusal, Style};
use sent::Sent;
pub use v4::hex;

/// What is checked, and with which secrets.
#[derive(Clone, Debug, Default)]
pub struct Signatures {
    /// Secrets by access key.
    pub keys: BTreeMap<String, String>,
    pub presigned: bool,
    pub signed: bool,
    /// Whether requests with another access key go on unchecked.
    pub passes_unknown_keys: bool,
}

impl Signatures {
    /// What the client hears if its signature is not good.
    pub fn check(&self, request: &Request, now: u64) -> Result<Option<Answer>> {
        if !self.may_be_signed(request) {
            return Ok(None);
        }
        let sent = Sent::of(request);
        let refusal = match self.refusal(request, &sent, now)? {
            Some(refusal) => refusal,
            None => return Ok(None),
        };
        info!(
            "refused {} {}: {}",
            sent.method,
            sent.path,
            refusal.message()
        );
        Ok(Some(refusal.answer(style(request, &sent))))
    }

    /// A quick look, which most requests end with.
    fn may_be_signed(&self, request: &Request) -> bool {
        let signed = self.signed && request.field("authorization").is_some();
        let query = self.presigned && request.target().contains('?');
        signed || query || (self.presigned && form::is_form(request))
    }

    fn refusal(&self, request: &Request, sent: &Sent, now: u64) -> Result<Option<Refusal>> {
        if let Err(refusal) = sent.has_one_signature() {
            return Ok(Some(refusal));
        }
        if self.presigned {
            if form::is_form(request) {
                let form = Form::read(&request.body()?, &form::boundary(request));
                if let Some(policy) = form.value("policy") {
                    if sent.is_signed() {
                        return Ok(Some(Refusal::Ambiguous));
                    }
                    return Ok(form::check(&form, policy, now, |key| self.secret(key)).err());
                }
            }
            if let Some(signature) = v4::in_query(sent, now) {
                return self.refusal_v4(request, sent, signature, true);
            }
            if let Some(signature) = v2::in_query(sent, now) {
                return Ok(signature
                    .and_then(|signature| self.check_v2(sent, &signature))
                    .err());
            }
        }
        if self.signed {
            if let Some(signature) = v4::in_field(sent, now) {
                return self.refusal_v4(request, sent, signature, false);
            }
            if let Some(signature) = v2::in_field(sent, now) {
                return Ok(signature
                    .and_then(|signature| self.check_v2(sent, &signature))
                    .err());
            }
        }
        Ok(None)
    }

    fn refusal_v4(
        &self,
        request: &Request,
        sent: &Sent,
        signature: Result<v4::Signature, Refusal>,
        is_in_query: bool,
    ) -> Result<Option<Refusal>> {
        let signature = match signature {
            Ok(signature) => signature,
            Err(refusal) => return Ok(Some(refusal)),
        };
        let payload = payload(request, sent, &signature, is_in_query)?;
        Ok(self.check_v4(sent, &signature, &payload).err())
    }

    /// The secret of an access key; none if it passes unchecked.
    fn secret(&self, key: &str) -> Result<Option<&str>, Refusal> {
        match self.keys.get(key) {
            Some(secret) => Ok(Some(secret)),
            None if self.passes_unknown_keys => Ok(None),
            None => Err(Refusal::UnknownKey(key.to_owned())),
        }
    }

    fn check_v4(
        &self,
        sent: &Sent,
        signature: &v4::Signature,
        payload: &str,
    ) -> Result<(), Refusal> {
        let Some(secret) = self.secret(&signature.key)? else {
            return Ok(());
        };
        let unsigned = signature.unsigned(sent);
        if !unsigned.is_empty() {
            return Err(Refusal::NotSigned(unsigned));
        }
        signature.check(&signature.signed(sent, payload), secret)
    }

    fn check_v2(&self, sent: &Sent, signature: &v2::Signature) -> Result<(), Refusal> {
        let Some(secret) = self.secret(&signature.key)? else {
            return Ok(());
        };
        let bucket = s3::bucket_in_host(&sent.authority).filter(|at| *at > 0);
        let bucket = bucket.map(|at| sent.authority[..at].trim_end_matches('.'));
        signature.check(sent, bucket, secret)
    }
}

/// What stands for the body in a signature.
fn payload(
    request: &Request,
    sent: &Sent,
    signature: &v4::Signature,
    is_in_query: bool,
) -> Result<String> {
    let of_url = || {
        sent.parameter("X-Amz-Content-Sha256")
            .filter(|_| is_in_query)
    };
    if let Some(given) = sent.field("x-amz-content-sha256").or_else(of_url) {
        return Ok(given.to_owned());
    }
    // Who makes a URL for S3 does not know the body yet. URLs of other services sign it, mostly an empty one.
    let is_s3 = ["s3", "s3express", "s3-object-lambda", "s3-outposts"];
    if is_in_query && is_s3.contains(&signature.service()) {
        return Ok("UNSIGNED-PAYLOAD".to_owned());
    }
    Ok(v4::hex(&Sha256::digest(request.body()?)))
}

/// How the service that is asked writes its errors.
fn style(request: &Request, sent: &Sent) -> Style {
    let scope = |text: &str| {
        let service = text.strip_suffix("/aws4_request")?.rsplit('/').next();
        service.map(str::to_owned)
    };
    let credential = || {
        sent.field("authorization")?
            .split("Credential=")
            .nth(1)?
            .split(',')
            .next()
    };
    let service = sent
        .parameter("X-Amz-Credential")
        .or_else(credential)
        .and_then(scope);
    let media_type = request
        .field("content-type")
        .map(|value| value.to_string())
        .unwrap_or_default();
    let is_query = media_type.starts_with("application/x-www-form-urlencoded")
        || sent.parameter("Action").is_some();
    match service.as_deref() {
        None | Some("s3") => Style::S3,
        Some("cloudfront" | "route53") => Style::Query,
        _ if is_query => Style::Query,
        _ if sent.field("x-amz-target").is_some() => Style::Json,
        _ => Style::RestJson,
    }
}
