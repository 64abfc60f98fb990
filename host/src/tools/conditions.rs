//! Under which conditions the tools call a plugin: its settings and limits, where it may send requests, the time, the random
//! numbers, how long they wait, and how bodies arrive. Said by `[test]` in `plugin.toml`, by a case's section `options`, and by flags.

use std::time::Duration;

use toml::de::DeValue;
use toml::value::Datetime;

use crate::config::file::{Mistakes, Scalar, TomlTable, Value};
use crate::config::{self, PluginConfig, PluginLimits};
use crate::config::{Allow, Bucket, Settings};
use crate::outbound;
use crate::tools::cut::Cut;

/// When it is unless somebody says otherwise: 2026-01-01T00:00:00Z.
pub const DEFAULT_NOW: Duration = Duration::from_secs(1_767_225_600);

/// What the random numbers begin from unless somebody says otherwise.
pub const DEFAULT_SEED: u64 = 0;

/// How long a call may take in all, waiting included.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Says that the machine's own clock or randomness is wanted.
const REAL: &str = "real";

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * MINUTE;

/// The conditions of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions {
    /// None: nobody said anything of settings.
    pub settings: Option<Settings>,
    pub limits: PluginLimits,
    /// Where it may send requests; none: nobody said anything of it.
    pub calls: Option<outbound::Allow>,
    /// The backends that it may choose.
    pub backends: Vec<String>,
    /// The time since 1970-01-01T00:00:00Z at which the clocks stand. None: the machine's clock.
    pub now: Option<Duration>,
    /// What the random numbers begin from. None: the system's randomness.
    pub seed: Option<u64>,
    /// How the bodies of the request and the response arrive.
    pub pieces: [Cut; 2],
    /// How long a call may take in all, waiting included.
    pub timeout: Duration,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            settings: None,
            limits: PluginLimits::default(),
            calls: None,
            backends: Vec::new(),
            now: Some(DEFAULT_NOW),
            seed: Some(DEFAULT_SEED),
            pieces: [Cut::Whole, Cut::Whole],
            timeout: DEFAULT_TIMEOUT,
        }
    }
}

impl Conditions {
    /// Reads `[test]` of a project's description.
    pub fn of_project(mut table: TomlTable<'_>, mistakes: &Mistakes) -> Self {
        let settings = table
            .table("settings")
            .map(|table| config::settings_in(&table));
        let conditions = Self::default().changed(table, mistakes);
        Self {
            settings,
            ..conditions
        }
    }

    /// These with what a table says otherwise. All keys of the table must have been read or be known here.
    pub fn changed(&self, mut table: TomlTable<'_>, mistakes: &Mistakes) -> Self {
        let mut changed = self.clone();
        if let Some(limits) = table.table("limits") {
            changed.limits = config::read_limits(limits, self.limits, mistakes);
        }
        if let Some(timeout) = table.text("timeout") {
            let timeout = timeout.read(mistakes, config::time_above_zero);
            changed.timeout = timeout.unwrap_or(self.timeout);
        }
        if let Some(value) = table.take("now") {
            let entry = match value.value {
                DeValue::Datetime(time) => Some(Scalar {
                    place: value.place,
                    text: time.to_string(),
                }),
                _ => value.text(),
            };
            let now = entry.and_then(|entry| entry.read(mistakes, now));
            changed.now = now.unwrap_or(self.now);
        }
        if let Some(entry) = table.text_or_number("seed") {
            let seed = entry.read(mistakes, seed);
            changed.seed = seed.unwrap_or(self.seed);
        }
        if let Some(mut allow) = table.table("allow") {
            changed.calls = destinations(&mut allow, mistakes).or(changed.calls);
            if let Some(names) = allow.list("backends", "names of backends") {
                changed.backends = names.into_iter().map(|entry| entry.text).collect();
            }
            allow.finish(&[]);
        }
        if let Some(mut pieces) = table.table("pieces") {
            for (name, cut) in ["request", "response"].into_iter().zip(&mut changed.pieces) {
                let said = pieces.take(name).and_then(|value| lengths(value, mistakes));
                *cut = said.unwrap_or(cut.clone());
            }
            pieces.finish(&[]);
        }
        table.finish(&LIMITS);
        changed
    }

    /// What the proxy would know of the plugin. Whoever tests a standard component wants it served.
    pub fn config(&self) -> PluginConfig {
        PluginConfig {
            settings: self.settings.clone().unwrap_or_default(),
            standard: true,
            // What the plugin may reach unless somebody says otherwise is said where its calls are answered.
            allow: Allow {
                state: Some(Bucket::Own),
                http: Some(self.calls.clone().unwrap_or_default()),
                backends: Some(self.backends.clone()),
                environment: Vec::new(),
            },
            ..PluginConfig::new(self.limits)
        }
    }
}

/// Where requests may go, by the keys of the configuration's table `allow`.
fn destinations(allow: &mut TomlTable<'_>, mistakes: &Mistakes) -> Option<outbound::Allow> {
    let http = allow.list("http", "URLs such as https://api.example.com/v1");
    let ranges = allow.list("http-private", "ranges of addresses such as 10.0.0.0/8");
    let destination = |entry: Scalar| entry.read(mistakes, outbound::Destination::parse);
    let range = |entry: Scalar| entry.read(mistakes, outbound::AddressRange::parse);
    let ranges = ranges.into_iter().flatten().filter_map(range).collect();
    let http = http?.into_iter().filter_map(destination).collect();
    Some(outbound::Allow::new(http, ranges))
}

/// The lengths of pieces: a number, of all of them, or a list.
fn lengths(value: Value<'_>, mistakes: &Mistakes) -> Option<Cut> {
    let length = |text: &str| match text.parse() {
        Ok(length) if length > 0 => Ok(length),
        _ => Err("expected a number of bytes from 1 on, or a list of such numbers".to_owned()),
    };
    if value.value.is_array() {
        let lengths = value.items().filter_map(Value::number);
        let lengths = lengths.filter_map(|number| number.read(mistakes, length));
        return Some(Cut::At(lengths.collect()));
    }
    value.number()?.read(mistakes, length).map(Cut::Every)
}

/// Keys of the table `limits`, for people who write them right beside it.
const LIMITS: [&str; 5] = [
    "limits.deadline",
    "limits.memory",
    "limits.body",
    "limits.max-calls",
    "limits.body-timeout",
];

/// A time of day somewhere, as the time since 1970 in UTC; none for the machine's clock.
///
/// # Errors
/// Says what was expected.
pub fn now(text: &str) -> Result<Option<Duration>, String> {
    if text == REAL {
        return Ok(None);
    }
    let parsed: Option<Datetime> = text.parse().ok();
    let since = parsed.and_then(since_1970);
    since.map(Some).ok_or_else(|| {
        "expected a date with its time and offset, from 1970 on, such as 2026-01-01T00:00:00Z, or `real`"
            .to_owned()
    })
}

fn since_1970(time: Datetime) -> Option<Duration> {
    let (date, clock) = (time.date?, time.time?);
    let offset = match time.offset? {
        toml::value::Offset::Z => 0,
        toml::value::Offset::Custom { minutes } => i64::from(minutes) * MINUTE,
    };
    let days = days_since_1970(
        i64::from(date.year),
        i64::from(date.month),
        i64::from(date.day),
    );
    let second = i64::from(clock.second.unwrap_or(0));
    let of_day = i64::from(clock.hour) * 60 * MINUTE + i64::from(clock.minute) * MINUTE + second;
    let seconds = u64::try_from(days * DAY + of_day - offset).ok()?;
    Some(Duration::new(seconds, clock.nanosecond.unwrap_or(0)))
}

/// Of a date in the Gregorian calendar. (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.)
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month = (month + 9) % 12;
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// A seed; none for the system's randomness.
///
/// # Errors
/// Says what was expected.
pub fn seed(text: &str) -> Result<Option<u64>, String> {
    if text == REAL {
        return Ok(None);
    }
    let seed = text.parse().map(Some);
    seed.map_err(|_| "expected a whole number from 0 on, or `real`".to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::file::TomlDocument;

    fn read(text: &str) -> Result<Conditions, Vec<String>> {
        let mistakes = Mistakes::default();
        let read = {
            let document = TomlDocument::parse(Path::new("p"), text, &mistakes);
            Conditions::of_project(document.root(), &mistakes)
        };
        let read = mistakes.or(read);
        read.map_err(|errors| errors.mistakes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn moments_are_counted_from_1970() {
        let cases = [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:34:56Z", 951_827_696),
            ("2026-01-01T00:00:00Z", DEFAULT_NOW.as_secs()),
            ("2026-01-01T01:30:00+01:30", DEFAULT_NOW.as_secs()),
            ("2400-12-31T23:59:59Z", 13_601_087_999),
        ];
        for (text, seconds) in cases {
            assert_eq!(now(text), Ok(Some(Duration::from_secs(seconds))), "{text}");
        }
        let fraction = now("1970-01-01 00:00:01.25Z");
        assert_eq!(fraction, Ok(Some(Duration::from_millis(1250))));
        assert_eq!(now("real"), Ok(None));
        for text in [
            "",
            "1969-12-31T23:59:59Z",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "now",
        ] {
            assert!(now(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_project_says_what_differs_from_the_defaults() {
        assert_eq!(read(""), Ok(Conditions::default()));
        let text = "timeout = '2s'\nnow = 1970-01-01T00:00:09Z\nseed = 7\nlimits.deadline = '3s'\n\
            [settings]\na = 1\n";
        let expected = Conditions {
            settings: Some(config::settings(std::path::Path::new("t"), "a = 1").unwrap()),
            limits: PluginLimits {
                deadline: Duration::from_secs(3),
                ..PluginLimits::default()
            },
            now: Some(Duration::from_secs(9)),
            seed: Some(7),
            timeout: Duration::from_secs(2),
            ..Conditions::default()
        };
        assert_eq!(read(text), Ok(expected));
        let real = read("now = 'real'\nseed = 'real'").unwrap();
        assert_eq!((real.now, real.seed), (None, None));
        let pieces = read("pieces.request = [3, 5]\npieces.response = 1")
            .unwrap()
            .pieces;
        assert_eq!(pieces, [Cut::At(vec![3, 5]), Cut::Every(1)]);
        let allow = "http = ['https://a.example']\nhttp-private = ['10.0.0.0/8']";
        let calls = read(&format!("[allow]\n{allow}")).unwrap().calls;
        let destination = outbound::Destination::parse("https://a.example").unwrap();
        let range = outbound::AddressRange::parse("10.0.0.0/8").unwrap();
        assert_eq!(
            calls,
            Some(outbound::Allow::new(vec![destination], vec![range]))
        );
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let text = "deadline = '1s'\nnow = 'x'\nseed = -1\nlimits.memroy = 1\npieces.request = [0]\nallow.state = true\n";
        let told = read(text).unwrap_err();
        assert_eq!(told.len(), 6, "{told:?}");
        assert!(told[0].starts_with("p:1: deadline: unknown key; did you mean limits.deadline?"));
        assert!(
            told[1].starts_with("p:2: now = 'x': expected a date"),
            "{told:?}"
        );
        assert!(
            told[2].starts_with("p:3: seed = -1: expected a whole number"),
            "{told:?}"
        );
        assert!(
            told[3].contains("limits.memroy: unknown key; did you mean"),
            "{told:?}"
        );
        assert!(
            told[4].starts_with("p:5: pieces.request = 0: expected a number of bytes from 1 on"),
            "{told:?}"
        );
        assert!(
            told[5].starts_with("p:6: allow.state: unknown key"),
            "{told:?}"
        );
    }
}
