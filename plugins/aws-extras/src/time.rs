//! Times as AWS writes them. All are UTC; a time is in milliseconds since 1970.

const DAY: u64 = 86_400_000;

/// `2026-01-31T23:59:59Z`
pub fn seconds(ms: u64) -> String {
    let (year, month, day) = date(ms / DAY);
    let (hour, minute, second) = clock(ms);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// `2026-01-31T23:59:59.123Z`
pub fn millis(ms: u64) -> String {
    let mut text = seconds(ms);
    text.pop();
    format!("{text}.{:03}Z", ms % 1000)
}

/// The time in a text such as `20260131T235959Z`.
pub fn from_compact(text: &str) -> Option<u64> {
    let (day, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if day.len() != 8 || clock.len() != 6 || !is_digits(day) || !is_digits(clock) {
        return None;
    }
    let number = |text: &str| text.parse::<u64>().ok();
    let (year, month) = (number(&day[..4])?, number(&day[4..6])?);
    let days = days(year, month, number(&day[6..])?)?;
    let (hour, minute) = (number(&clock[..2])?, number(&clock[2..4])?);
    let second = number(&clock[4..])?;
    let is_clock = hour < 24 && minute < 60 && second <= 60;
    is_clock.then_some(days * DAY + ((hour * 60 + minute) * 60 + second) * 1000)
}

/// The time in a text such as `2026-01-31T23:59:59Z` or `2026-01-31T23:59:59.123Z`.
pub fn from_iso(text: &str) -> Option<u64> {
    let (whole, part) = text
        .strip_suffix('Z')?
        .split_once('.')
        .unwrap_or((text.strip_suffix('Z')?, ""));
    let compact: String = whole.chars().filter(|c| !"-:".contains(*c)).collect();
    let millis: u64 = match part.get(..part.len().min(3)) {
        None | Some("") => 0,
        Some(digits) => format!("{digits:0<3}").parse().ok()?,
    };
    Some(from_compact(&format!("{compact}Z"))? + millis)
}

/// The time in a field `date`, such as `Sat, 31 Jan 2026 23:59:59 GMT`.
pub fn from_http(text: &str) -> Option<u64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let (_, rest) = text.split_once(", ")?;
    let words: Vec<&str> = rest.split(' ').collect();
    let [day, month, year, clock, zone] = words[..] else {
        return None;
    };
    let month = MONTHS
        .find(month)
        .filter(|at| at % 3 == 0 && month.len() == 3)?
        / 3
        + 1;
    let clock = clock.replace(':', "");
    matches!(zone, "GMT" | "+0000" | "UTC").then_some(())?;
    from_compact(&format!("{year}{month:02}{day:0>2}T{clock}Z"))
}

fn clock(ms: u64) -> (u64, u64, u64) {
    let second = ms / 1000 % 86_400;
    (second / 3600, second / 60 % 60, second % 60)
}

/// Year, month and day of so many days since 1970 (H. Hinnant, "chrono-compatible low-level date algorithms").
fn date(days: u64) -> (u64, u64, u64) {
    let since = days + 719_468;
    let (era, of_era) = (since / 146_097, since % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

/// Days since 1970 of a date; none if there is no such month or day, or if it is before 1970.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    (era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_767_225_599_000, "2025-12-31T23:59:59Z"),
            (1_796_055_173_000, "2026-11-30T16:12:53Z"),
        ] {
            assert_eq!(seconds(ms), text);
            assert_eq!(from_iso(text), Some(ms));
            let compact: String = text.chars().filter(|c| !"-:".contains(*c)).collect();
            assert_eq!(from_compact(&compact), Some(ms));
        }
        assert_eq!(millis(1_796_055_173_004), "2026-11-30T16:12:53.004Z");
        assert_eq!(from_iso("2026-11-30T16:12:53.5Z"), Some(1_796_055_173_500));
        let http = "Mon, 30 Nov 2026 16:12:53 GMT";
        assert_eq!(from_http(http), Some(1_796_055_173_000));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "Z",
            "20261130",
            "20261130T161253",
            "20261330T161253Z",
            "20261130T251253Z",
            "2026113éT16125Z",
        ] {
            assert_eq!(from_compact(text), None, "{text}");
            assert_eq!(from_iso(text), None, "{text}");
        }
        for text in [
            "",
            "Mon, 30 Foo 2026 16:12:53 GMT",
            "Mon, 30 Nov 2026 16:12:53 CET",
            "30 Nov",
        ] {
            assert_eq!(from_http(text), None, "{text}");
        }
    }
}
