//! The patterns. Each looks at the text from a place onwards and decides with as few bytes as it needs, or says that more must come. What
//! it decides depends on these bytes alone, never on how many more were there already: so it doesn't matter how a body is cut.

use super::classes::{ALNUM, KEY, PEM, TOKEN, is};

/// The text is not long enough to decide.
#[derive(Debug, PartialEq, Eq)]
pub struct More;

/// Text that may go on.
#[derive(Clone, Copy)]
pub struct Ahead<'a> {
    pub text: &'a [u8],
    /// It ends here.
    pub is_whole: bool,
}

impl<'a> Ahead<'a> {
    /// The byte at this place; none behind the end of the body.
    pub fn byte(self, at: usize) -> Result<Option<u8>, More> {
        match self.text.get(at) {
            Some(byte) => Ok(Some(*byte)),
            None if self.is_whole => Ok(None),
            None => Err(More),
        }
    }

    /// Whether this text stands there.
    pub fn has(self, at: usize, wanted: &[u8]) -> Result<bool, More> {
        for (offset, byte) in wanted.iter().enumerate() {
            if self.byte(at + offset)? != Some(*byte) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A character of a key or token, and how many bytes it takes: JSON may write `/` as `\/`.
    pub fn unescaped(self, at: usize) -> Result<Option<(u8, usize)>, More> {
        let Some(byte) = self.byte(at)? else {
            return Ok(None);
        };
        if byte == b'\\' && self.byte(at + 1)? == Some(b'/') {
            return Ok(Some((b'/', 2)));
        }
        Ok(Some((byte, 1)))
    }
}

/// Whether a run of letters and digits is an access key id of AWS.
pub fn is_access_key_id(run: &[u8]) -> bool {
    const STARTS: [&[u8]; 4] = [b"AKIA", b"ASIA", b"ABIA", b"ACCA"];
    run.len() == 20
        && STARTS.iter().any(|start| run.starts_with(start))
        && run
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Whether 40 characters of base64 are a secret key of AWS. Nothing marks one, so they must be mixed as random ones are, or stand behind
/// a name with `secret` in it. Hashes in hex and paths are not mixed so.
pub fn is_secret_key(run: &[u8], before: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| run.iter().filter(|byte| is(byte)).count();
    let is_mixed = count(u8::is_ascii_uppercase) >= 6
        && count(u8::is_ascii_lowercase) >= 6
        && count(|byte| byte.is_ascii_digit() || *byte == b'+') >= 1;
    let is_hash = run.iter().all(u8::is_ascii_hexdigit);
    let is_word = |word: &[u8]| word.eq_ignore_ascii_case(b"secret");
    is_mixed || (!is_hash && before.windows(6).any(is_word))
}

/// Where the card number ends that begins here, at the start of a group of digits. The longest one counts.
pub fn card(ahead: Ahead<'_>, at: usize) -> Result<Option<usize>, More> {
    let mut digits = Vec::with_capacity(19);
    let mut end = None;
    let (mut place, mut separator) = (at, None);
    loop {
        let group = digits.len();
        while let Some(byte) = ahead.byte(place)?.filter(u8::is_ascii_digit) {
            if digits.len() == 19 {
                return Ok(end);
            }
            digits.push(byte - b'0');
            place += 1;
            // Most numbers are told from a card's by their first digits.
            if digits.len() == 4 && !is_issuer(&digits) {
                return Ok(None);
            }
        }
        let length = digits.len() - group;
        let next = ahead.byte(place)?;
        let is_cut_off = length < if group == 0 { 4 } else { 3 };
        if is_cut_off || next.is_some_and(|byte| is(byte, ALNUM)) {
            return Ok(end);
        }
        if digits.len() >= 13 && luhn(&digits) {
            end = Some(place);
        }
        match next {
            Some(byte @ (b' ' | b'-')) if separator.is_none_or(|other| other == byte) => {
                separator = next;
                place += 1;
            }
            _ => return Ok(end),
        }
    }
}

/// Whether some issuer's numbers begin so: 3 to 6, Mastercard's 2221 to 2720, UnionPay's 81.
fn is_issuer(digits: &[u8]) -> bool {
    let start = digits
        .iter()
        .take(4)
        .fold(0, |sum, digit| sum * 10 + u32::from(*digit));
    matches!(start, 3000..=6999 | 2221..=2720 | 8100..=8199)
}

fn luhn(digits: &[u8]) -> bool {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let mut sum = 0;
    for (place, digit) in digits.iter().rev().enumerate() {
        let digit = u32::from(*digit);
        sum += if place % 2 == 1 {
            doubled(digit)
        } else {
            digit
        };
    }
    sum % 10 == 0
}

/// Where the token begins of which the word `Bearer` ends here.
pub fn bearer(ahead: Ahead<'_>, at: usize) -> Result<Option<usize>, More> {
    let mut start = at;
    while start < at + 8 && matches!(ahead.byte(start)?, Some(b' ' | b'\t')) {
        start += 1;
    }
    if start == at {
        return Ok(None);
    }
    let (mut place, mut length) = (start, 0);
    let (mut upper, mut lower, mut digit) = (false, false, false);
    while let Some((byte, width)) = ahead.unescaped(place)?.filter(|(byte, _)| is(*byte, TOKEN)) {
        length += 1;
        place += width;
        digit |= byte.is_ascii_digit();
        lower |= byte.is_ascii_lowercase();
        upper |= length > 1 && byte.is_ascii_uppercase();
        // A long word of prose is neither.
        if (length >= 16 && (digit || (upper && lower))) || length >= 32 {
            return Ok(Some(start));
        }
    }
    Ok(None)
}

/// Where it is certain that the domain of an address stands here, behind the `@`.
pub fn domain(ahead: Ahead<'_>, at: usize) -> Result<Option<usize>, More> {
    let (mut place, mut label) = (at, at);
    while place < at + 255 {
        let Some(byte) = ahead.byte(place)? else {
            return Ok(None);
        };
        let is_first = place == label;
        match byte {
            b'.' if !is_first => {
                if label == at && is_scale(ahead, at, place) {
                    return Ok(None);
                }
                label = place + 1;
            }
            b'-' if !is_first => {}
            _ if !is(byte, ALNUM) => return Ok(None),
            _ if label > at && place == label + 1 => {
                let both = [ahead.byte(label)?, Some(byte)];
                if both.iter().flatten().all(u8::is_ascii_alphabetic) {
                    return Ok(Some(place + 1));
                }
            }
            _ => {}
        }
        place += 1;
    }
    Ok(None)
}

/// Whether it is the `2x` of an image's name: `icon@2x.png`.
fn is_scale(ahead: Ahead<'_>, start: usize, end: usize) -> bool {
    matches!(ahead.text[start..end], [b'1'..=b'9', b'x'])
}

/// More than the headers before the body of a PEM block.
const PEM_HEADERS: usize = 512;

/// Where the marker ends that begins the block of a private key in PEM here.
pub fn private_key(ahead: Ahead<'_>, at: usize) -> Result<Option<usize>, More> {
    if !ahead.has(at, b"-----BEGIN ")? {
        return Ok(None);
    }
    let Some(end) = label(ahead, at + 11)? else {
        return Ok(None);
    };
    let name = &ahead.text[at + 11..end - 5];
    if !name.ends_with(b"PRIVATE KEY") && !name.ends_with(b"PRIVATE KEY BLOCK") {
        return Ok(None);
    }
    // The marker alone is no secret: a line of the body must follow.
    let (mut place, mut run) = (end, 0);
    while place < end + PEM_HEADERS {
        let Some((byte, width)) = ahead.unescaped(place)? else {
            return Ok(None);
        };
        run = if is(byte, KEY) { run + 1 } else { 0 };
        if run == 20 {
            return Ok(Some(end));
        }
        if !is(byte, PEM) && byte != b'\\' {
            return Ok(None);
        }
        place += width;
    }
    Ok(None)
}

/// Where the marker ends that ends a PEM block and begins here.
pub fn private_key_end(ahead: Ahead<'_>, at: usize) -> Result<Option<usize>, More> {
    match ahead.has(at, b"-----END ")? {
        true => label(ahead, at + 9),
        false => Ok(None),
    }
}

/// Behind the five dashes at the end of a marker's label.
fn label(ahead: Ahead<'_>, at: usize) -> Result<Option<usize>, More> {
    let mut place = at;
    while let Some(byte) = ahead.byte(place)? {
        let is_part = byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ';
        if !is_part || place == at + 48 {
            break;
        }
        place += 1;
    }
    Ok(ahead.has(place, b"-----")?.then_some(place + 5))
}
