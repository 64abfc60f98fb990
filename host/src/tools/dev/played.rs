//! What the plugins would do now with a tape, told after each save: what the save has changed comes first.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::cli::{DevArgs, RunArgs};
use crate::config;
use crate::record::Recorded;
use crate::record::filter::Filter;
use crate::stamp::Stamp;
use crate::text;
use crate::tools::tape::{self, Failure, Style};
use crate::tools::what_if::{Found, Run, exchanges, line, write};

/// The last exchanges of the tape that are played.
const MOST_EXCHANGES: usize = 1000;

/// How long a run may take; what is not played by then is left out.
const LONGEST: Duration = Duration::from_secs(10);

/// Exchanges that are shown whole, lines of one difference, and exchanges that are named.
const MOST_WHOLE: usize = 3;
const MOST_LINES: usize = 20;
const MOST_NAMED: usize = 10;

/// A tape that is played again and again.
#[derive(Debug)]
pub struct PlayedTape {
    tape: PathBuf,
    filter: Filter,
    run: RunArgs,
    style: Style,
    exchanges: Vec<Recorded>,
    /// Of the tape, when it was read.
    stamp: Option<Stamp>,
    /// What differed after the last save, by the exchange; none for those that were the same.
    last: Option<BTreeMap<u64, Option<Found>>>,
}

impl PlayedTape {
    /// With the plugins of this directory. None if there is no tape.
    ///
    /// # Errors
    /// When the filter has a mistake, or the tape can't be read.
    pub fn open(args: &DevArgs, plugins: &Path) -> Result<Option<Self>, Failure> {
        let Some(tape) = &args.tape else {
            return Ok(None);
        };
        let mut played = Self {
            tape: tape.clone(),
            filter: tape::filter(args.filter.as_deref().unwrap_or_default())?,
            run: RunArgs {
                plugins: Some(plugins.to_owned()),
                config: args.config.clone(),
                standard_components: args.standard_components,
                ..RunArgs::default()
            },
            style: Style {
                has_colours: io::stdout().is_terminal() && !tape::is_plain(),
            },
            exchanges: Vec::new(),
            stamp: None,
            last: None,
        };
        played.read()?;
        Ok(Some(played))
    }

    /// Reads the tape if it is another one than before: a proxy may go on recording.
    fn read(&mut self) -> Result<(), Failure> {
        let stamp = std::fs::metadata(&self.tape).ok();
        let stamp = stamp.as_ref().map(Stamp::from);
        if stamp.is_some() && stamp == self.stamp {
            return Ok(());
        }
        self.exchanges = exchanges(&self.tape, &self.filter, MOST_EXCHANGES)?;
        self.stamp = stamp;
        Ok(())
    }

    /// Plays it, and writes what came of it.
    ///
    /// # Errors
    /// Why it can't be played.
    pub fn play(&mut self, out: &mut impl Write) -> Result<(), String> {
        self.read().map_err(Failure::into_words)?;
        let config = config::resolve(&self.run, |key| std::env::var_os(key));
        let config =
            config.map_err(|errors| format!("the configuration has mistakes:\n{errors}"))?;
        let began = Instant::now();
        let mut now = BTreeMap::new();
        let mut run = Run::new(&config, &self.exchanges)?;
        let mut left_out = 0;
        for then in &self.exchanges {
            match began.elapsed() < LONGEST {
                true => {
                    now.extend(run.next(then).map(|found| (then.id, found)));
                }
                false => left_out += 1,
            }
        }
        let told = Told {
            counts: run.counts.words(),
            took: began.elapsed(),
            left_out,
            changes: Changes::of(&now, self.last.as_ref()),
        };
        told.write(out, &self.exchanges, &now, self.style)
            .and_then(|()| out.flush())
            .map_err(|error| error.to_string())?;
        self.last = Some(now);
        Ok(())
    }
}

/// What is to be said of a run.
struct Told {
    counts: String,
    took: Duration,
    left_out: usize,
    changes: Changes,
}

impl Told {
    fn write(
        &self,
        out: &mut impl Write,
        exchanges: &[Recorded],
        now: &BTreeMap<u64, Option<Found>>,
        style: Style,
    ) -> io::Result<()> {
        let differ: BTreeMap<u64, &Found> = now
            .iter()
            .filter_map(|(id, found)| Some((*id, found.as_ref()?)))
            .collect();
        let took = self.took.as_millis();
        writeln!(
            out,
            "tape: {}{} ({took} ms)",
            self.counts,
            by_plugin(&differ)
        )?;
        if self.left_out > 0 {
            let seconds = LONGEST.as_secs();
            writeln!(
                out,
                "      {} not run: {seconds} s had passed",
                self.left_out
            )?;
        }
        if let Some(words) = self.changes.words() {
            writeln!(out, "      since the last save: {words}")?;
        }
        let shown = exchanges.iter().filter_map(|then| {
            let found = differ.get(&then.id).copied()?;
            self.changes.has(then.id).then_some((then, found))
        });
        let mut shown = shown;
        for (then, found) in shown.by_ref().take(MOST_WHOLE) {
            write(out, then, found, MOST_LINES, style)?;
        }
        for (then, found) in shown.by_ref().take(MOST_NAMED) {
            line(out, then, found)?;
        }
        match shown.count() {
            0 => Ok(()),
            more => writeln!(out, "… and {more} more; `tollgate what-if` shows all"),
        }
    }
}

/// ` (redact 12, auth 1)`: in how many exchanges each does something else.
fn by_plugin(differ: &BTreeMap<u64, &Found>) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for found in differ.values() {
        for name in found.plugins() {
            *counts.entry(name).or_default() += 1;
        }
    }
    if counts.is_empty() {
        return String::new();
    }
    let counts = counts.iter();
    let counts = counts.map(|(name, count)| format!("{} {count}", text::name(name)));
    format!("; by plugin: {}", counts.collect::<Vec<_>>().join(", "))
}

/// What a save has changed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Changes {
    /// Nothing was played before; all that differs is new.
    is_first: bool,
    /// They differ, and did not, or in another way.
    others: Vec<u64>,
    /// They differed, and don't any more.
    same_again: usize,
}

impl Changes {
    fn of(now: &BTreeMap<u64, Option<Found>>, last: Option<&BTreeMap<u64, Option<Found>>>) -> Self {
        let Some(last) = last else {
            let others = now.iter().filter(|(_, found)| found.is_some());
            return Self {
                is_first: true,
                others: others.map(|(id, _)| *id).collect(),
                same_again: 0,
            };
        };
        let mut changes = Self::default();
        for (id, found) in now {
            let before = last.get(id).and_then(Option::as_ref);
            match (before, found) {
                (None, None) => {}
                (Some(_), None) => changes.same_again += 1,
                (Some(before), Some(found)) if before.says_the_same(found) => {}
                (_, Some(_)) => changes.others.push(*id),
            }
        }
        changes
    }

    fn has(&self, id: u64) -> bool {
        self.others.binary_search(&id).is_ok()
    }

    /// None for the first run.
    fn words(&self) -> Option<String> {
        if self.is_first {
            return None;
        }
        let mut words = Vec::new();
        if !self.others.is_empty() {
            words.push(format!("{} differ in another way", self.others.len()));
        }
        if self.same_again > 0 {
            words.push(format!("{} are the same again", self.same_again));
        }
        Some(match words.is_empty() {
            true => "nothing has changed".to_owned(),
            false => words.join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::what_if::{Call, Difference, Line, Of, Part};

    fn found(plugin: &str, version: &str, text: &str) -> Option<Found> {
        let call = Call {
            plugin: plugin.to_owned(),
            hook: "forward-request".to_owned(),
            versions: [Some("then".to_owned()), Some(version.to_owned())],
        };
        let line = Line {
            of: Of::Request,
            is_body: false,
            is_now: true,
            text: text.to_owned(),
        };
        Some(Found {
            difference: Difference {
                status: [Some(200), Some(200)],
                parts: vec![Part {
                    call: Some(call),
                    lines: vec![line],
                }],
            },
            masked: Vec::new(),
        })
    }

    #[test]
    fn what_a_save_has_changed_is_told_from_what_differed_before() {
        let last = BTreeMap::from([
            (1, None),
            (2, found("p", "one", "a: 1")),
            (3, found("p", "one", "a: 1")),
            (4, found("p", "one", "a: 1")),
        ]);
        let now = BTreeMap::from([
            (1, found("p", "two", "a: 2")),
            (2, found("p", "two", "a: 1")),
            (3, found("p", "two", "a: 2")),
            (4, None),
            (5, None),
            (6, found("q", "two", "a: 2")),
        ]);
        let changes = Changes::of(&now, Some(&last));
        assert_eq!((&*changes.others, changes.same_again), (&[1, 3, 6][..], 1));
        assert_eq!(
            changes.words().as_deref(),
            Some("3 differ in another way, 1 are the same again")
        );
        let none = Changes::of(&now, Some(&now));
        assert_eq!(none.words().as_deref(), Some("nothing has changed"));
        let first = Changes::of(&now, None);
        assert_eq!((&*first.others, first.words()), (&[1, 2, 3, 6][..], None));
        let differ = now.iter().filter_map(|(id, it)| Some((*id, it.as_ref()?)));
        assert_eq!(by_plugin(&differ.collect()), "; by plugin: p 3, q 1");
    }
}
