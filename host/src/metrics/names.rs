//! What names, labels and bounds may be, and how many there may be.

use smallvec::SmallVec;

use super::limits::{MOST_BOUNDS, MOST_LABELS, MOST_NAME, MOST_VALUE};
use super::refusal::MetricRefusal;
use super::snapshot::MetricKind;

/// Those of Prometheus' libraries: seconds of requests.
pub const DEFAULT_BOUNDS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Names of labels that are not a plugin's.
const OF_THE_HOST: [&str; 2] = ["plugin", "le"];

/// Endings with which samples of such a metric may be named in OpenMetrics, beside `_total`, with which no metric's name can end.
pub fn endings(kind: MetricKind) -> &'static [&'static str] {
    match kind {
        MetricKind::Counter => &["_created"],
        MetricKind::Gauge => &[],
        MetricKind::Histogram => &["_bucket", "_count", "_created", "_sum"],
    }
}

/// No UTF-8 has this byte, so what is joined by it can be joined in one way only.
const SEPARATOR: u8 = 0xff;

/// Bytes by which a series is found.
pub type Key = SmallVec<[u8; 128]>;

/// Labels in the order of their names, without those that have no value: Prometheus knows no difference between them and none.
#[derive(Debug)]
pub struct Labels<'a>(SmallVec<[(&'a str, &'a str); 8]>);

impl<'a> Labels<'a> {
    /// # Errors
    /// When there are too many.
    pub fn of(given: &[(&'a str, &'a str)]) -> Result<Self, MetricRefusal> {
        if given.len() > MOST_LABELS {
            return Err(MetricRefusal::TooManyLabels);
        }
        let mut labels: SmallVec<_> = given.iter().copied().collect();
        labels.sort_unstable_by_key(|(name, _)| *name);
        Ok(Self(labels))
    }

    /// # Errors
    /// What is wrong with them. Those of a series that is there need not be checked.
    pub fn check(&self) -> Result<(), MetricRefusal> {
        let mut before = None;
        for (name, value) in &self.0 {
            let shown = || name.chars().take(MOST_NAME).collect();
            if !is_name(name) || OF_THE_HOST.contains(name) {
                return Err(MetricRefusal::LabelName(shown()));
            }
            if before.replace(*name) == Some(*name) {
                return Err(MetricRefusal::LabelTwice(shown()));
            }
            if value.len() > MOST_VALUE {
                return Err(MetricRefusal::LabelValue(shown()));
            }
        }
        Ok(())
    }

    fn with_values(&self) -> impl Iterator<Item = &(&'a str, &'a str)> {
        self.0.iter().filter(|(_, value)| !value.is_empty())
    }

    /// What stands for the series of this metric with these labels.
    pub fn key(&self, metric: &str) -> Key {
        let mut key = Key::from_slice(metric.as_bytes());
        for (name, value) in self.with_values() {
            key.push(SEPARATOR);
            key.extend_from_slice(name.as_bytes());
            key.push(SEPARATOR);
            key.extend_from_slice(value.as_bytes());
        }
        key
    }

    pub fn to_owned(&self) -> Box<[(String, String)]> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.with_values().map(owned).collect()
    }
}

/// Whether a metric or a label can have this name.
pub fn is_name(text: &str) -> bool {
    text.len() <= MOST_NAME
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Whether a histogram can have these bounds.
pub fn are_bounds(bounds: &[f64]) -> bool {
    (1..=MOST_BOUNDS).contains(&bounds.len())
        && bounds.iter().all(|bound| bound.is_finite())
        && bounds.is_sorted_by(|a, b| a < b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_letters_digits_and_underscores() {
        let (longest, longer) = ("a".repeat(MOST_NAME), "a".repeat(MOST_NAME + 1));
        for good in ["a", "tokens_in_2", &longest] {
            assert!(is_name(good), "{good}");
        }
        for bad in [
            "", "_a", "2a", "A", "a-b", "a b", "ä", "a\0", "a:b", &longer,
        ] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn the_same_labels_have_the_same_key_and_no_others_have() {
        let key = |labels: &[(&str, &str)]| Labels::of(labels).unwrap().key("m").to_vec();
        assert_eq!(
            key(&[("a", "1"), ("b", "2")]),
            key(&[("b", "2"), ("a", "1")])
        );
        assert_eq!(key(&[("a", "1"), ("b", "")]), key(&[("a", "1")]));
        let different = [
            key(&[]),
            key(&[("a", "b")]),
            key(&[("ab", "")]),
            key(&[("a", "bc"), ("d", "e")]),
            key(&[("a", "b"), ("c", "de")]),
            key(&[("a", "b\0c\0de")]),
        ];
        // The third has no value, so it is the first.
        assert_eq!(different[0], different[2]);
        for (at, one) in different.iter().enumerate() {
            let same = different.iter().filter(|other| *other == one).count();
            assert_eq!(same, if [0, 2].contains(&at) { 2 } else { 1 }, "{at}");
        }
    }

    #[test]
    fn labels_are_bounded() {
        let check = |labels: &[(&str, &str)]| Labels::of(labels).and_then(|labels| labels.check());
        let (longest, longer) = ("v".repeat(MOST_VALUE), "v".repeat(MOST_VALUE + 1));
        assert_eq!(check(&[("a", &longest), ("b", "\n\"ü")]), Ok(()));
        assert_eq!(
            check(&[("a", &longer)]),
            Err(MetricRefusal::LabelValue("a".to_owned()))
        );
        for name in ["", "A", "le", "plugin", "__name__", "a-b"] {
            let error = Err(MetricRefusal::LabelName(name.to_owned()));
            assert_eq!(check(&[(name, "x")]), error);
            // Nor if it has no value.
            assert_eq!(check(&[(name, "")]), error);
        }
        let twice = Err(MetricRefusal::LabelTwice("a".to_owned()));
        assert_eq!(check(&[("a", "1"), ("b", "1"), ("a", "1")]), twice);
        let many = vec![("a", "1"); MOST_LABELS + 1];
        assert_eq!(check(&many), Err(MetricRefusal::TooManyLabels));
    }

    #[test]
    fn bounds_ascend() {
        assert!(are_bounds(&DEFAULT_BOUNDS) && are_bounds(&[-1.0]));
        let many: Vec<f64> = (0..=MOST_BOUNDS).map(|n| n as f64).collect();
        assert!(are_bounds(&many[1..]));
        for bad in [
            &many,
            &[][..],
            &[1.0, 1.0],
            &[2.0, 1.0],
            &[f64::NAN],
            &[f64::INFINITY],
        ] {
            assert!(!are_bounds(bad), "{bad:?}");
        }
    }
}
