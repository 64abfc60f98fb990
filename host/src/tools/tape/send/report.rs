//! What is printed of each request, and of all.

use std::io::{self, Write};
use std::time::Duration;

use super::plan::Planned;
use crate::record::StartLine;
use crate::text;
use crate::tools::tape::lines::{FAINT, GREEN, RED, Style};

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It would be sent.
    Planned,
    /// It was not sent; why.
    Skipped(String),
    /// There was no answer; why.
    Failed(String),
    Answered {
        status: u16,
        took: Duration,
        /// Names in it that were replaced.
        renamed: usize,
    },
}

impl Outcome {
    /// Whether what comes after it may not make sense: it failed, and did not then.
    pub fn is_failure(&self, then: Option<u16>) -> bool {
        match self {
            Self::Planned | Self::Skipped(_) => false,
            Self::Failed(_) => true,
            Self::Answered { status, .. } => *status >= 400 && then.is_some_and(|then| then < 400),
        }
    }
}

/// How many came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub sent: usize,
    /// Of those the ones with another status than then.
    pub differ: usize,
    pub failed: usize,
    pub skipped: usize,
    pub planned: usize,
    /// They were not come to, because one before them failed.
    pub left: usize,
}

impl Counts {
    pub fn is_same(&self) -> bool {
        self.differ == 0 && self.failed == 0 && self.left == 0
    }
}

pub struct Report<W> {
    out: W,
    style: Style,
    counts: Counts,
}

impl<W: Write> Report<W> {
    pub fn new(out: W, style: Style) -> Self {
        Self {
            out,
            style,
            counts: Counts::default(),
        }
    }

    /// `ID  METHOD TARGET  201 → 201  12 ms`
    pub fn line(&mut self, planned: &Planned, outcome: &Outcome) -> io::Result<()> {
        let StartLine::Request { method, target, .. } = &planned.request.line else {
            return Ok(());
        };
        let then = planned.then_status();
        let shown = then.map_or("---".to_owned(), |status| status.to_string());
        let words = match outcome {
            Outcome::Planned => {
                self.counts.planned += 1;
                shown
            }
            Outcome::Skipped(why) => {
                self.counts.skipped += 1;
                let words = format!("not sent: {}", text::line(why));
                self.style.paint(FAINT, &words)
            }
            Outcome::Failed(why) => {
                self.counts.failed += 1;
                let words = format!("{shown} → failed: {}", text::line(why));
                self.style.paint(RED, &words)
            }
            Outcome::Answered {
                status,
                took,
                renamed,
            } => {
                self.counts.sent += 1;
                let is_same = then == Some(*status);
                self.counts.differ += usize::from(!is_same);
                let colour = if is_same { GREEN } else { RED };
                let statuses = self.style.paint(colour, &format!("{shown} → {status}"));
                let ids = match renamed {
                    0 => String::new(),
                    1 => ", 1 id replaced".to_owned(),
                    more => format!(", {more} ids replaced"),
                };
                format!("{statuses}  {} ms{ids}", took.as_millis())
            }
        };
        let (method, target) = (text::name(method), text::line(target));
        writeln!(self.out, "{:016x}  {method} {target}  {words}", planned.id)
    }

    /// One has failed, and so many are left.
    pub fn stopped(&mut self, left: usize) -> io::Result<()> {
        self.counts.left = left;
        let words = "stopped, because what comes after it may depend on it; --keep-going goes on";
        writeln!(self.out, "{words}")
    }

    /// `12 sent: 11 with the status of then, 1 with another; 0 failed, 3 not sent`
    pub fn summary(mut self, ids: Option<usize>) -> io::Result<Counts> {
        let Counts {
            sent,
            differ,
            failed,
            skipped,
            planned,
            left,
        } = self.counts;
        let mut words = match planned {
            0 => format!(
                "{sent} sent: {} with the status of then, {differ} with another; {failed} failed, {skipped} not sent",
                sent - differ
            ),
            planned => format!("{planned} to be sent, {skipped} not"),
        };
        if left > 0 {
            words += &format!(", {left} left");
        }
        if let Some(ids) = ids.filter(|_| planned == 0) {
            words += &format!("; {ids} ids have new names");
        }
        writeln!(self.out, "{words}")?;
        self.out.flush()?;
        Ok(self.counts)
    }
}
