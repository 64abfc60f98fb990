//! A file of cases as its sections: where each begins and what is in it, byte for byte, so that one can be replaced and
//! the rest stays.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config;

/// What a section's line begins with.
pub(super) const MARK: &[u8] = b"### ";

/// Behind a section's name when its body is not written as it is.
const BASE64: &str = "(base64 body)";

/// Behind a section's name when time passes before it, with the time and a closing bracket.
const AFTER: &str = "(after ";

/// A mistake in a file of cases: where it stands, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {problem}", path.display())]
pub(super) struct Mistake {
    pub path: PathBuf,
    /// Counted from 1.
    pub line: usize,
    pub problem: String,
}

/// What a section holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Settings,
    Options,
    State,
    Next,
    Tick,
    Request,
    Response,
    Messages,
    OutboundRequest,
    OutboundResponse,
    OutboundError,
    ExpectRequest,
    ExpectResponse,
    ExpectRequestPieces,
    ExpectResponsePieces,
    ExpectMessages,
    ExpectState,
    ExpectMetrics,
    ExpectError,
    ExpectLog,
}

/// The names of sections, as they are written.
const NAMES: [(&str, Kind); 20] = [
    ("settings", Kind::Settings),
    ("options", Kind::Options),
    ("request", Kind::Request),
    ("response", Kind::Response),
    ("messages", Kind::Messages),
    ("state", Kind::State),
    ("outbound request", Kind::OutboundRequest),
    ("outbound response", Kind::OutboundResponse),
    ("outbound error", Kind::OutboundError),
    ("expect request", Kind::ExpectRequest),
    ("expect response", Kind::ExpectResponse),
    ("expect request pieces", Kind::ExpectRequestPieces),
    ("expect response pieces", Kind::ExpectResponsePieces),
    ("expect messages", Kind::ExpectMessages),
    ("expect state", Kind::ExpectState),
    ("expect metrics", Kind::ExpectMetrics),
    ("expect error", Kind::ExpectError),
    ("expect log", Kind::ExpectLog),
    ("next", Kind::Next),
    ("tick", Kind::Tick),
];

impl Kind {
    /// Whether it holds a message, whose body may be in base64.
    fn has_body(self) -> bool {
        use Kind::{
            ExpectRequest, ExpectResponse, OutboundRequest, OutboundResponse, Request, Response,
        };
        [Request, Response, ExpectRequest, ExpectResponse].contains(&self)
            || [OutboundRequest, OutboundResponse].contains(&self)
    }

    /// Whether a time before it can be said.
    fn can_wait(self) -> bool {
        [Kind::Next, Kind::OutboundResponse].contains(&self)
    }

    /// Whether an exchange can have several of it.
    fn can_repeat(self) -> bool {
        [
            Kind::OutboundRequest,
            Kind::OutboundResponse,
            Kind::OutboundError,
        ]
        .contains(&self)
    }

    /// Whether it is about an exchange, and not about whatever is called.
    pub(super) fn is_of_exchange(self) -> bool {
        use Kind::{ExpectRequest, ExpectRequestPieces, ExpectResponse, ExpectResponsePieces};
        [Kind::Request, Kind::Response, ExpectRequest, ExpectResponse].contains(&self)
            || [ExpectRequestPieces, ExpectResponsePieces].contains(&self)
            || [Kind::Messages, Kind::ExpectMessages].contains(&self)
    }

    /// Whether it is about the case as a whole, and so stands before the first `next`.
    fn is_of_case(self) -> bool {
        [Kind::Settings, Kind::Options, Kind::State].contains(&self)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, kind)| kind == self);
        f.write_str(name.map_or("", |(name, _)| name))
    }
}

/// What a section's line says: `### 2 expect request (base64 body)`, `### next (after 3s)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Title {
    /// Which entry of a HAR it is about, counted from 1.
    pub entry: Option<usize>,
    pub kind: Kind,
    pub base64: bool,
    /// How long before it happens.
    pub after: Option<Duration>,
}

impl Title {
    /// Of a section that an update writes.
    pub(super) fn new(entry: Option<usize>, kind: Kind, base64: bool) -> Self {
        Self {
            entry,
            kind,
            base64,
            after: None,
        }
    }
}

/// One section of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub title: Title,
    /// Which exchange of the file it is about, counted from 0.
    pub part: usize,
    /// Where its line stands, counted from 1; its content begins on the next.
    pub line: usize,
    /// From its line on, up to the next section's.
    pub whole: Range<usize>,
    /// Without its line.
    pub content: Range<usize>,
}

/// Takes a file apart; the path is for messages. Sections of `numbered` files may speak of an entry.
pub(super) fn sections(path: &Path, text: &[u8], numbered: bool) -> Result<Vec<Section>, Mistake> {
    let mut found: Vec<Section> = Vec::new();
    let (mut at, mut part) = (0, 0);
    for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let start = at;
        at += line.len();
        let Some(words) = line.strip_prefix(MARK) else {
            continue;
        };
        let mistake = |problem| Mistake {
            path: path.to_owned(),
            line: number + 1,
            problem,
        };
        let title = title(&String::from_utf8_lossy(words), numbered).map_err(mistake)?;
        part += usize::from(title.kind == Kind::Next);
        let same = |other: &&Section| {
            (other.part, other.title.entry, other.title.kind) == (part, title.entry, title.kind)
        };
        if let Some(first) = found.iter().find(same).filter(|_| !title.kind.can_repeat()) {
            let problem = format!(
                "a second section `{}` (the first is on line {}); write another case into a file of its own, or a line \
                 `### next` before another exchange of this case",
                title.kind, first.line
            );
            return Err(mistake(problem));
        }
        if part > 0 && title.kind.is_of_case() {
            let problem = format!(
                "the section `{}` is about the whole case; it stands before the first `### next`",
                title.kind
            );
            return Err(mistake(problem));
        }
        if let Some(last) = found.last_mut() {
            last.whole.end = start;
            last.content.end = start;
        }
        found.push(Section {
            title,
            part,
            line: number + 1,
            whole: start..text.len(),
            content: at..text.len(),
        });
    }
    Ok(found)
}

fn title(words: &str, numbered: bool) -> Result<Title, String> {
    let words = words.trim();
    let (number, rest) = match words.split_once(' ') {
        Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            (Some(number), rest.trim_start())
        }
        _ => (None, words),
    };
    let (mut name, mut base64, mut after) = (rest, false, None);
    loop {
        if let Some(before) = name.strip_suffix(BASE64) {
            (name, base64) = (before.trim_end(), true);
        } else if let Some((before, time)) =
            name.strip_suffix(')').and_then(|n| n.split_once(AFTER))
        {
            let time = config::time_above_zero(time);
            after = Some(time.map_err(|expected| format!("`{words}`: {expected}"))?);
            name = before.trim_end();
        } else {
            break;
        }
    }
    let kind = NAMES.iter().find(|(known, _)| *known == name);
    let kind = kind.map(|(_, kind)| *kind).ok_or_else(|| unknown(words))?;
    if base64 && !kind.has_body() {
        return Err(format!(
            "a section `{kind}` has no body that could be base64"
        ));
    }
    if after.is_some() && !kind.can_wait() {
        return Err(format!(
            "a section `{kind}` has no time before it; `next` and `outbound response` can have one"
        ));
    }
    if number.is_some() && !numbered {
        return Err("only what is expected of a HAR has numbers; leave the number out".to_owned());
    }
    let entry = number.map(|number| number.parse().map_err(|_| unknown(words)));
    Ok(Title {
        entry: entry.transpose()?,
        kind,
        base64,
        after,
    })
}

/// A time with its unit, as it is written in cases.
pub(super) fn time(time: Duration) -> String {
    match time.subsec_millis() {
        0 => format!("{}s", time.as_secs()),
        _ => format!("{}ms", time.as_millis()),
    }
}

fn unknown(words: &str) -> String {
    let names: Vec<_> = NAMES.iter().map(|(name, _)| *name).collect();
    format!(
        "unknown section `{words}`; there are {}. (If it is a line of a body, write the body as base64: `### request \
         {BASE64}`.)",
        names.join(", ")
    )
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(entry) = self.entry {
            write!(f, "{entry} ")?;
        }
        write!(f, "{}", self.kind)?;
        if let Some(after) = self.after {
            write!(f, " {AFTER}{})", time(after))?;
        }
        match self.base64 {
            true => write!(f, " {BASE64}"),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Result<Vec<Section>, String> {
        sections(Path::new("a.http"), text.as_bytes(), false).map_err(|mistake| mistake.to_string())
    }

    #[test]
    fn a_file_is_its_comment_and_its_sections_to_the_last_byte() {
        let text = "a comment\n###\n####  request\n### request\r\nGET\n\n###no section\n### expect log\n### settings";
        let sections = found(text).unwrap();
        let seen: Vec<_> = sections
            .iter()
            .map(|s| (s.title.kind, s.line, &text[s.content.clone()]))
            .collect();
        let expected = [
            (Kind::Request, 4, "GET\n\n###no section\n"),
            (Kind::ExpectLog, 8, ""),
            (Kind::Settings, 9, ""),
        ];
        assert_eq!(seen, expected);
        let whole: String = sections.iter().map(|s| &text[s.whole.clone()]).collect();
        assert!(text.ends_with(&whole) && whole.starts_with("### request"));
        assert_eq!(found("only a comment").unwrap(), []);
    }

    #[test]
    fn titles() {
        for (kind_name, kind) in NAMES {
            assert_eq!(title(kind_name, false).unwrap().kind, kind);
        }
        let base64 = title("12 expect response (base64 body)\n", true).unwrap();
        assert_eq!(
            (base64.entry, base64.kind, base64.base64),
            (Some(12), Kind::ExpectResponse, true)
        );
        assert_eq!(base64.to_string(), "12 expect response (base64 body)");
        for words in [
            "next (after 1500ms)",
            "outbound response (after 3s) (base64 body)",
        ] {
            assert_eq!(title(words, false).unwrap().to_string(), words);
        }
    }

    #[test]
    fn mistakes_say_where_and_what_to_do() {
        let cases = [
            (
                "x\n### reqest\n",
                "a.http:2: unknown section `reqest`; there are settings, options, request,",
            ),
            (
                "### request\n\n### Title",
                "a.http:3: unknown section `Title`",
            ),
            (
                "### request\n### request",
                "a.http:2: a second section `request` (the first is on line 1)",
            ),
            (
                "### settings (base64 body)",
                "a.http:1: a section `settings` has no body",
            ),
            (
                "### next (after 3)",
                "a.http:1: `next (after 3)`: expected a time with its unit",
            ),
            (
                "### request (after 3s)",
                "a.http:1: a section `request` has no time before it",
            ),
            (
                "### request\n### next\n### settings",
                "a.http:3: the section `settings` is about the whole case",
            ),
            (
                "### next\n### request\n### outbound error\n### outbound error\n### request",
                "a.http:5: a second section `request` (the first is on line 2)",
            ),
            (
                "### 1 request",
                "a.http:1: only what is expected of a HAR has numbers",
            ),
        ];
        for (text, expected) in cases {
            let mistake = found(text).unwrap_err();
            assert!(mistake.starts_with(expected), "{mistake}");
        }
    }
}
