//! The request of the exchange in hand: its method, authority and target.

use http::uri::PathAndQuery;
use http::{Method, Uri, header};

use super::fields::{self, FieldError, FieldResult, Growth};
use crate::message::Exchange;

pub fn method(exchange: &Exchange) -> String {
    exchange.request.method.as_str().to_owned()
}

pub fn set_method(exchange: &mut Exchange, growth: &mut Growth, method: &str) -> FieldResult {
    let invalid = |why: &str| FieldError::InvalidValue(format!("{method:?} {why}"));
    let parsed = Method::from_bytes(method.as_bytes()).map_err(|_| invalid("is not a method"))?;
    if parsed == Method::CONNECT {
        return Err(invalid("asks for a tunnel, which a plugin can't open"));
    }
    let replaced = growth.without(exchange.request.method.as_str().len());
    *growth = replaced.with(method.len())?;
    exchange.request.method = parsed;
    Ok(())
}

pub fn scheme(exchange: &Exchange) -> String {
    exchange.scheme.as_str().to_owned()
}

pub fn authority(exchange: &Exchange) -> String {
    let host = exchange.request.headers.get(header::HOST);
    host.map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned())
        .unwrap_or_default()
}

pub fn set_authority(
    exchange: &mut Exchange,
    growth: &mut Growth,
    authority: String,
) -> FieldResult {
    if authority.parse::<http::uri::Authority>().is_err() {
        return Err(FieldError::InvalidValue(format!(
            "{authority:?} is not an authority"
        )));
    }
    fields::set(
        &mut exchange.request.headers,
        growth,
        "host",
        authority.into_bytes(),
    )
}

pub fn target(exchange: &Exchange) -> String {
    let target = exchange.request.uri.path_and_query();
    target.map_or("/", PathAndQuery::as_str).to_owned()
}

pub fn set_target(exchange: &mut Exchange, growth: &mut Growth, target: &str) -> FieldResult {
    let parsed = parse_target(target).ok_or_else(|| {
        FieldError::InvalidValue(format!(
            "{target:?} is not a target: path and query as on the wire, from \"/\""
        ))
    })?;
    let before = exchange.request.uri.path_and_query();
    let replaced = growth.without(before.map_or(0, |target| target.as_str().len()));
    *growth = replaced.with(target.len())?;
    exchange.request.uri = parsed;
    Ok(())
}

/// A target in origin form, or `*`. A fragment has no place in one (RFC 9112, section 3.2).
fn parse_target(target: &str) -> Option<Uri> {
    if !(target.starts_with('/') || target == "*") || target.contains('#') {
        return None;
    }
    PathAndQuery::try_from(target).ok().map(Uri::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_taken_as_they_are() {
        for good in ["/", "*", "/a%2Fb//c/../d?x=%20&y=é", "/?"] {
            assert_eq!(
                parse_target(good)
                    .unwrap()
                    .path_and_query()
                    .unwrap()
                    .as_str(),
                good
            );
        }
        for bad in ["", "a", "http://h/", "/a b", "/a#b", "/\r\n"] {
            assert!(parse_target(bad).is_none(), "{bad:?}");
        }
    }
}
