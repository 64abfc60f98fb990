//! CORS (Fetch standard, section 3.3) for a backend that has none, and a guard that keeps pages of foreign origins from
//! using a backend that trusts whoever can reach it.
//!
//! The first hook answers preflights and refuses foreign origins; the second adds the answer fields that the response
//! doesn't have. Where the backend may have rules of its own (a bucket of S3), it is asked first, and what it says
//! stands. Both hooks take the same decision from the same request, so nothing needs to be remembered between them.

mod backend;
mod origin;
mod settings;
#[cfg(test)]
mod tests;

use tollgate_plugin::{
    Answer, FieldValue, Plugin, Request, Response, Result, Verdict, exchange, info,
};

use origin::Caller;
use settings::{Cors, Exemption};

const ALLOW_ORIGIN: &str = "access-control-allow-origin";
const ALLOW_METHODS: &str = "access-control-allow-methods";
const ALLOW_HEADERS: &str = "access-control-allow-headers";
const ALLOW_CREDENTIALS: &str = "access-control-allow-credentials";
const ALLOW_PRIVATE_NETWORK: &str = "access-control-allow-private-network";
const EXPOSE_HEADERS: &str = "access-control-expose-headers";
const MAX_AGE: &str = "access-control-max-age";
const REQUEST_METHOD: &str = "access-control-request-method";
const REQUEST_HEADERS: &str = "access-control-request-headers";
const REQUEST_PRIVATE_NETWORK: &str = "access-control-request-private-network";

impl Plugin for Cors {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        if self.is_exempt(request) {
            return Ok(Verdict::Forward);
        }
        match self.caller(request) {
            Caller::Foreign(origin) if self.enforce => {
                info!(
                    "refused {} {}: origin {origin} is not allowed",
                    request.method(),
                    request.target()
                );
                let reason = format!("origin {origin} is not allowed here\n");
                Ok(Answer::new(403).field("vary", "Origin").text(reason).into())
            }
            Caller::Allowed(origin) if is_preflight(request) => {
                if backend::may_have_rules(request) {
                    return Ok(Verdict::Forward);
                }
                Ok(self.preflight(request, &origin).into())
            }
            Caller::Allowed(origin) => {
                exchange::set_error_fields(self.fields_for_errors(&origin))?;
                Ok(Verdict::Forward)
            }
            Caller::Foreign(_) | Caller::Unknown => Ok(Verdict::Forward),
        }
    }

    fn return_response(&self, request: &Request, response: &mut Response) -> Result<()> {
        if self.is_exempt(request) {
            return Ok(());
        }
        let caller = self.caller(request);
        if is_preflight(request) {
            return match caller {
                Caller::Allowed(origin) if backend::may_have_rules(request) => {
                    self.preflight_unless_ruled(request, response, &origin)
                }
                _ => Ok(()),
            };
        }
        let origin = match caller {
            Caller::Foreign(_) => return Ok(()),
            Caller::Allowed(origin) => origin,
            Caller::Unknown => "*".to_owned(),
        };
        self.add_missing(response, &origin)?;
        vary_by_origin(response)
    }
}

impl Cors {
    /// Who sent the request, as far as a browser tells.
    fn caller(&self, request: &Request) -> Caller {
        let origins: Vec<_> = request
            .field_values("origin")
            .iter()
            .map(ToString::to_string)
            .collect();
        let referer = request
            .field("referer")
            .filter(|_| self.check_referer)
            .map(|value| value.to_string());
        origin::caller(&origins, referer.as_deref(), &self.origins)
    }

    fn is_exempt(&self, request: &Request) -> bool {
        let covers =
            |exemption: &Exemption| exemption.covers(&request.authority(), &request.path());
        self.exempt.iter().any(covers)
    }

    /// The answer to a preflight from an allowed origin.
    fn preflight(&self, request: &Request, origin: &str) -> Answer {
        let fields = self.preflight_fields(request, origin);
        fields
            .iter()
            .fold(Answer::new(204), |answer, (name, value)| {
                answer.field(name, value)
            })
    }

    /// Answers a preflight that the backend was asked about, unless it has rules of its own.
    fn preflight_unless_ruled(
        &self,
        request: &Request,
        response: &mut Response,
        origin: &str,
    ) -> Result<()> {
        if backend::has_ruled(response) {
            return Ok(());
        }
        for (name, _) in response.fields() {
            if !backend::is_of_connection(&name) {
                response.delete_field(&name)?;
            }
        }
        response.set_status(204)?;
        response.set_fields(self.preflight_fields(request, origin))?;
        response.set_body("");
        Ok(())
    }

    /// The fields of such an answer (Fetch standard, section 3.3.3).
    fn preflight_fields(&self, request: &Request, origin: &str) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            (ALLOW_ORIGIN, origin.to_owned()),
            (ALLOW_METHODS, self.allow_methods.join(",")),
            (ALLOW_HEADERS, self.allowed_headers(request)),
            (
                "vary",
                "Origin, Access-Control-Request-Method, Access-Control-Request-Headers".to_owned(),
            ),
        ];
        if self.allow_credentials {
            fields.push((ALLOW_CREDENTIALS, "true".to_owned()));
        }
        if request
            .field(REQUEST_PRIVATE_NETWORK)
            .is_some_and(|wanted| wanted == "true")
        {
            fields.push((ALLOW_PRIVATE_NETWORK, "true".to_owned()));
        }
        fields.extend(self.max_age.map(|seconds| (MAX_AGE, seconds.to_string())));
        fields
    }

    /// What lets a page read an error of the host.
    fn fields_for_errors(&self, origin: &str) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            (ALLOW_ORIGIN, origin.to_owned()),
            (EXPOSE_HEADERS, self.exposed_headers(&[], &["proxy-status"])),
            ("vary", "Origin".to_owned()),
        ];
        if self.allow_credentials {
            fields.push((ALLOW_CREDENTIALS, "true".to_owned()));
        }
        fields
    }

    /// The names of the settings. One with a star in it stands for the fields that the response has of it, since no name
    /// in the answer may have one; a star alone stands for itself.
    fn exposed_headers(&self, present: &[(String, FieldValue)], more: &[&str]) -> String {
        let mut all: Vec<&str> = Vec::new();
        for name in self
            .expose_headers
            .iter()
            .map(String::as_str)
            .chain(more.iter().copied())
        {
            let found: Vec<&str> = match name.contains('*') && name != "*" {
                true => {
                    let names = present.iter().map(|(name, _)| name.as_str());
                    names
                        .filter(|present| settings::fits(name, present))
                        .collect()
                }
                false => vec![name],
            };
            for name in found {
                if !all.contains(&name) {
                    all.push(name);
                }
            }
        }
        all.join(",")
    }

    /// The headers of the settings, and those that the page asks for besides.
    fn allowed_headers(&self, request: &Request) -> String {
        let mut all = self.allow_headers.clone();
        for line in request.field_values(REQUEST_HEADERS) {
            for name in line.text().split(',').map(str::trim) {
                let known = all.iter().any(|other| other.eq_ignore_ascii_case(name));
                if !name.is_empty() && !known {
                    all.push(name.to_owned());
                }
            }
        }
        all.join(",")
    }

    /// Adds what the response doesn't have. A backend that allows an origin does CORS itself, such as a bucket with rules
    /// of its own: nothing is added to what it says. An empty field means that the backend wants none, which is how
    /// LocalStack's listeners said so.
    fn add_missing(&self, response: &mut Response, origin: &str) -> Result<()> {
        let is_decided = response
            .field(ALLOW_ORIGIN)
            .is_some_and(|value| value != "");
        let credentials = (self.allow_credentials && origin != "*").then(|| "true".to_owned());
        let exposed = || self.exposed_headers(&response.fields(), &[]);
        let fields = [
            (ALLOW_ORIGIN, Some(origin.to_owned())),
            (ALLOW_METHODS, Some(self.allow_methods.join(","))),
            (ALLOW_HEADERS, Some(self.allow_headers.join(","))),
            (EXPOSE_HEADERS, (!is_decided).then(exposed)),
            (ALLOW_CREDENTIALS, credentials),
        ];
        for (name, value) in fields {
            match (response.field(name), value) {
                (None, Some(value)) if !is_decided && !value.is_empty() => {
                    response.set_field(name, value)?;
                }
                (Some(present), _) if present == "" => response.delete_field(name)?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// An OPTIONS request by which a browser asks for permission; any other OPTIONS request is the backend's.
fn is_preflight(request: &Request) -> bool {
    request.method() == "OPTIONS"
        && request.field("origin").is_some()
        && request.field(REQUEST_METHOD).is_some()
}

/// Tells caches that the answer depends on the origin (RFC 9110, section 12.5.5).
fn vary_by_origin(response: &mut Response) -> Result<()> {
    let says_so = response
        .field_values("vary")
        .iter()
        .any(|vary| vary.has_member("origin") || vary.has_member("*"));
    if !says_so {
        response.append_field("vary", "Origin")?;
    }
    Ok(())
}

tollgate_plugin::export!(Cors);
