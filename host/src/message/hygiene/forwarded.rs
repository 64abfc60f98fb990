//! What a backend is told of the client: `x-forwarded-*` and `forwarded` (RFC 7239).

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use http::HeaderValue;

use crate::message::{Checked, Fields, Known, Scheme, as_text, syntax};

/// What backends are told of the client: the table `[forwarding]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forwarding {
    /// `x-forwarded-for`, `-proto` and `-host`.
    pub x_forwarded: Forward,
    /// `forwarded` (RFC 7239).
    pub forwarded: Forward,
    /// `via` (RFC 9110, section 7.6.3), on requests and responses.
    pub via: bool,
}

impl Default for Forwarding {
    fn default() -> Self {
        Self {
            // A client must not be able to say who it is.
            x_forwarded: Forward::Replace,
            forwarded: Forward::Remove,
            via: true,
        }
    }
}

/// What is done to a field that tells of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// What the client sent is replaced: this is the first proxy.
    Replace,
    /// This hop is added to what came: another proxy, which is trusted, stands before this one.
    Append,
    /// What came goes on as it is.
    Keep,
    /// The field is taken away and none is set.
    Remove,
}

/// The names that are set together.
const X_FORWARDED: u64 = Known::set(&[
    Known::XForwardedFor,
    Known::XForwardedProto,
    Known::XForwardedHost,
]);

/// A client's address as fields show it. Made once for each connection.
pub fn shown_address(client: SocketAddr) -> HeaderValue {
    let address = client.ip().to_canonical().to_string();
    // An address is printable characters.
    HeaderValue::try_from(address).unwrap_or(HeaderValue::from_static("unknown"))
}

/// Tells the backend of the client as the configuration wants it; `shown` is its address. `host` must be what the client
/// asked for.
pub fn tell_of_client(
    fields: &mut Fields,
    policy: &Forwarding,
    client: SocketAddr,
    shown: &HeaderValue,
    scheme: Scheme,
) {
    x_forwarded(fields, policy.x_forwarded, shown, scheme);
    forwarded(fields, policy.forwarded, client, scheme);
}

/// Sets `x-forwarded-for`, `-proto` and `-host`.
///
/// Appended, the address is added to the list; protocol and host are those that the first proxy saw, so they stay.
fn x_forwarded(fields: &mut Fields, policy: Forward, client: &HeaderValue, scheme: Scheme) {
    match policy {
        Forward::Keep => return,
        Forward::Remove => {
            fields.remove_all(X_FORWARDED);
            return;
        }
        Forward::Replace | Forward::Append => {}
    }
    let keep = policy == Forward::Append;
    let came = |name: Known| keep && fields.contains(name);
    let (proto_came, host_came) = (came(Known::XForwardedProto), came(Known::XForwardedHost));
    if came(Known::XForwardedFor) {
        let list = listed(fields, Known::XForwardedFor, keep, client.as_bytes());
        set(fields, Known::XForwardedFor, &list);
    } else {
        fields.insert(Known::XForwardedFor, client);
    }
    if !proto_came {
        fields.insert(Known::XForwardedProto, scheme.as_str());
    }
    if !host_came && !fields.copy(Known::Host, Known::XForwardedHost) {
        fields.remove(Known::XForwardedHost);
    }
}

/// Sets `forwarded`.
fn forwarded(fields: &mut Fields, policy: Forward, client: SocketAddr, scheme: Scheme) {
    match policy {
        Forward::Keep => {}
        Forward::Remove => {
            fields.remove(Known::Forwarded);
        }
        Forward::Replace | Forward::Append => {
            let element = element(client.ip().to_canonical(), fields.get(Known::Host), scheme);
            let list = listed(
                fields,
                Known::Forwarded,
                policy == Forward::Append,
                element.as_bytes(),
            );
            set(fields, Known::Forwarded, &list);
        }
    }
}

/// `for=192.0.2.43;host="a:1";proto=http`. What is no token stands in quotes (RFC 7239, section 4 and 6).
fn element(client: IpAddr, host: Option<&[u8]>, scheme: Scheme) -> String {
    let mut element = match client {
        IpAddr::V4(address) => format!("for={address}"),
        IpAddr::V6(address) => format!("for=\"[{address}]\""),
    };
    // A valid authority holds neither quotes nor backslashes.
    if let Some(host) = host.and_then(as_text).filter(|host| !host.is_empty()) {
        let is_token = syntax::is_token(host.as_bytes());
        let quote = if is_token { "" } else { "\"" };
        // Writing to a string does not fail.
        let _ = write!(element, ";host={quote}{host}{quote}");
    }
    let _ = write!(element, ";proto={}", scheme.as_str());
    element
}

/// The values of a list field in one line, this one last.
fn listed(fields: &Fields, name: Known, keep: bool, last: &[u8]) -> Vec<u8> {
    let mut list = Vec::with_capacity(last.len());
    for value in fields.get_all(name).filter(|_| keep) {
        list.extend_from_slice(value);
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(last);
    list
}

fn set(fields: &mut Fields, name: Known, value: &[u8]) {
    // It is made of valid values and printable characters.
    if let Some(value) = Checked::new(value) {
        fields.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Lines<'a> = &'a [(&'static str, &'a str)];

    fn of(lines: Lines<'_>) -> Fields {
        let value = |value: &str| value.parse::<HeaderValue>().unwrap();
        lines
            .iter()
            .map(|(name, text)| (*name, value(text)))
            .collect()
    }

    #[test]
    fn x_forwarded_by_policy() {
        let came: Lines<'_> = &[
            ("host", "h:1"),
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-for", "2.2.2.2"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "first"),
        ];
        let fresh: Lines<'_> = &[("host", "h:1")];
        let cases: [(Forward, Lines<'_>, [Option<&str>; 3]); 6] = [
            (
                Forward::Replace,
                came,
                [Some("9.9.9.9"), Some("http"), Some("h:1")],
            ),
            (
                Forward::Append,
                came,
                [
                    Some("1.1.1.1, 2.2.2.2, 9.9.9.9"),
                    Some("https"),
                    Some("first"),
                ],
            ),
            (
                Forward::Append,
                fresh,
                [Some("9.9.9.9"), Some("http"), Some("h:1")],
            ),
            (
                Forward::Keep,
                came,
                [Some("1.1.1.1"), Some("https"), Some("first")],
            ),
            (Forward::Keep, fresh, [None, None, None]),
            (Forward::Remove, came, [None, None, None]),
        ];
        for (policy, given, expected) in cases {
            let mut fields = of(given);
            x_forwarded(
                &mut fields,
                policy,
                &shown_address("9.9.9.9:5".parse().unwrap()),
                Scheme::Http,
            );
            let got = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]
                .map(|name| fields.get_text(name));
            assert_eq!(got, expected, "{policy:?} {given:?}");
        }
    }

    #[test]
    fn forwarded_quotes_what_is_no_token() {
        let cases = [
            (
                "1.2.3.4:5",
                "a.example",
                "for=1.2.3.4;host=a.example;proto=https",
            ),
            ("1.2.3.4:5", "a:80", "for=1.2.3.4;host=\"a:80\";proto=https"),
            ("[2001:db8::1]:5", "", "for=\"[2001:db8::1]\";proto=https"),
            ("[::ffff:1.2.3.4]:5", "a", "for=1.2.3.4;host=a;proto=https"),
        ];
        for (client, host, expected) in cases {
            let mut fields = of(&[("host", host), ("forwarded", "for=x")]);
            forwarded(
                &mut fields,
                Forward::Replace,
                client.parse().unwrap(),
                Scheme::Https,
            );
            assert_eq!(fields.get_text("forwarded"), Some(expected));
            let mut fields = of(&[("host", host), ("forwarded", "for=x")]);
            forwarded(
                &mut fields,
                Forward::Append,
                client.parse().unwrap(),
                Scheme::Https,
            );
            let list = format!("for=x, {expected}");
            assert_eq!(fields.get_text("forwarded"), Some(&list[..]));
        }
    }
}
