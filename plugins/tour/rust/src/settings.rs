//! The settings, which are read and checked when an instance starts.

use std::ops::RangeInclusive;
use std::time::Duration;

/// How long an answer to the lookup may take.
pub(crate) const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(serde::Deserialize)]
#[serde(try_from = "Settings")]
pub(crate) struct Tour {
    /// What the plugin leaves wherever it was.
    pub mark: String,
    /// For how long the requests of a client are counted.
    pub window: Option<Duration>,
    /// How long a request waits.
    pub delay: Option<Duration>,
    /// The URL that is asked for each request.
    pub lookup: Option<String>,
}

/// As they are written. Numbers come as text.
#[derive(serde::Deserialize)]
struct Settings {
    mark: Option<String>,
    window: Option<String>,
    delay: Option<String>,
    lookup: Option<String>,
}

impl TryFrom<Settings> for Tour {
    type Error = String;

    fn try_from(settings: Settings) -> Result<Self, String> {
        let window = settings.window.map(|text| {
            let seconds = whole(&text, 1..=86_400).map(Duration::from_secs);
            seconds.ok_or("window: expected whole seconds from 1 to 86400")
        });
        let delay = settings.delay.map(|text| {
            let ms = whole(&text, 0..=60_000).map(Duration::from_millis);
            ms.ok_or("delay: expected whole milliseconds from 0 to 60000")
        });
        let (window, delay) = (window.transpose()?, delay.transpose()?);
        let is_url = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        if !settings.lookup.as_ref().is_none_or(is_url) {
            return Err("lookup: expected a URL with http or https".to_owned());
        }
        Ok(Self {
            mark: settings.mark.unwrap_or_else(|| "none".to_owned()),
            window,
            delay,
            lookup: settings.lookup,
        })
    }
}

/// A number in at most five decimal digits.
fn whole(text: &str, range: RangeInclusive<u64>) -> Option<u64> {
    let is_number = text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_number.then(|| text.parse().ok()).flatten();
    number.filter(|number| range.contains(number))
}
