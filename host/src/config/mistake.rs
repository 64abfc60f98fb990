//! Mistakes in flags, environment and file, each with its place.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

/// Every mistake in flags, environment and file; shown one to a line, in that order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.lines().join("\n"))]
pub struct ConfigErrors {
    /// Never empty.
    pub mistakes: Vec<Mistake>,
}

impl ConfigErrors {
    fn lines(&self) -> Vec<String> {
        self.mistakes.iter().map(Mistake::to_string).collect()
    }
}

/// One mistake: where it stands and what was expected there instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Mistake {
    pub place: Place,
    pub problem: String,
}

/// Where a value was given, with the value as it was written. Ordered as mistakes are shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The name is without its dashes.
    Flag {
        name: &'static str,
        /// None for flags that take none.
        value: Option<String>,
    },
    Env {
        name: String,
        value: String,
    },
    /// A file as a whole.
    File {
        path: PathBuf,
    },
    /// A line of a file, counted from 1.
    Line {
        path: PathBuf,
        line: usize,
    },
    /// A key of a file, by its path (`plugin.auth.order`).
    Key {
        path: PathBuf,
        line: usize,
        key: String,
        value: Option<String>,
    },
}

impl Place {
    /// Whether it is in the file, and not in a layer above it.
    pub(super) fn is_in_file(&self) -> bool {
        match self {
            Self::Flag { .. } | Self::Env { .. } => false,
            Self::File { .. } | Self::Line { .. } | Self::Key { .. } => true,
        }
    }

    /// The line of a file, counted from 1.
    pub(super) fn line(&self) -> Option<usize> {
        match self {
            Self::Line { line, .. } | Self::Key { line, .. } => Some(*line),
            Self::Flag { .. } | Self::Env { .. } | Self::File { .. } => None,
        }
    }

    /// The same place, for messages that are not about the value or must not show it.
    pub(super) fn without_value(self) -> Self {
        match self {
            Self::Key {
                path, line, key, ..
            } => Self::Key {
                path,
                line,
                key,
                value: None,
            },
            other => other,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag { name, value: None } => write!(f, "--{name}"),
            Self::Flag {
                name,
                value: Some(value),
            } => write!(f, "--{name} {:?}", redacted(value)),
            Self::Env { name, value } => write!(f, "{name}={:?}", redacted(value)),
            Self::File { path } => write!(f, "{}", path.display()),
            Self::Line { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Key {
                path,
                line,
                key,
                value,
            } => {
                write!(f, "{}:{line}: {key}", path.display())?;
                match value {
                    Some(value) => write!(f, " = {}", redacted(value)),
                    None => Ok(()),
                }
            }
        }
    }
}

/// The value without the password that it may hold (`http://user:password@host`).
fn redacted(value: &str) -> Cow<'_, str> {
    let Some((before, after)) = value
        .rsplit_once('@')
        .filter(|(before, _)| before.contains(':'))
    else {
        return Cow::Borrowed(value);
    };
    match before.split_once("://") {
        Some((scheme, _)) => Cow::Owned(format!("{scheme}://…@{after}")),
        None => Cow::Owned(format!("…@{after}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        let cases = [
            ("http://u:p@host", "http://…@host"),
            ("http://u:p@@host/x", "http://…@host/x"),
            ("u:p@host", "…@host"),
            ("/opt/@scope/plugins", "/opt/@scope/plugins"),
            ("http://host", "http://host"),
        ];
        for (value, shown) in cases {
            assert_eq!(redacted(value), shown);
        }
    }
}
