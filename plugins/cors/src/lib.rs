//! CORS (Fetch standard, section 3.3) for a backend that has none, and a guard that keeps pages of foreign origins from
//! using a backend that trusts whoever can reach it.
//!
//! The first hook answers preflights and refuses foreign origins; the second adds the answer fields that the response
//! doesn't have. Both take the same decision from the same request, so nothing needs to be remembered between them.

mod origin;
mod settings;
#[cfg(test)]
mod tests;

use tollgate_plugin::{Answer, Plugin, Request, Response, Result, Verdict, info};

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
        let caller = self.caller(request);
        if let Caller::Foreign(origin) = &caller
            && self.enforce
        {
            info!(
                "refused {} {}: origin {origin} is not allowed",
                request.method(),
                request.target()
            );
            let reason = format!("origin {origin} is not allowed here\n");
            return Ok(Answer::new(403).field("vary", "Origin").text(reason).into());
        }
        match caller {
            Caller::Allowed(origin) if is_preflight(request) => {
                Ok(self.preflight(request, &origin).into())
            }
            _ => Ok(Verdict::Forward),
        }
    }

    fn return_response(&self, request: &Request, response: &mut Response) -> Result<()> {
        if self.is_exempt(request) || is_preflight(request) {
            return Ok(());
        }
        let origin = match self.caller(request) {
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

    /// The answer to a preflight from an allowed origin (Fetch standard, section 3.3.3).
    fn preflight(&self, request: &Request, origin: &str) -> Answer {
        let mut answer = Answer::new(204)
            .field(ALLOW_ORIGIN, origin)
            .field(ALLOW_METHODS, self.allow_methods.join(","))
            .field(ALLOW_HEADERS, self.allowed_headers(request))
            .field(
                "vary",
                "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
            );
        if self.allow_credentials {
            answer = answer.field(ALLOW_CREDENTIALS, "true");
        }
        if request
            .field(REQUEST_PRIVATE_NETWORK)
            .is_some_and(|wanted| wanted == "true")
        {
            answer = answer.field(ALLOW_PRIVATE_NETWORK, "true");
        }
        match self.max_age {
            Some(seconds) => answer.field(MAX_AGE, seconds.to_string()),
            None => answer,
        }
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

    /// Adds what the response doesn't have. A field that it has is the backend's own decision; an empty one means that
    /// the backend wants none, which is how LocalStack's listeners said so.
    fn add_missing(&self, response: &mut Response, origin: &str) -> Result<()> {
        let credentials = (self.allow_credentials && origin != "*").then(|| "true".to_owned());
        let fields = [
            (ALLOW_ORIGIN, Some(origin.to_owned())),
            (ALLOW_METHODS, Some(self.allow_methods.join(","))),
            (ALLOW_HEADERS, Some(self.allow_headers.join(","))),
            (EXPOSE_HEADERS, Some(self.expose_headers.join(","))),
            (ALLOW_CREDENTIALS, credentials),
        ];
        for (name, value) in fields {
            match (response.field(name), value) {
                (None, Some(value)) if !value.is_empty() => response.set_field(name, value)?,
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
