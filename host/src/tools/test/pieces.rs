//! The pieces in which a body leaves, as lines: each is a JSON string, or `base64` and its letters.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;

use super::lines::align;
use super::pattern;

/// A piece that is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ExpectedPiece {
    /// With wildcards.
    Text(String),
    Exact(Bytes),
}

/// What a line says.
///
/// # Errors
/// Says what was expected.
pub(super) fn parse(line: &str) -> Result<ExpectedPiece, String> {
    if let Some(letters) = line.strip_prefix("base64 ") {
        let bytes = BASE64.decode(letters.trim());
        let bytes = bytes.map_err(|error| format!("this is not base64: {error}"))?;
        return Ok(ExpectedPiece::Exact(bytes.into()));
    }
    let text: String = serde_json::from_str(line)
        .map_err(|_| "expected a piece of the body as a JSON string, such as \"data: a\\n\\n\", or `base64 AAEC`")?;
    pattern::check(text.as_bytes())?;
    Ok(ExpectedPiece::Text(text))
}

impl ExpectedPiece {
    fn of(came: &Bytes) -> Self {
        match std::str::from_utf8(came) {
            Ok(text) => {
                let escaped = pattern::escaped(text.as_bytes());
                Self::Text(String::from_utf8_lossy(&escaped).into_owned())
            }
            Err(_) => Self::Exact(came.clone()),
        }
    }

    fn is_met(&self, came: &Bytes) -> bool {
        match self {
            Self::Text(text) => pattern::meets(text.as_bytes(), came),
            Self::Exact(bytes) => bytes == came,
        }
    }

    fn line(&self) -> String {
        match self {
            Self::Text(text) => format!("{}\n", serde_json::Value::from(text.as_str())),
            Self::Exact(bytes) => format!("base64 {}\n", BASE64.encode(bytes)),
        }
    }
}

pub(super) fn are_met(expected: &[ExpectedPiece], came: &[Bytes]) -> bool {
    let is_met = |(expected, came): (&ExpectedPiece, &Bytes)| expected.is_met(came);
    expected.len() == came.len() && expected.iter().zip(came).all(is_met)
}

/// Both as text for a diff: the same where what came is as expected.
pub(super) fn shown(expected: &[ExpectedPiece], came: &[Bytes]) -> (String, String) {
    let came: Vec<String> = came
        .iter()
        .map(|came| ExpectedPiece::of(came).line())
        .collect();
    let mut expected: Vec<String> = expected.iter().map(ExpectedPiece::line).collect();
    for (at, line) in align(&expected, &came).into_iter().enumerate() {
        if let Some(line) = line {
            expected[line].clone_from(&came[at]);
        }
    }
    (expected.concat(), came.concat())
}

/// What came, with the wildcards that it met.
pub(super) fn kept(expected: &[ExpectedPiece], came: &[Bytes]) -> String {
    let at = |at: usize, came: &Bytes| {
        let same = expected.get(at).filter(|expected| expected.is_met(came));
        same.map_or_else(|| ExpectedPiece::of(came).line(), ExpectedPiece::line)
    };
    came.iter()
        .enumerate()
        .map(|(n, came)| at(n, came))
        .collect()
}
