//! The table as Markdown, with what its figures are.

use std::fmt::Write as _;
use std::time::Duration;

use super::exchanges::Exchanges;
use super::strain::Strained;
use crate::Row;

const HEAD: [&str; 10] = [
    "language",
    "tool and version",
    "lines",
    "component",
    "compile time",
    "call time, 512 B",
    "64 KiB",
    "memory at start",
    "afterwards",
    "on one instance",
];

/// The table and, below it, what was measured.
pub fn markdown(rows: &[Row], exchanges: &Exchanges) -> String {
    let mut text = line(HEAD.map(str::to_owned));
    text += &line(["---"; 10].map(str::to_owned));
    for row in rows {
        text += &line(cells(row));
    }
    let (small, large) = (
        thousands(exchanges.small.count),
        thousands(exchanges.large.count),
    );
    let _ = write!(
        text,
        "
- **lines**: of the smallest plugin (`host/templates/LANG/minimal`), without comments and blank ones.
- **compile time**: until it serves / until its best code serves, with all cores.
- **call time**: CPU time of both hooks of one exchange, the median; the response's JSON body is read and one value of it
  replaced.
- **memory**: linear memory of an instance. **Afterwards**: after {small} exchanges with 512 B and {large} with 64 KiB as the
  proxy runs them; in brackets the most that it had, and how many instances served. **On one instance**: the same on one
  that is never replaced.
"
    );
    text
}

fn cells(row: &Row) -> [String; 10] {
    let Row {
        policy, endless, ..
    } = row;
    let baseline = row.compile.baseline.map_or("–".to_owned(), duration);
    [
        row.language.clone(),
        row.tools.clone(),
        row.lines.map_or("–".to_owned(), |lines| lines.to_string()),
        bytes(row.size as u64),
        format!("{baseline} / {}", duration(row.compile.optimized)),
        microseconds(policy.small_us),
        microseconds(policy.large_us),
        bytes(row.start),
        afterwards(policy),
        on_one(endless),
    ]
}

fn afterwards(policy: &Strained) -> String {
    let end = bytes(policy.memory);
    let failed = match policy.failures {
        0 => String::new(),
        failures => format!("; {} failed", thousands(failures)),
    };
    format!(
        "{end} ({}; {}{failed})",
        bytes(policy.peak),
        policy.instances
    )
}

fn on_one(endless: &Strained) -> String {
    match &endless.failure {
        None => bytes(endless.memory),
        Some(_) => format!(
            "fails after {} with {}",
            thousands(endless.done),
            bytes(endless.peak)
        ),
    }
}

fn line(cells: [String; 10]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn bytes(count: u64) -> String {
    let kib = count as f64 / 1024.0;
    match kib {
        _ if kib < 100.0 => format!("{kib:.1} KiB"),
        _ if kib < 1024.0 => format!("{kib:.0} KiB"),
        _ => format!("{:.1} MiB", kib / 1024.0),
    }
}

fn duration(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        seconds => format!("{seconds:.1} s"),
    }
}

fn microseconds(time: Option<f64>) -> String {
    match time {
        None => "–".to_owned(),
        Some(time) if time < 10.0 => format!("{time:.1} µs"),
        Some(time) => format!("{time:.0} µs"),
    }
}

/// 12345 as `12,345`.
fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!(bytes(2642), "2.6 KiB");
        assert_eq!(bytes(512 << 10), "512 KiB");
        assert_eq!(bytes(3 << 19), "1.5 MiB");
        assert_eq!(duration(Duration::from_micros(10_600)), "11 ms");
        assert_eq!(duration(Duration::from_millis(1250)), "1.2 s");
        assert_eq!(microseconds(Some(3.1234)), "3.1 µs");
        assert_eq!(
            ["0", "999", "1,000", "1,234,567"],
            [0, 999, 1000, 1_234_567]
                .map(thousands)
                .map(|s| s.leak() as &str)
        );
    }
}
