//! Which bytes may stand where in a message: one set of rules for HTTP/1.1 and HTTP/2, for requests and responses, for what
//! comes from a peer and what a plugin sets.

/// Bytes of a method or a field's name: `tchar` of RFC 9110, section 5.6.2.
pub const TOKEN: u8 = 1;
/// Bytes of a target. Every visible ASCII character but `#`, which begins a fragment: a URI has one, a target has not. nginx
/// and HAProxy take as many.
pub const TARGET: u8 = 2;
/// Bytes of a host's name: `reg-name` of RFC 3986, section 3.2.2, without percent-encoding, which nobody reads there.
pub const HOST: u8 = 4;
/// Bytes of a field's value: all but control characters, of which the tab may be there (RFC 9110, section 5.5).
const VALUE: u8 = 8;

const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut b = 0x21;
    while b < 0x7f {
        let byte = b as u8;
        let token = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        table[b] = if token { TOKEN } else { 0 }
            | if byte == b'#' { 0 } else { TARGET }
            | if is_of_host(byte) { HOST } else { 0 };
        b += 1;
    }
    let mut b = 0;
    while b < 256 {
        let byte = b as u8;
        if byte == b'\t' || !byte.is_ascii_control() {
            table[b] |= VALUE;
        }
        b += 1;
    }
    table
}

const fn is_of_host(byte: u8) -> bool {
    let is_mark = matches!(byte, b'-' | b'.' | b'_' | b'~');
    let is_delimiter = matches!(
        byte,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
    );
    byte.is_ascii_alphanumeric() || is_mark || is_delimiter
}

/// How many bytes at the start of `bytes` are of a class.
pub fn run_of(class: u8, bytes: &[u8]) -> usize {
    let other = bytes
        .iter()
        .position(|&b| CLASSES[usize::from(b)] & class == 0);
    other.unwrap_or(bytes.len())
}

/// Whether these bytes are a token (RFC 9110, section 5.6.2).
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && is_all(TOKEN, bytes)
}

/// Whether all bytes are of a class. Without a branch for each byte: most that are asked for are.
#[inline]
fn is_all(class: u8, bytes: &[u8]) -> bool {
    let all = |all, &b: &u8| all & CLASSES[usize::from(b)];
    bytes.iter().fold(class, all) == class
}

/// Whether these bytes may be a field's value: no control characters but the tab (RFC 9110, section 5.5).
pub fn is_value(bytes: &[u8]) -> bool {
    /// Longer ones are quicker by words.
    const SHORT: usize = 16;
    if bytes.len() <= SHORT {
        is_all(VALUE, bytes)
    } else {
        text(bytes) == bytes.len()
    }
}

/// The first byte that no target may hold, with its place. Other characters than ASCII may stand there if they are UTF-8:
/// nginx and HAProxy pass them, and they can be read in one way only.
pub fn not_of_a_target(target: &[u8]) -> Option<(usize, u8)> {
    let mut at = 0;
    loop {
        at += run_of(TARGET, &target[at..]);
        match target.get(at) {
            None => return None,
            Some(0x80..) => match std::str::from_utf8(&target[at..]) {
                Ok(rest) => at += rest.bytes().take_while(|b| *b >= 0x80).count(),
                Err(e) if e.valid_up_to() > 0 => {
                    let valid = &target[at..at + e.valid_up_to()];
                    at += valid.iter().take_while(|b| **b >= 0x80).count();
                }
                Err(_) => return Some((at, target[at])),
            },
            Some(&byte) => return Some((at, byte)),
        }
    }
}

/// Whether `name` is one that a recipient may take for `field` (lower case): the case doesn't count, nor does `_` for
/// `-`, because CGI and its heirs (WSGI, Rack) make the same variable of both.
pub fn resembles(name: &[u8], field: &[u8]) -> bool {
    let plain = |b: u8| {
        if b == b'_' {
            b'-'
        } else {
            b.to_ascii_lowercase()
        }
    };
    name.len() == field.len() && name.iter().zip(field).all(|(&a, &b)| plain(a) == b)
}

/// `value` without the spaces and tabs around it (RFC 9110, section 5.6.3).
pub fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The items of a list in a field's value, empty ones included (RFC 9110, section 5.6.1).
pub fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&b| b == b',').map(trim)
}

/// How many bytes at the start of `bytes` may stand in a value: all but control characters, of which the tab may.
pub fn text(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        at += plain_text(&bytes[at..]);
        if bytes.get(at) != Some(&b'\t') {
            return at;
        }
        at += 1;
    }
}

/// How many bytes at the start of `bytes` are no control characters.
fn plain_text(bytes: &[u8]) -> usize {
    find(bytes, controls).unwrap_or_else(|| {
        let (words, rest) = bytes.as_chunks::<8>();
        let other = rest.iter().position(u8::is_ascii_control);
        words.len() * 8 + other.unwrap_or(rest.len())
    })
}

const ONES: u64 = each(1);
const HIGH: u64 = each(0x80);

/// A word of this byte alone.
pub const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The first byte that `marks` marks by its high bit, eight looked at as one number. The last bytes that fill no such word are
/// not looked at.
#[inline]
pub fn find(bytes: &[u8], marks: impl Fn(u64) -> u64) -> Option<usize> {
    let (words, _) = bytes.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let found = marks(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(i * 8 + (found.trailing_zeros() / 8) as usize);
        }
    }
    None
}

/// Marks bytes that are zero. Only the lowest mark is certain to be one.
#[inline]
pub fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGH
}

/// Marks control characters: below 0x20, or 0x7f. Only the lowest mark is certain to be one.
#[inline]
pub fn controls(word: u64) -> u64 {
    let below = word.wrapping_sub(each(0x20)) & !word & HIGH;
    below | zeros(word ^ each(0x7f))
}

/// `1*DIGIT`, and not so large that a sum of two could overflow. Zeros before it don't count.
pub fn decimal(digits: &[u8]) -> Option<u64> {
    /// Above it a sum of lengths could leave 64 bits.
    const MOST: u64 = i64::MAX as u64;
    let add = |sum: u64, &digit: &u8| {
        let digit = digit
            .is_ascii_digit()
            .then_some(u64::from(digit.wrapping_sub(b'0')))?;
        sum.checked_mul(10)?.checked_add(digit)
    };
    let number = digits.iter().try_fold(0u64, add)?;
    (!digits.is_empty() && number <= MOST).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_hold_what_can_be_read_in_one_way() {
        for good in [
            &b"/"[..],
            b"/a`b?query=up{job=\"x\"}|^\\[]'",
            "/\u{e9}?\u{4e2d}=\u{1f600}".as_bytes(),
            b"*",
        ] {
            assert_eq!(not_of_a_target(good), None, "{}", good.escape_ascii());
        }
        for (bad, at, byte) in [
            (&b"/a b"[..], 2, b' '),
            (b"/#", 1, b'#'),
            (b"/a\x7f", 2, 0x7f),
            (b"/\0", 1, 0),
            (b"/\xff", 1, 0xff),
            (b"/\xc3\xa9\xc3", 3, 0xc3),
            (b"/\xc3\xa9 ", 3, b' '),
        ] {
            assert_eq!(
                not_of_a_target(bad),
                Some((at, byte)),
                "{}",
                bad.escape_ascii()
            );
        }
    }

    #[test]
    fn a_value_may_hold_all_but_control_characters() {
        for n in 0..40 {
            for byte in 0..=255u8 {
                let mut bytes = vec![b'a'; 40];
                bytes[n] = byte;
                let bad = (byte < 0x20 && byte != b'\t') || byte == 0x7f;
                assert_eq!(text(&bytes), if bad { n } else { 40 }, "{byte} at {n}");
                assert_eq!(is_value(&bytes), !bad, "{byte} at {n}");
                let short = &bytes[..n + 1];
                assert_eq!(is_value(short), !bad, "{byte} at {n}");
            }
        }
    }

    #[test]
    fn numbers_are_decimal_and_small_enough() {
        for (digits, number) in [
            ("0", Some(0)),
            ("00", Some(0)),
            ("007", Some(7)),
            ("9223372036854775807", Some(i64::MAX as u64)),
            ("9223372036854775808", None),
            ("99999999999999999999999", None),
            ("", None),
            ("+1", None),
            ("1 ", None),
            ("0x1", None),
        ] {
            assert_eq!(decimal(digits.as_bytes()), number, "{digits:?}");
        }
    }
}
