//! What a plugin has counted and measured, as lines: `name{label="value"} 3`. They are those of the host's exposition, without
//! its prefix and the label `plugin`. Of a histogram there are `_sum`, `_count`, and `_bucket` for each bucket that is not empty.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::pattern;
use crate::metrics::{MetricFamily, MetricSeries, MetricValue};

/// Values by name and labels, as they are written.
pub(super) type Samples = BTreeMap<String, String>;

/// What was recorded.
pub(super) fn samples(families: &[MetricFamily]) -> Samples {
    let mut samples = Samples::new();
    for family in families {
        for series in &family.series {
            add(&family.name, series, &mut samples);
        }
    }
    samples
}

fn add(name: &str, series: &MetricSeries, samples: &mut Samples) {
    let mut put = |suffix: &str, bound: Option<f64>, value: String| {
        let mut labels = series.labels.clone();
        labels.extend(bound.map(|bound| ("le".to_owned(), number(bound))));
        samples.insert(sample(&format!("{name}{suffix}"), &labels), value);
    };
    match &series.value {
        MetricValue::Counter(value) => put("_total", None, number(*value)),
        MetricValue::Gauge(value) => put("", None, number(*value)),
        MetricValue::Histogram { sum, buckets } => {
            let mut count = 0;
            for (bound, own) in buckets.iter().filter(|(_, own)| *own > 0) {
                count += own;
                put("_bucket", Some(*bound), count.to_string());
            }
            put("_count", None, count.to_string());
            put("_sum", None, number(*sum));
        }
    }
}

fn number(number: f64) -> String {
    match number == f64::INFINITY {
        true => "+Inf".to_owned(),
        false => number.to_string(),
    }
}

/// A name with its labels, which stand in the order of their names.
fn sample(name: &str, labels: &[(String, String)]) -> String {
    let mut labels: Vec<_> = labels.iter().collect();
    labels.sort();
    let mut text = name.to_owned();
    for (at, (label, value)) in labels.iter().enumerate() {
        let value = value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        let before = if at == 0 { '{' } else { ',' };
        // Writing to a string never fails.
        let _ = write!(text, "{before}{label}=\"{value}\"");
    }
    if !labels.is_empty() {
        text.push('}');
    }
    text
}

/// What a line says.
///
/// # Errors
/// Says what was expected.
pub(super) fn parse(line: &str) -> Result<(String, String), String> {
    const EXPECTED: &str =
        "expected a sample, such as `requests_total{code=\"200\"} 3`; its value may be a wildcard";
    let end = line.find(['{', ' ']).ok_or(EXPECTED)?;
    let (name, rest) = line.split_at(end);
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest).ok_or(EXPECTED)?,
        None => (Vec::new(), rest),
    };
    let value = value.strip_prefix(' ').unwrap_or_default().trim();
    pattern::check(value.as_bytes())?;
    let is_value = pattern::is_pattern(value.as_bytes()) || value.parse::<f64>().is_ok();
    match name.is_empty() || !is_value {
        true => Err(EXPECTED.to_owned()),
        false => Ok((sample(name, &labels), value.to_owned())),
    }
}

/// The labels behind an opening brace, and what stands behind the closing one.
fn labels(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(behind) = rest.strip_prefix('}') {
            return Some((labels, behind));
        }
        let (name, behind) = rest.split_once("=\"")?;
        let (mut value, mut characters) = (String::new(), behind.char_indices());
        let end = loop {
            match characters.next()? {
                (at, '"') => break at + 1,
                (_, '\\') => value.push(match characters.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        };
        labels.push((name.trim().to_owned(), value));
        rest = behind[end..].trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

fn is_met(expected: &str, came: &str) -> bool {
    let same = |a: &str, b: &str| a.parse::<f64>().is_ok_and(|a| b.parse() == Ok(a));
    same(expected, came) || pattern::meets(expected.as_bytes(), came.as_bytes())
}

pub(super) fn are_met(expected: &Samples, came: &Samples) -> bool {
    expected.len() == came.len()
        && expected
            .iter()
            .all(|(sample, value)| came.get(sample).is_some_and(|came| is_met(value, came)))
}

/// Both as text for a diff: the same where what came is as expected.
pub(super) fn shown(expected: &Samples, came: &Samples) -> (String, String) {
    let lines = |samples: &Samples, other: &Samples| {
        let line = |(sample, value): (&String, &String)| {
            let met = other.get(sample).filter(|came| is_met(value, came));
            format!("{sample} {}\n", met.unwrap_or(value))
        };
        samples.iter().map(line).collect()
    };
    (lines(expected, came), lines(came, &Samples::new()))
}

/// What came, with the wildcards that it met.
pub(super) fn kept(expected: &Samples, came: &Samples) -> String {
    let line = |(sample, value): (&String, &String)| {
        let same = expected
            .get(sample)
            .filter(|expected| is_met(expected, value));
        format!("{sample} {}\n", same.unwrap_or(value))
    };
    came.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    fn recorded() -> Samples {
        let all = Metrics::default();
        let metrics = all.of_plugin("p");
        metrics
            .add("requests", 2.0, &[("code", "200"), ("a", "x\"\\\n")])
            .unwrap();
        metrics.add("bytes_total", 0.5, &[]).unwrap();
        metrics.set("level", -1.25, &[]).unwrap();
        metrics.describe("wait", "", &[0.1, 1.0, 2.0]).unwrap();
        for value in [0.05, 0.06, 1.5, 9.0] {
            metrics.observe("wait", value, &[("to", "b")]).unwrap();
        }
        samples(&all.snapshot())
    }

    #[test]
    fn what_was_recorded_is_written_as_lines_and_read_as_the_same() {
        let text = kept(&Samples::new(), &recorded());
        let expected = "bytes_total 0.5\nlevel -1.25\nrequests_total{a=\"x\\\"\\\\\\n\",code=\"200\"} 2\n\
            wait_bucket{le=\"+Inf\",to=\"b\"} 4\nwait_bucket{le=\"0.1\",to=\"b\"} 2\nwait_bucket{le=\"2\",to=\"b\"} 3\n\
            wait_count{to=\"b\"} 4\nwait_sum{to=\"b\"} 10.61\n";
        assert_eq!(text, expected);
        let read: Samples = text.lines().map(|line| parse(line).unwrap()).collect();
        assert!(are_met(&read, &recorded()));
        assert_eq!(kept(&read, &recorded()), text);
    }

    #[test]
    fn every_difference_is_one() {
        let read =
            |lines: &[&str]| -> Samples { lines.iter().map(|line| parse(line).unwrap()).collect() };
        let came = read(&["a{x=\"1\",y=\"2\"} 3", "b 4.5"]);
        for (lines, met) in [
            (&["b 4.50", "a{ y=\"2\" , x=\"1\" } 3.0"][..], true),
            (&["b {{any}}", "a{y=\"2\",x=\"1\"} {{re:[0-9]}}"], true),
            (&["b 4", "a{y=\"2\",x=\"1\"} 3"], false),
            (&["b 4.5", "a{y=\"2\"} 3"], false),
            (&["b 4.5"], false),
            (&["b 4.5", "a{y=\"2\",x=\"1\"} 3", "c 0"], false),
        ] {
            assert_eq!(are_met(&read(lines), &came), met, "{lines:?}");
        }
        let (left, right) = shown(&read(&["b {{any}}", "c 1"]), &came);
        assert_eq!(left, "b 4.5\nc 1\n");
        assert_eq!(right, "a{x=\"1\",y=\"2\"} 3\nb 4.5\n");
        assert_eq!(
            kept(&read(&["b {{any}}"]), &came),
            "a{x=\"1\",y=\"2\"} 3\nb {{any}}\n"
        );
        for wrong in [
            "",
            "a",
            "a ",
            "a x",
            "a{} x",
            "a{b} 1",
            "a{b=\"c} 1",
            "{b=\"c\"} 1",
            "a {{re:(}}",
            "a{b=\"c\"}1",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
