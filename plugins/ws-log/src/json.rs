//! Finds values in JSON, and puts others in their place. All else of a text stays byte by byte what it is.

use std::ops::Range;

use serde::de::IgnoredAny;

use crate::path::{Path, Segment};

/// A value at one of the paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The number of the path.
    pub path: usize,
    pub at: Range<usize>,
}

/// The values at these paths, in the order of the text; none if it is no JSON. If a name stands twice in an object, both count.
pub fn find(text: &str, paths: &[&Path]) -> Option<Vec<Found>> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut walk = Walk {
        text,
        at: 0,
        paths,
        found: Vec::new(),
    };
    walk.value(&(0..paths.len()).collect::<Vec<_>>(), 0);
    Some(walk.found)
}

/// The text with this JSON in the place of each of the values; none if there are none.
pub fn replaced<'a>(
    text: &str,
    values: impl Iterator<Item = &'a Found>,
    by: &str,
) -> Option<String> {
    let mut ranges: Vec<&Range<usize>> = values.map(|found| &found.at).collect();
    ranges.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    let (mut out, mut done) = (String::new(), 0);
    for range in &ranges {
        // One that is inside of another is gone with it.
        if range.start >= done {
            out.push_str(text.get(done..range.start)?);
            out.push_str(by);
            done = range.end;
        }
    }
    out.push_str(text.get(done..)?);
    (!ranges.is_empty()).then_some(out)
}

/// Over a text that is JSON. It goes no deeper than the paths do.
struct Walk<'a> {
    text: &'a str,
    at: usize,
    paths: &'a [&'a Path],
    found: Vec<Found>,
}

impl Walk<'_> {
    /// A value at which these paths have got `depth` segments far.
    fn value(&mut self, active: &[usize], depth: usize) {
        self.space();
        let start = self.at;
        let (done, further): (Vec<usize>, Vec<usize>) = active
            .iter()
            .partition(|path| self.paths[**path].0.len() == depth);
        match self.peek() {
            Some(b'{') if !further.is_empty() => self.object(&further, depth),
            Some(b'[') if !further.is_empty() => self.array(&further, depth),
            _ => self.skip(),
        }
        let at = start..self.at;
        let found = done.into_iter().map(|path| Found {
            path,
            at: at.clone(),
        });
        self.found.extend(found);
    }

    fn object(&mut self, active: &[usize], depth: usize) {
        self.at += 1;
        loop {
            self.space();
            match self.peek() {
                Some(b'"') => {}
                Some(b',') => {
                    self.at += 1;
                    continue;
                }
                _ => break self.at += 1,
            }
            let start = self.at;
            self.string();
            let name = self.text.get(start..self.at).unwrap_or_default();
            let name: String = serde_json::from_str(name).unwrap_or_default();
            self.space();
            // The colon.
            self.at += 1;
            let next = self.next(active, depth, |segment| {
                *segment == Segment::Any
                    || matches!(segment, Segment::Name(wanted) if *wanted == name)
            });
            self.value(&next, depth + 1);
        }
    }

    fn array(&mut self, active: &[usize], depth: usize) {
        self.at += 1;
        let mut index = 0;
        loop {
            self.space();
            match self.peek() {
                None | Some(b']') => break self.at += 1,
                Some(b',') => {
                    (self.at, index) = (self.at + 1, index + 1);
                    continue;
                }
                Some(_) => {}
            }
            let next = self.next(active, depth, |segment| {
                [Segment::Any, Segment::Index(index)].contains(segment)
            });
            self.value(&next, depth + 1);
        }
    }

    fn next(&self, active: &[usize], depth: usize, fits: impl Fn(&Segment) -> bool) -> Vec<usize> {
        let fits = |path: &&usize| self.paths[**path].0.get(depth).is_some_and(&fits);
        active.iter().filter(fits).copied().collect()
    }

    /// Behind a value, however deep it is.
    fn skip(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => self.string(),
                b'{' | b'[' => {
                    (self.at, depth) = (self.at + 1, depth + 1);
                    continue;
                }
                b'}' | b']' if depth == 0 => return,
                b'}' | b']' => (self.at, depth) = (self.at + 1, depth - 1),
                b',' if depth == 0 => return,
                b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Behind a string.
    fn string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'"' => return,
                b'\\' => self.at += 1,
                _ => {}
            }
        }
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str, paths: &[&str]) -> Option<String> {
        let paths: Vec<Path> = paths
            .iter()
            .map(|path| Path::try_from((*path).to_owned()).unwrap())
            .collect();
        let found = find(text, &paths.iter().collect::<Vec<_>>())?;
        replaced(text, found.iter(), "0")
    }

    #[test]
    fn values_are_found_and_all_else_stays_as_it_is() {
        for (text, paths, expected) in [
            (
                r#" {"token" : "x\"}" , "n": 1.50} "#,
                &["$.token"][..],
                Some(r#" {"token" : 0 , "n": 1.50} "#),
            ),
            (
                r#"{"a":{"b":[1,{"c":2}]}}"#,
                &["$.a.b[1].c"],
                Some(r#"{"a":{"b":[1,{"c":0}]}}"#),
            ),
            (
                r#"{"a":[{"id":1},{"id":[2]}],"id":3}"#,
                &["$.a[*].id"],
                Some(r#"{"a":[{"id":0},{"id":0}],"id":3}"#),
            ),
            (r#"{"a":1,"a":2}"#, &["$.a"], Some(r#"{"a":0,"a":0}"#)),
            (r#"{"\u0061":1}"#, &["$.a"], Some(r#"{"\u0061":0}"#)),
            (
                r#"{"a":{"b":1}, "c": [ ]}"#,
                &["$.a.b", "$.a", "$.c"],
                Some(r#"{"a":0, "c": 0}"#),
            ),
            ("[1, 2 ,3]", &["$[1]"], Some("[1, 0 ,3]")),
            ("[]", &["$"], Some("0")),
            ("true", &["$"], Some("0")),
            (r#"{"a":1}"#, &["$.b", "$[0]"], None),
            (r#"{"token":"x"#, &["$.token"], None),
            ("", &["$"], None),
        ] {
            let got = redacted(text, paths);
            let expected = expected.map(str::to_owned);
            assert_eq!(got, expected, "{text}");
        }
    }

    #[test]
    fn depth_is_no_danger() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let text = format!(r#"{{"deep":{deep},"token":"x"}}"#);
        // serde_json bounds it; what it refuses is no JSON here.
        if let Some(redacted) = redacted(&text, &["$.token", "$.deep[0][0]"]) {
            assert!(redacted.ends_with(r#","token":0}"#));
        }
    }
}
