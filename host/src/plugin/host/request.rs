//! The request of the exchange in hand: its method, authority and target.

use http::Method;

use super::fields::{self, FieldError, FieldResult, Growth};
use crate::message::{Exchange, Known, Target, hygiene};

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
    let host = exchange.request.fields.get(Known::Host);
    host.map(|host| String::from_utf8_lossy(host).into_owned())
        .unwrap_or_default()
}

pub fn set_authority(exchange: &mut Exchange, growth: &mut Growth, authority: &str) -> FieldResult {
    if authority.is_empty() || !hygiene::is_authority(authority.as_bytes()) {
        return Err(FieldError::InvalidValue(format!(
            "{authority:?} is not an authority"
        )));
    }
    let fields = &mut exchange.request.fields;
    fields::set(fields, growth, "host", authority.as_bytes()).map(drop)
}

pub fn target(exchange: &Exchange) -> String {
    exchange.request.target.as_str().to_owned()
}

pub fn set_target(exchange: &mut Exchange, growth: &mut Growth, target: &str) -> FieldResult {
    let parsed = Target::new(target.as_bytes()).map_err(|_| {
        FieldError::InvalidValue(format!(
            "{target:?} is not a target: path and query as on the wire, from \"/\""
        ))
    })?;
    let replaced = growth.without(exchange.request.target.as_str().len());
    *growth = replaced.with(target.len())?;
    exchange.request.target = parsed;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_taken_as_they_are() {
        let mut exchange = Exchange::blank();
        let mut set = |text: &str| {
            let set = set_target(&mut exchange, &mut Growth::new(1 << 16), text);
            set.map(|()| target(&exchange))
        };
        for good in ["/", "*", "/a%2Fb//c/../d?x=%20&y=é", "/?", "/a`?q=\"{}\""] {
            assert_eq!(set(good).as_deref(), Ok(good));
        }
        for bad in ["", "a", "http://h/", "/a b", "/a#b", "/\r\n"] {
            assert!(
                matches!(set(bad), Err(FieldError::InvalidValue(_))),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn an_authority_is_host_and_port() {
        let mut exchange = Exchange::blank();
        let mut set = |text: &str| {
            let set = set_authority(&mut exchange, &mut Growth::new(1 << 16), text);
            set.map(|()| authority(&exchange))
        };
        assert_eq!(set("a.test:81").as_deref(), Ok("a.test:81"));
        for bad in ["", "a b", "u@a", "a:x", "a\r\n"] {
            assert!(
                matches!(set(bad), Err(FieldError::InvalidValue(_))),
                "{bad:?}"
            );
        }
    }
}
