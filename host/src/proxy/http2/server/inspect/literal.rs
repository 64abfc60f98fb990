//! Writes fields as HPACK has them (RFC 7541, section 6.2), in the place of others or beside them.

use super::rules::FieldKind;

/// Bytes of HPACK's table: the default, which we don't change. An entry that is larger empties it (RFC 7541, section 4.4).
pub(super) const TABLE: usize = 4096;

/// What stands for a literal.
pub(super) struct Other {
    pub(super) bytes: Vec<u8>,
    pub(super) keeps_name: bool,
}

/// The literal with a value that `h2` takes; both are of the same length.
pub(super) fn replacement(
    kind: FieldKind,
    head: &[u8],
    first: u8,
    name: usize,
    value: usize,
) -> Option<Other> {
    if kind == FieldKind::Status || (kind == FieldKind::Method && value == 0) {
        return unnamed(first, name, value);
    }
    let mut bytes = head.to_vec();
    filler(&mut bytes, value);
    Some(Other {
        bytes,
        keeps_name: true,
    })
}

/// The literal with a path of the same length, or of one with which it empties the table just as well.
pub(super) fn rooted(head: &[u8], value: usize) -> Other {
    let value = value.min(2 * TABLE);
    let mut bytes = head.to_vec();
    filler(&mut bytes, value);
    let start = bytes.len() - value;
    // What begins with a slash is not empty.
    bytes[start] = b'/';
    Other {
        bytes,
        keeps_name: true,
    }
}

/// A literal of the same length with another name. None if there is no byte for a name.
pub(super) fn unnamed(first: u8, name: usize, value: usize) -> Option<Other> {
    let (name, value) = match name {
        0 => (1, value.checked_sub(1)?),
        _ => (name, value),
    };
    // How the literal is to be indexed, and that its name follows.
    let mut bytes = vec![if first & 0x40 != 0 {
        0x40
    } else {
        first & 0xf0
    }];
    filler(&mut bytes, name);
    filler(&mut bytes, value);
    Some(Other {
        bytes,
        keeps_name: false,
    })
}

/// A string of so many letters.
fn filler(out: &mut Vec<u8>, length: usize) {
    write_length(out, length);
    out.resize(out.len() + length, b'x');
}

/// A field that is not to be indexed.
pub(super) fn literal(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.push(0);
    for text in [name, value] {
        write_length(out, text.len());
        out.extend_from_slice(text);
    }
}

/// How long the string is that follows, not coded (RFC 7541, section 5.1 and 5.2).
fn write_length(out: &mut Vec<u8>, length: usize) {
    if length < 0x7f {
        out.extend(u8::try_from(length));
    } else {
        out.push(0x7f);
        let mut rest = length - 0x7f;
        while rest >= 0x80 {
            out.extend(u8::try_from(rest & 0x7f | 0x80));
            rest >>= 7;
        }
        out.extend(u8::try_from(rest));
    }
}
