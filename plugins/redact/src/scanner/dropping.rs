//! The rest of a secret that is known to be one, however long it is: it is dropped as it comes, and nothing of it is kept.

use super::classes::{ALNUM, KEY, PEM, TOKEN, is};
use super::patterns::{Ahead, More, private_key_end};

/// More than any private key has.
const LONGEST_KEY: usize = 32 << 10;

/// What is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    /// The domain of an address.
    Domain,
    /// A bearer token.
    Token,
    /// The body of a PEM block up to its end marker; so many bytes more.
    PrivateKey { left: usize, line: Line },
}

/// Where in a line of an event stream a PEM block is. Its lines must stay lines, or the events around it would become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The body is no event stream.
    NoStream,
    Start,
    Within,
    /// In a line that has no data, and stays.
    Other,
}

/// What the next step does with so many bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    Drop(usize),
    Keep(usize),
    /// The secret is over before these bytes.
    Over,
    /// It is over behind these bytes, which belong to it.
    OverAfter(usize),
}

impl Drop {
    /// Of a key in a body of this kind.
    pub fn private_key(is_stream: bool) -> Self {
        let line = if is_stream {
            Line::Within
        } else {
            Line::NoStream
        };
        let left = LONGEST_KEY;
        Self::PrivateKey { left, line }
    }

    /// What becomes of the bytes from here on.
    pub fn step(&mut self, ahead: Ahead<'_>, at: usize) -> Result<Step, More> {
        let Some(byte) = ahead.byte(at)? else {
            return Ok(Step::Over);
        };
        match self {
            Self::Domain => domain(ahead, at, byte),
            Self::Token => Ok(match ahead.unescaped(at)? {
                Some((byte, width)) if is(byte, TOKEN) || byte == b'=' => Step::Drop(width),
                _ => Step::Over,
            }),
            Self::PrivateKey { left, line } => {
                let step = private_key(ahead, at, byte, line)?;
                if let Step::Drop(count) = step {
                    *left = left.saturating_sub(count);
                }
                Ok(if *left == 0 { Step::Over } else { step })
            }
        }
    }
}

/// A dot or a dash belongs to a domain if more of it follows.
fn domain(ahead: Ahead<'_>, at: usize, byte: u8) -> Result<Step, More> {
    Ok(match byte {
        b'.' | b'-' if ahead.byte(at + 1)?.is_some_and(|next| is(next, ALNUM)) => Step::Drop(2),
        _ if is(byte, ALNUM) => Step::Drop(1),
        _ => Step::Over,
    })
}

fn private_key(ahead: Ahead<'_>, at: usize, byte: u8, line: &mut Line) -> Result<Step, More> {
    let is_line_end = matches!(byte, b'\n' | b'\r');
    match line {
        Line::NoStream => {}
        _ if is_line_end => {
            *line = Line::Start;
            return Ok(Step::Keep(1));
        }
        Line::Other => return Ok(Step::Keep(1)),
        Line::Start => {
            if ahead.has(at, b"data:")? {
                *line = Line::Within;
                return Ok(Step::Keep(5));
            }
            for other in [&b":"[..], b"id:", b"event:", b"retry:"] {
                if ahead.has(at, other)? {
                    *line = Line::Other;
                    return Ok(Step::Keep(1));
                }
            }
            *line = Line::Within;
        }
        Line::Within => {}
    }
    if byte == b'\\' {
        // Of the escapes in JSON, those that a key has. What is behind another one is no part of it.
        let is_part = ahead
            .byte(at + 1)?
            .is_some_and(|next| b"nrtu/\\".contains(&next));
        return Ok(if is_part { Step::Drop(2) } else { Step::Over });
    }
    if byte == b'-'
        && let Some(end) = private_key_end(ahead, at)?
    {
        return Ok(Step::OverAfter(end - at));
    }
    Ok(if is(byte, PEM | KEY) {
        Step::Drop(1)
    } else {
        Step::Over
    })
}
