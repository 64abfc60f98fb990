//! Who may ask: decided from a request's head alone, before anything is done.
//!
//! A browser on this machine reaches a loopback address from any page. So the host must be one that no stranger's name can lead
//! to (DNS rebinding), and what changes anything needs a header field that a page of another origin can't send without asking
//! first, and nobody here says yes to that (CSRF).

use std::net::IpAddr;

use http::uri::Authority;
use http::{HeaderMap, Method, StatusCode, Uri, header};

use super::problem::Problem;
use super::token::Token;

/// The field that every request with an effect must have, with the value `1`.
pub const MARK: &str = "x-tollgate-admin";

/// The cookie that stands for the token.
pub const COOKIE: &str = "tollgate-admin";

/// By what requests are judged.
#[derive(Debug)]
pub struct Guard {
    /// Nobody is asked for one without it.
    pub token: Option<Token>,
    /// Names that `host` may have, in lower case.
    pub hosts: Vec<String>,
    /// Browsers can't reach a unix socket, and it has no name.
    pub is_unix: bool,
}

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Judged {
    Passes,
    /// It asked for the page with the token in its query: it gets a cookie, and is sent to the page without the query.
    SignsIn,
    Refused(Problem),
}

impl Guard {
    /// Judges the head of a request.
    pub fn judge(&self, method: &Method, uri: &Uri, fields: &HeaderMap) -> Judged {
        let reads = method == Method::GET || method == Method::HEAD;
        // Whoever asks whether it is alive often knows it by a name of their own.
        if reads && (uri.path() == "/live" || uri.path() == "/ready") {
            return Judged::Passes;
        }
        let authority = match self.authority(uri, fields) {
            Ok(authority) => authority,
            Err(problem) => return Judged::Refused(problem),
        };
        if !reads && let Err(problem) = own_page_or_program(authority.as_ref(), fields) {
            return Judged::Refused(problem);
        }
        let Some(token) = &self.token else {
            return Judged::Passes;
        };
        if reads
            && uri.path() == "/"
            && let Some(given) = token_in_query(uri)
        {
            return match token.is(given.as_bytes()) {
                true => Judged::SignsIn,
                false => Judged::Refused(unauthorized()),
            };
        }
        match is_known(token, fields) {
            true => Judged::Passes,
            false => Judged::Refused(unauthorized()),
        }
    }

    /// The host and port that were asked for.
    ///
    /// # Errors
    /// When a stranger's name may have led here.
    fn authority(&self, uri: &Uri, fields: &HeaderMap) -> Result<Option<Authority>, Problem> {
        let mut hosts = fields.get_all(header::HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().ok().and_then(|host| host.parse().ok()),
            _ => None,
        };
        if self.is_unix {
            return Ok(host);
        }
        let known = |authority: &Authority| {
            !authority.as_str().contains('@') && self.knows(authority.host())
        };
        let in_target = uri.authority();
        match host {
            Some(host) if known(&host) && in_target.is_none_or(known) => Ok(Some(host)),
            _ => Err(Problem::new(
                StatusCode::MISDIRECTED_REQUEST,
                "the admin listener answers to an IP address and to localhost; to reach it by another name, put that into \
                 admin.hosts in the configuration",
            )),
        }
    }

    fn knows(&self, host: &str) -> bool {
        let literal = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        literal.unwrap_or(host).parse::<IpAddr>().is_ok()
            || host.eq_ignore_ascii_case("localhost")
            || self.hosts.iter().any(|own| host.eq_ignore_ascii_case(own))
    }
}

/// Whether a request that changes something is from our page, or from no page.
fn own_page_or_program(authority: Option<&Authority>, fields: &HeaderMap) -> Result<(), Problem> {
    let forbidden = |detail: &str| Err(Problem::new(StatusCode::FORBIDDEN, detail));
    let all = |name: &str| fields.get_all(name).iter().map(|value| value.as_bytes());
    if all("sec-fetch-site").any(|site| site != b"same-origin" && site != b"none") {
        return forbidden("a page of another origin may change nothing here (sec-fetch-site)");
    }
    if all("origin").any(|origin| !is_origin_of(origin, authority)) {
        return forbidden("a page of another origin may change nothing here (origin)");
    }
    if !all(MARK).eq([&b"1"[..]]) {
        return forbidden("what changes something needs the header field `x-tollgate-admin: 1`");
    }
    let json = |form: &[u8]| {
        let form = form.split(|byte| *byte == b';').next().unwrap_or_default();
        form.trim_ascii().eq_ignore_ascii_case(b"application/json")
    };
    let has_body = fields.contains_key(header::TRANSFER_ENCODING)
        || all("content-length").any(|length| length != b"0");
    let mut forms = all("content-type").peekable();
    let is_json = match forms.peek() {
        None => !has_body,
        Some(_) => forms.all(json),
    };
    match is_json {
        true => Ok(()),
        false => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "a body must be JSON and say so: `content-type: application/json`",
        )),
    }
}

/// Whether an origin is that of a page at this host and port.
fn is_origin_of(origin: &[u8], authority: Option<&Authority>) -> bool {
    let origin = std::str::from_utf8(origin).ok();
    let host = origin.and_then(|origin| {
        origin
            .strip_prefix("http://")
            .or(origin.strip_prefix("https://"))
    });
    match (host, authority) {
        (Some(host), Some(authority)) => host.eq_ignore_ascii_case(authority.as_str()),
        _ => false,
    }
}

fn is_known(token: &Token, fields: &HeaderMap) -> bool {
    let bearer = fields.get_all(header::AUTHORIZATION).iter().any(|value| {
        let (scheme, given) = value.as_bytes().split_at_checked(7).unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"bearer ") && token.is(given.trim_ascii())
    });
    let cookies = fields.get_all(header::COOKIE).iter();
    let mut cookies = cookies.flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    let name = format!("{COOKIE}=");
    bearer
        || cookies.any(|cookie| {
            let value = cookie.trim_ascii().strip_prefix(name.as_bytes());
            value.is_some_and(|value| token.is_cookie(value))
        })
}

fn token_in_query(uri: &Uri) -> Option<&str> {
    uri.query()?
        .split('&')
        .find_map(|pair| pair.strip_prefix("token="))
}

fn unauthorized() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "the admin listener wants its token: `authorization: Bearer TOKEN`, or once for the page /?token=TOKEN",
    )
}

#[cfg(test)]
mod tests;
