//! SQS sends the MD5 of each message body beside it, and its clients (Java, JavaScript) refuse a message whose digest
//! doesn't fit. A message in which names were swapped therefore needs the digest of what the receiver sees.
//!
//! No message format is read for that: of every string that a swap changed, the digest before and after is known, and
//! where the one stands in the answer the other takes its place.

use crate::body::Syntax;

/// The digest that SQS knows, and the one that the client expects; 32 hexadecimal digits each.
pub(crate) type Digest = (String, String);

/// The digests of all strings that differ between two forms of one text.
pub(crate) fn digests(backend: &[u8], client: &[u8], syntax: Syntax) -> Vec<Digest> {
    let hex = |string: &[u8]| format!("{:x}", md5::compute(string));
    let pairs = strings(backend, syntax)
        .into_iter()
        .zip(strings(client, syntax));
    pairs
        .filter(|(theirs, ours)| theirs != ours)
        .map(|(theirs, ours)| (hex(&theirs), hex(&ours)))
        .collect()
}

/// The text with the digests replaced; none if it has none of them.
pub(crate) fn replace(text: &[u8], digests: &[Digest]) -> Option<Vec<u8>> {
    let mut replaced = text.to_vec();
    let mut at = 0;
    while at + 32 <= text.len() {
        let here = digests
            .iter()
            .find(|(from, _)| text[at..].starts_with(from.as_bytes()));
        if let Some((_, to)) = here {
            replaced[at..at + 32].copy_from_slice(to.as_bytes());
            at += 31;
        }
        at += 1;
    }
    (replaced != text).then_some(replaced)
}

/// The digests as a note.
pub(crate) fn to_note(digests: &[Digest]) -> String {
    digests
        .iter()
        .map(|(from, to)| format!("{from}{to}"))
        .collect()
}

pub(crate) fn from_note(note: &[u8]) -> Vec<Digest> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    note.chunks_exact(64)
        .map(|pair| (text(&pair[..32]), text(&pair[32..])))
        .collect()
}

/// The strings of a text in their order, decoded.
fn strings(text: &[u8], syntax: Syntax) -> Vec<Vec<u8>> {
    match syntax {
        Syntax::Json => json_strings(text),
        Syntax::Xml => text.split(|byte| *byte == b'>').map(xml_text).collect(),
        Syntax::Form => {
            let pairs = text.split(|byte| *byte == b'&');
            pairs
                .map(|pair| form_value(pair.splitn(2, |byte| *byte == b'=').nth(1).unwrap_or(b"")))
                .collect()
        }
        Syntax::Plain => Vec::new(),
    }
}

fn json_strings(text: &[u8]) -> Vec<Vec<u8>> {
    let mut strings = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.iter().position(|byte| *byte == b'"') {
        let mut end = open + 1;
        while end < rest.len() && rest[end] != b'"' {
            end += if rest[end] == b'\\' { 2 } else { 1 };
        }
        let Some(literal) = rest.get(open..=end) else {
            break;
        };
        strings.push(
            serde_json::from_slice::<String>(literal)
                .unwrap_or_default()
                .into_bytes(),
        );
        rest = &rest[end + 1..];
    }
    strings
}

/// What stands before the next tag, its entities resolved.
fn xml_text(piece: &[u8]) -> Vec<u8> {
    let text = piece.split(|byte| *byte == b'<').next().unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    let mut pieces = text.split('&');
    let mut resolved = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece
            .split_once(';')
            .and_then(|(entity, rest)| Some((entity_char(entity)?, rest)))
        {
            Some((resolves_to, rest)) => {
                resolved.push(resolves_to);
                resolved.push_str(rest);
            }
            None => {
                resolved.push('&');
                resolved.push_str(piece);
            }
        }
    }
    resolved.into_bytes()
}

fn entity_char(entity: &str) -> Option<char> {
    match entity {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

fn form_value(value: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(value.len());
    let mut at = 0;
    while let Some(&byte) = value.get(at) {
        let escaped = crate::names::escape_at(value, at);
        decoded.push(escaped.unwrap_or(if byte == b'+' { b' ' } else { byte }));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_as_their_receiver_reads_them() {
        let read = |text: &str, syntax| {
            let strings = strings(text.as_bytes(), syntax).into_iter();
            strings
                .map(|string| String::from_utf8(string).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            read(r#"{"a":"x\"\u00e9\n", "b":["\\"]}"#, Syntax::Json),
            ["a", "x\"é\n", "b", "\\"]
        );
        assert_eq!(read(r#"{"open":"#, Syntax::Json), ["open"]);
        assert_eq!(read(r#""unfinished\"#, Syntax::Json), [""; 0]);
        assert_eq!(
            read("<B>a &lt;b&gt; &#65;&#x42;&amp;amp; & c</B>", Syntax::Xml)[1],
            "a <b> AB&amp; & c"
        );
        assert_eq!(
            read("Action=Send&MessageBody=a+b%22%C3%A9%2", Syntax::Form),
            ["Send", "a b\"é%2"]
        );
    }

    #[test]
    fn a_digest_takes_the_others_place() {
        let (backend, client) = (br#"{"Body":"a","Id":"1"}"#, br#"{"Body":"b","Id":"1"}"#);
        let digests = digests(backend, client, Syntax::Json);
        let (a, b) = (
            "0cc175b9c0f1b6a831c399e269772661",
            "92eb5ffee6ae2fec3ad71c777531578f",
        );
        assert_eq!(digests, [(a.to_owned(), b.to_owned())]);
        assert_eq!(from_note(to_note(&digests).as_bytes()), digests);
        assert_eq!(
            replace(format!("<{a}{a}>").as_bytes(), &digests).unwrap(),
            format!("<{b}{b}>").into_bytes()
        );
        assert_eq!(replace(b.as_bytes(), &digests), None);
    }
}
