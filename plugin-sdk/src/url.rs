//! Percent-decoding and percent-encoding of parts of a URL.
//!
//! [`Request::query_param`](crate::Request::query_param) and [`Request::query_params`](crate::Request::query_params) already
//! decode their results.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// Percent-decodes text. Bytes that are not UTF-8 become U+FFFD. A `%` that is not followed by two hexadecimal digits is
/// kept. `+` is kept too: it means a space only in a query.
///
/// ```
/// use tollgate_plugin::url;
///
/// assert_eq!(url::decode("a%20%C3%A9+%2f%"), "a é+/%");
/// assert_eq!(url::decode("%ff%41"), "\u{fffd}A");
/// ```
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).filter(|_| byte == b'%');
        match digits.and_then(hexadecimal) {
            Some(escaped) => {
                decoded.push(escaped);
                at += 3;
            }
            None => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Percent-encodes every byte except ASCII letters, digits and `-._~` (RFC 3986, section 2.3). The result can be used as one
/// part of a path or of a query.
///
/// ```
/// use tollgate_plugin::url;
///
/// assert_eq!(url::encode("a é/~"), "a%20%C3%A9%2F~");
/// ```
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Name and value of each parameter of a query, decoded.
pub(crate) fn query(query: &str) -> Vec<(String, String)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    let pairs = parts.map(|part| {
        let part = part.replace('+', " ");
        let (name, value) = part.split_once('=').unwrap_or((&part, ""));
        (decode(name), decode(value))
    });
    pairs.collect()
}

/// Name and value of each cookie in a field `cookie`, as they were sent.
pub(crate) fn cookies(field: &str) -> Vec<(String, String)> {
    let pairs = field.split(';').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.trim().into(), value.trim().into()))
        .collect()
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let value = |digit: &u8| char::from(*digit).to_digit(16);
    let [high, low] = digits else { return None };
    u8::try_from(value(high)? * 16 + value(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).into(), (*value).into());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn a_query_is_decoded_into_pairs() {
        assert_eq!(query(""), []);
        assert_eq!(
            query("a=1&&b&c=x%3D=y&a=%C3%A9+%2B&=v"),
            pairs(&[
                ("a", "1"),
                ("b", ""),
                ("c", "x==y"),
                ("a", "é +"),
                ("", "v")
            ])
        );
        assert_eq!(
            query("a=%zz%4&b=%ff"),
            pairs(&[("a", "%zz%4"), ("b", "\u{fffd}")])
        );
    }

    #[test]
    fn cookies_are_pairs_as_they_were_sent() {
        assert_eq!(
            cookies("a=1; b=\"x y\" ;c;d=p%20=q;"),
            pairs(&[("a", "1"), ("b", "\"x y\""), ("d", "p%20=q")])
        );
    }
}
