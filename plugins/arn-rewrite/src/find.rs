//! Finding names in a text by what stands around them: in ARNs, in names of resources, in hosts and service URLs.
//!
//! The text is decoded: what is escaped in a document stands here as itself.

use std::ops::Range;

use crate::names::Names;

/// What is told of a name that was found: where it stands, and what takes its place.
pub(crate) type Found<'f, 'n> = &'f mut dyn FnMut(Range<usize>, &'n str);

/// Finds the names in a text of which nothing more is known.
pub(crate) fn in_text<'n>(names: &'n Names, text: &[u8], found: Found<'_, 'n>) {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at = match byte {
            b'0'..=b'9' => account_at(names, text, at, found),
            b'a'..=b'z' => {
                arn_at(names, text, at, found).unwrap_or_else(|| region_at(names, text, at, found))
            }
            b':' if text[at..].starts_with(b"://") => queue_at(names, text, at + 3, found),
            _ => at + 1,
        };
    }
}

/// Finds accounts in a field that holds one, or a list of them.
pub(crate) fn accounts<'n>(names: &'n Names, text: &[u8], found: Found<'_, 'n>) {
    words(text, |range| {
        if let Some(other) = names.account(&text[range.clone()]) {
            found(range, other);
        }
    });
}

/// Finds regions in a field that holds one, or a list of them, perhaps with the letter of a zone.
pub(crate) fn regions<'n>(names: &'n Names, text: &[u8], found: Found<'_, 'n>) {
    words(text, |range| {
        let zone = range.start..range.end.saturating_sub(1).max(range.start);
        let is_zone = text.get(zone.end).is_some_and(u8::is_ascii_lowercase);
        if let Some(other) = names.region(&text[range.clone()]) {
            found(range, other);
        } else if let Some(other) = names.region(&text[zone.clone()]).filter(|_| is_zone) {
            found(zone, other);
        }
    });
}

fn words(text: &[u8], mut each: impl FnMut(Range<usize>)) {
    let mut start = 0;
    for at in 0..=text.len() {
        if text
            .get(at)
            .is_none_or(|byte| byte.is_ascii_whitespace() || *byte == b',')
        {
            each(start..at);
            start = at + 1;
        }
    }
}

/// Goes on behind the digits.
fn account_at<'n>(names: &'n Names, text: &[u8], at: usize, found: Found<'_, 'n>) -> usize {
    let end = at + text[at..].iter().take_while(|b| b.is_ascii_digit()).count();
    if let Some(other) = names.account(&text[at..end])
        && account_counts(text, at, end)
    {
        found(at..end, other);
    }
    end
}

fn account_counts(text: &[u8], at: usize, end: usize) -> bool {
    if in_word(text, at, end) {
        return false;
    }
    let before = at.checked_sub(1).map(|before| text[before]);
    let after = text.get(end).copied();
    let joins = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'$' | b'}'))
    };
    let joined_before =
        before == Some(b'-') && joins(at.checked_sub(2).and_then(|at| text.get(at)));
    let joined_after = after == Some(b'-') && joins(text.get(end + 1));
    if joined_before || joined_after {
        // The name of a resource: `cdk-assets-111122223333-eu-central-1`.
        return !ends_uuid(text, at);
    }
    let begins = at == 0 || text[..at].ends_with(b"//");
    let next_is_letter = text.get(end + 1).is_some_and(u8::is_ascii_lowercase);
    match after {
        // The name of a host: `111122223333.dkr.ecr.…`.
        Some(b'.') => begins && next_is_letter,
        // An ARN without its beginning: `111122223333:function:f`, or `:iam::111122223333:root` of a template.
        Some(b':') => (begins && next_is_letter) || (before == Some(b':') && text[0] == b':'),
        None => before == Some(b':') && text[0] == b':',
        Some(_) => false,
    }
}

/// Goes on behind the word.
fn region_at<'n>(names: &'n Names, text: &[u8], at: usize, found: Found<'_, 'n>) -> usize {
    if let Some((len, other)) = names.region.as_ref().and_then(|pair| pair.at(&text[at..]))
        && region_counts(text, at, at + len)
    {
        found(at..at + len, other);
        return at + len;
    }
    at + text[at..]
        .iter()
        .take_while(|b| b.is_ascii_lowercase())
        .count()
}

fn region_counts(text: &[u8], at: usize, end: usize) -> bool {
    let before = &text[..at];
    let after = &text[end..];
    if in_scope(before, after) {
        return true;
    }
    if in_word(text, at, end) {
        return false;
    }
    let label_ends =
        after.first() == Some(&b'.') && after.get(1).is_some_and(u8::is_ascii_alphabetic);
    if before.last() == Some(&b'-') {
        let digits = before[..at - 1]
            .iter()
            .rev()
            .take_while(|b| b.is_ascii_digit());
        // The name of a resource, behind the account; or an old name of S3's host.
        return digits.count() == 12
            || (label_ends && (before.ends_with(b"s3-") || before.ends_with(b"s3-website-")));
    }
    let label_begins = before.is_empty() || before.ends_with(b".") || before.ends_with(b"//");
    let in_fragment = text[0] == b':' && before.ends_with(b":") && after.starts_with(b":");
    (label_begins && label_ends) || in_fragment
}

/// `KEY/DATE/REGION/SERVICE/aws4_request`, the slashes perhaps escaped.
fn in_scope(before: &[u8], after: &[u8]) -> bool {
    let slash = |text: &[u8]| {
        let len = if text.starts_with(b"/") { 1 } else { 3 };
        (len == 1 || text.starts_with(b"%2F") || text.starts_with(b"%2f")).then_some(len)
    };
    let begins = before.ends_with(b"/") || before.ends_with(b"%2F") || before.ends_with(b"%2f");
    let rest = || {
        let service = &after[slash(after)?..];
        let len = service
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || **b == b'-')
            .count();
        let last = &service[len..];
        Some(last[slash(last)?..].starts_with(b"aws4_request"))
    };
    begins && rest() == Some(true)
}

/// The queue's account, and with some emulators its region, in the path of a URL whose host begins here. Goes on with
/// the host.
fn queue_at<'n>(names: &'n Names, text: &[u8], host: usize, found: Found<'_, 'n>) -> usize {
    let ends = |byte: &u8| b"/?#\"'<>, \\".contains(byte);
    let end_of = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        from + rest.iter().position(ends).unwrap_or(rest.len())
    };
    let segment = |from: usize| -> Option<Range<usize>> {
        (text.get(from) == Some(&b'/')).then(|| from + 1..end_of(from + 1))
    };
    let Some(mut account) = segment(end_of(host)) else {
        return host;
    };
    if &text[account.clone()] == b"queue"
        && let Some(region) = segment(account.end)
        && let Some(next) = segment(region.end)
    {
        if let Some(other) = names.region(&text[region.clone()]) {
            found(region, other);
        }
        account = next;
    }
    let is_followed = text.get(account.end) == Some(&b'/');
    if let Some(other) = names
        .account(&text[account.clone()])
        .filter(|_| is_followed)
    {
        found(account, other);
    }
    host
}

/// The names in an ARN that begins here, if one does. Goes on with its resource; in an object's ARN, behind its key.
fn arn_at<'n>(names: &'n Names, text: &[u8], at: usize, found: Found<'_, 'n>) -> Option<usize> {
    let begins = text[at..].starts_with(b"arn") && !is_word_before(text, at);
    let mut at = colon(text, at + 3).filter(|_| begins)?;
    let mut fields = [0..0, 0..0, 0..0, 0..0];
    for (number, field) in fields.iter_mut().enumerate() {
        *field = at..field_end(text, at);
        let name = &text[field.clone()];
        let goes_on = colon(text, field.end).is_some();
        let other = match number {
            0 if goes_on => names.partition(name),
            2 => names.region(name),
            3 => names.account(name),
            _ => None,
        };
        if let Some(other) = other {
            found(field.clone(), other);
        }
        match colon(text, field.end) {
            Some(next) => at = next,
            None => return Some(field.end.max(at)),
        }
    }
    let [_, service, region, account] = fields;
    if &text[service] != b"s3" || !region.is_empty() || !account.is_empty() {
        return Some(at);
    }
    let rest = &text[at..];
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"'<>,)]\\".contains(byte);
    let end = rest.iter().position(ends).unwrap_or(rest.len());
    let bucket = rest[..end]
        .iter()
        .position(|byte| matches!(byte, b'/' | b'%'))
        .unwrap_or(end);
    in_text(names, &rest[..bucket], &mut |range, other| {
        found(range.start + at..range.end + at, other);
    });
    Some(at + end)
}

/// Where a field of an ARN ends: before a colon, or where the ARN does. A template's `${AWS::Partition}` is one.
fn field_end(text: &[u8], at: usize) -> usize {
    if text[at..].starts_with(b"${") {
        let close = text[at..].iter().position(|byte| *byte == b'}');
        return close.map_or(text.len(), |close| at + close + 1);
    }
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-_*?".contains(byte);
    at + text[at..].iter().take_while(is_part).count()
}

/// Where the text goes on after a colon, if one is here; in a URL it may be escaped.
fn colon(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    if rest.starts_with(b":") {
        Some(at + 1)
    } else if rest.starts_with(b"%3A") || rest.starts_with(b"%3a") {
        Some(at + 3)
    } else {
        None
    }
}

/// Whether a letter, a digit or `_` stands on either side.
fn in_word(text: &[u8], at: usize, end: usize) -> bool {
    let is_letter = |byte: u8, char: Option<char>| {
        byte == b'_' || char.map_or(byte.is_ascii_alphanumeric(), char::is_alphanumeric)
    };
    let before = at
        .checked_sub(1)
        .is_some_and(|last| is_letter(text[last], char_before(text, at)));
    let after = text
        .get(end)
        .is_some_and(|next| is_letter(*next, char_after(text, end)));
    before || after
}

fn is_word_before(text: &[u8], at: usize) -> bool {
    at > 0 && (text[at - 1] == b'-' || in_word(text, at, text.len()))
}

/// The character that ends here, if it is not of ASCII.
fn char_before(text: &[u8], at: usize) -> Option<char> {
    (2..=4.min(at)).find_map(|len| {
        let text = std::str::from_utf8(&text[at - len..at]).ok()?;
        text.chars().next().filter(|char| char.len_utf8() == len)
    })
}

/// The character that begins here, if it is not of ASCII.
fn char_after(text: &[u8], at: usize) -> Option<char> {
    (2..=4.min(text.len() - at)).find_map(|len| {
        let text = std::str::from_utf8(&text[at..at + len]).ok()?;
        text.chars().next().filter(|char| char.len_utf8() == len)
    })
}

/// Whether what begins here is the last group of a UUID.
fn ends_uuid(text: &[u8], at: usize) -> bool {
    let Some(from) = at.checked_sub(24) else {
        return false;
    };
    text[from..at]
        .iter()
        .enumerate()
        .all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
#[path = "find_tests.rs"]
pub(crate) mod tests;
