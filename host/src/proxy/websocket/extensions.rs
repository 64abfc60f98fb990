//! `sec-websocket-extensions`: permessage-deflate (RFC 7692) is the only one that is understood here, with all of its parameters.

use http::header::SEC_WEBSOCKET_EXTENSIONS;

use crate::message::Fields;

/// What client and backend agreed on for permessage-deflate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deflate {
    /// Of messages that the client sends.
    pub(super) client: Direction,
    /// Of messages that the server sends.
    pub(super) server: Direction,
}

/// How messages of one direction are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Direction {
    /// A message may refer to what came in those before it.
    pub(super) takeover: bool,
    /// The base-2 logarithm of how far it refers back, in bytes: 8 to 15.
    pub(super) window_bits: u8,
}

/// What a server has agreed to, or what of it can't be read: the end of a sentence about the field.
pub type Agreed = Result<Option<Deflate>, String>;

const NAME: &str = "permessage-deflate";

/// Of what a client offers, what is understood here, as the value of one field; none if that is nothing.
pub(super) fn understood<'a>(values: impl Iterator<Item = &'a [u8]>) -> Option<String> {
    let offers: Vec<&str> = values
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| split(value, ','))
        .filter(|offer| parameters(offer, true).is_some())
        .collect();
    (!offers.is_empty()).then(|| offers.join(", "))
}

/// What the server that sent these fields has agreed to.
///
/// # Errors
/// As for [`agreed`].
pub fn of_response(fields: &Fields) -> Agreed {
    agreed(fields.get_all(SEC_WEBSOCKET_EXTENSIONS))
}

/// What a server has agreed to.
///
/// # Errors
/// When that is anything but one permessage-deflate with valid parameters: what is sent then can't be read.
fn agreed<'a>(values: impl Iterator<Item = &'a [u8]>) -> Agreed {
    let mut agreed = None;
    for value in values {
        let value = std::str::from_utf8(value).map_err(|_| "is not text".to_owned())?;
        for extension in split(value, ',').filter(|extension| !extension.is_empty()) {
            let deflate = parameters(extension, false).ok_or_else(|| {
                format!("has {extension:?}, which was not offered or is malformed")
            })?;
            if agreed.replace(deflate).is_some() {
                return Err(format!("has {NAME} twice"));
            }
        }
    }
    Ok(agreed)
}

/// The parameters of one permessage-deflate; none if it is something else, or has another parameter or an invalid one. In an
/// offer, `client_max_window_bits` need not have a value.
fn parameters(extension: &str, in_offer: bool) -> Option<Deflate> {
    let mut parts = split(extension, ';');
    if !parts.next()?.eq_ignore_ascii_case(NAME) {
        return None;
    }
    let whole = Direction {
        takeover: true,
        window_bits: 15,
    };
    let mut deflate = Deflate {
        client: whole,
        server: whole,
    };
    let mut seen = Vec::new();
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim(), Some(unquoted(value.trim()))),
            None => (part, None),
        };
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        match (name, value) {
            ("server_no_context_takeover", None) => deflate.server.takeover = false,
            ("client_no_context_takeover", None) => deflate.client.takeover = false,
            ("server_max_window_bits", Some(bits)) => deflate.server.window_bits = window(bits)?,
            ("client_max_window_bits", Some(bits)) => deflate.client.window_bits = window(bits)?,
            ("client_max_window_bits", None) if in_offer => {}
            _ => return None,
        }
    }
    Some(deflate)
}

fn window(bits: &str) -> Option<u8> {
    let is_plain = bits.bytes().all(|byte| byte.is_ascii_digit()) && !bits.starts_with('0');
    let bits = bits.parse().ok().filter(|_| is_plain)?;
    (8..=15).contains(&bits).then_some(bits)
}

fn unquoted(value: &str) -> &str {
    let inside = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inside.unwrap_or(value)
}

/// The parts between these characters, but for those in quotes.
fn split(text: &str, at: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let is_end = move |c: char| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return c == at && !quoted,
        }
        false
    };
    text.split(is_end)
        .map(|part| part.trim_matches([' ', '\t']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers(values: &[&str]) -> Option<String> {
        understood(values.iter().map(|value| value.as_bytes()))
    }

    fn answer(values: &[&str]) -> Agreed {
        agreed(values.iter().map(|value| value.as_bytes()))
    }

    #[test]
    fn only_what_is_understood_is_offered() {
        let all = "permessage-deflate; client_max_window_bits; server_max_window_bits=10; server_no_context_takeover";
        for (values, left) in [
            (&[all][..], Some(all)),
            (&["permessage-deflate"], Some("permessage-deflate")),
            (
                &["x-webkit-deflate-frame, permessage-deflate ; client_max_window_bits=\"9\""],
                Some("permessage-deflate ; client_max_window_bits=\"9\""),
            ),
            (
                &["a;x=\"1, permessage-deflate\"", "Permessage-Deflate"],
                Some("Permessage-Deflate"),
            ),
            (&["a;x=\"\\\", permessage-deflate, \""], None),
            (
                &["permessage-deflate;a, permessage-deflate;server_max_window_bits=7"],
                None,
            ),
            (
                &[
                    "permessage-deflate;server_max_window_bits, permessage-deflate;server_max_window_bits=016",
                ],
                None,
            ),
            (
                &["permessage-deflate;client_no_context_takeover;client_no_context_takeover"],
                None,
            ),
            (&["bbf-usp-protocol", "", "\u{e4}"], None),
        ] {
            assert_eq!(offers(values).as_deref(), left, "{values:?}");
        }
    }

    #[test]
    fn an_answer_says_how_each_direction_is_compressed() {
        assert_eq!(answer(&[]), Ok(None));
        assert_eq!(answer(&[""]), Ok(None));
        let said = "permessage-deflate; server_max_window_bits=9; client_no_context_takeover; client_max_window_bits=8";
        let expected = Deflate {
            client: Direction {
                takeover: false,
                window_bits: 8,
            },
            server: Direction {
                takeover: true,
                window_bits: 9,
            },
        };
        assert_eq!(answer(&[said]), Ok(Some(expected)));
        for wrong in [
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate, permessage-deflate",
            "permessage-deflate; server_no_context_takeover=1",
            "x-webkit-deflate-frame",
        ] {
            assert!(answer(&[wrong]).is_err(), "{wrong}");
        }
    }
}
