//! Exchanges of a tape, one line for each.

use std::io::{self, Write};

use time::OffsetDateTime;

use crate::record::{PluginPart, Recorded, Summary};
use crate::text;

/// How it looks.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    pub has_colours: bool,
}

impl Style {
    /// In a colour, by its number in ANSI's "select graphic rendition".
    pub fn paint(self, colour: u8, words: &str) -> String {
        match self.has_colours {
            true => format!("\x1b[{colour}m{words}\x1b[0m"),
            false => words.to_owned(),
        }
    }
}

/// Whether nobody wants colours.
pub fn is_plain() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

pub const RED: u8 = 31;
pub const GREEN: u8 = 32;
pub const YELLOW: u8 = 33;
pub const CYAN: u8 = 36;
pub const FAINT: u8 = 2;

/// `ID  TIME  STATUS  DURATION  METHOD URL  PLUGINS`
pub fn write(out: &mut impl Write, exchange: &Recorded, style: Style) -> io::Result<()> {
    let summary = Summary::of(exchange);
    let status = match summary.status {
        Some(status) => style.paint(colour(status), &status.to_string()),
        None => style.paint(RED, "---"),
    };
    let plugins: Vec<String> = summary.plugins.iter().map(|it| plugin(it, style)).collect();
    let plugins = match plugins.is_empty() {
        true => String::new(),
        false => format!("  {}", plugins.join(" ")),
    };
    let ending = match (&*summary.ending, &summary.error) {
        ("complete", _) => String::new(),
        (_, Some(error)) => format!("  {}", style.paint(RED, &text::line(error))),
        (ending, None) => format!("  {}", style.paint(RED, ending)),
    };
    writeln!(
        out,
        "{}  {}  {status}  {:>9}  {} {}{plugins}{ending}",
        summary.id,
        style.paint(FAINT, &time(summary.began_us)),
        duration(summary.duration_us),
        text::name(&summary.method),
        text::line(&exchange.url()),
    )
}

/// `NAME`, with `*` if it changed something and `!` if it failed.
fn plugin(plugin: &PluginPart, style: Style) -> String {
    let name = text::name(&plugin.name);
    match &*plugin.changed {
        "no" => style.paint(FAINT, &name),
        "failed" => style.paint(RED, &format!("{name}!")),
        _ => style.paint(CYAN, &format!("{name}*")),
    }
}

fn colour(status: u16) -> u8 {
    match status {
        500.. => RED,
        400..=499 => YELLOW,
        _ => GREEN,
    }
}

/// `2026-11-30 09:00:00.123`, in UTC.
pub fn time(micros: u64) -> String {
    let nanos = i128::from(micros) * 1000;
    let Ok(time) = OffsetDateTime::from_unix_timestamp_nanos(nanos) else {
        return "?".to_owned();
    };
    let (year, month, day) = time.to_calendar_date();
    let (hour, minute, second, milli) = time.to_hms_milli();
    let month = u8::from(month);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{milli:03}")
}

/// A duration in a unit that fits.
pub fn duration(micros: u64) -> String {
    match micros {
        0..1000 => format!("{micros} µs"),
        1000..1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{:.2} s", micros as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Ending;
    use crate::record::sample;

    fn line(exchange: &Recorded, has_colours: bool) -> String {
        let mut out = Vec::new();
        write(&mut out, exchange, Style { has_colours }).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_exchange_is_one_line() {
        let mut exchange = sample::exchange();
        assert_eq!(
            line(&exchange, false),
            "00abcdef01234567  2026-09-21 14:13:20.123  201     1.5 ms  POST https://api.example.com:8443/orders/7?x=1  redact*\n"
        );
        assert!(line(&exchange, true).contains("\x1b[32m201\x1b[0m"));
        exchange.ending = Ending::CutOff;
        exchange.steps.clear();
        assert!(
            line(&exchange, false).contains("  ---  ")
                && line(&exchange, false).ends_with("  cut-off\n")
        );
    }

    #[test]
    fn durations_have_a_unit_that_fits() {
        for (micros, expected) in [
            (0, "0 µs"),
            (999, "999 µs"),
            (1000, "1.0 ms"),
            (2_345_000, "2.35 s"),
        ] {
            assert_eq!(duration(micros), expected);
        }
    }
}
