//! `content-length` as a number: nobody behind this proxy shall read another one.

use http::HeaderValue;

use super::{Fields, Known, syntax};

/// `content-length` contradicts itself, or holds something else than a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("content-length is not one number")]
pub struct BadLength;

/// Makes one number of `content-length`: equal ones, in several fields or in a list, become one, and zeros in front go
/// (RFC 9112, section 6.3, and RFC 9110, section 8.6). White space around it becomes one space: servers that don't know a tab
/// there would take the body for the next request.
///
/// # Errors
/// When two differ, or one is no decimal number.
pub fn settle(fields: &mut Fields) -> Result<(), BadLength> {
    if !fields.contains(Known::ContentLength) {
        return Ok(());
    }
    let is_number = |value: &[u8]| {
        matches!(value, [b'0'] | [b'1'..=b'9', ..])
            && value.len() < 19
            && value.iter().all(u8::is_ascii_digit)
    };
    if fields
        .get_plain(Known::ContentLength)
        .is_some_and(is_number)
    {
        return Ok(());
    }
    let mut length = None;
    for item in fields.get_all(Known::ContentLength).flat_map(syntax::items) {
        let number = syntax::decimal(item).ok_or(BadLength)?;
        if length
            .replace(number)
            .is_some_and(|before| before != number)
        {
            return Err(BadLength);
        }
    }
    let length = length.ok_or(BadLength)?;
    fields.insert(Known::ContentLength, HeaderValue::from(length));
    Ok(())
}
