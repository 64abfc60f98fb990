//! Times as HARs have them: RFC 3339, with fractions of a second.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Microseconds since 1970 as text.
pub fn format(micros: u64) -> String {
    let nanos = i128::from(micros) * 1000;
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok();
    let text = time.and_then(|time| time.format(&Rfc3339).ok());
    text.unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned())
}

/// Microseconds since 1970; none if it is no time, or one before.
pub fn parse(text: &str) -> Option<u64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    u64::try_from(time.unix_timestamp_nanos() / 1000).ok()
}
