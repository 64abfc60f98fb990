//! What a test says: a line for each case, a diff where something came otherwise, and a summary; or all of it as JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::compare::Failure;

/// What became of one case.
#[derive(Debug)]
pub(super) struct Result {
    pub name: String,
    /// Its file, as it was found.
    pub file: String,
    pub outcome: Outcome,
}

#[derive(Debug)]
pub(super) enum Outcome {
    Ok,
    /// What it expects was written anew.
    Updated,
    /// It ran without a failure, and there was nothing to hold it against.
    NothingExpected,
    /// Each with the number of its exchange, counted from 1, in a case of several.
    Failed(Vec<(Option<usize>, Failure)>),
    /// It could not be run; says where the mistake stands.
    Mistake(String),
}

impl Outcome {
    fn word(&self) -> &'static str {
        match self {
            Outcome::Ok | Outcome::NothingExpected => "ok",
            Outcome::Updated => "updated",
            Outcome::Failed(_) => "FAILED",
            Outcome::Mistake(_) => "MISTAKE",
        }
    }

    pub(super) fn is_good(&self) -> bool {
        matches!(
            self,
            Outcome::Ok | Outcome::Updated | Outcome::NothingExpected
        )
    }
}

/// All that there is to say.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub plugin: String,
    pub results: Vec<Result>,
    /// Files that were written.
    pub updated: Vec<String>,
    /// Cases that the filter left out.
    pub left_out: usize,
}

impl Report {
    pub(super) fn is_good(&self) -> bool {
        self.results.iter().all(|result| result.outcome.is_good())
    }

    fn count(&self, word: &str) -> usize {
        let has = |result: &&Result| result.outcome.word() == word;
        self.results.iter().filter(has).count()
    }

    /// For people. Coloured for a terminal.
    pub(super) fn print(&self, out: &mut impl Write, colour: bool) -> io::Result<()> {
        let paint = Paint(colour);
        for Result { name, outcome, .. } in &self.results {
            match outcome {
                Outcome::Ok => writeln!(out, "{}       {name}", paint.green("ok"))?,
                Outcome::Updated => writeln!(out, "{}  {name}", paint.yellow("updated"))?,
                Outcome::NothingExpected => writeln!(
                    out,
                    "{}       {name} (nothing is expected; --update writes what came)",
                    paint.green("ok")
                )?,
                Outcome::Failed(failures) => {
                    writeln!(out, "{}   {name}", paint.red("FAILED"))?;
                    let mut last = None;
                    for (exchange, failure) in failures {
                        if let Some(number) = exchange.filter(|_| *exchange != last) {
                            writeln!(out, "    exchange {number}:")?;
                        }
                        last = *exchange;
                        print_diff(out, &failure.diff, paint)?;
                    }
                }
                Outcome::Mistake(words) => {
                    writeln!(out, "{}  {name}", paint.red("MISTAKE"))?;
                    for line in words.lines() {
                        writeln!(out, "    {line}")?;
                    }
                }
            }
        }
        for file in &self.updated {
            writeln!(out, "wrote {file}")?;
        }
        writeln!(out, "{}", self.summary())
    }

    /// `plugin mark: 3 cases: 1 ok, 1 failed, 1 with a mistake`
    fn summary(&self) -> String {
        let total = self.results.len();
        let cases = if total == 1 { "case" } else { "cases" };
        let mut summary = format!(
            "plugin {}: {total} {cases}: {} ok",
            self.plugin,
            self.count("ok")
        );
        let rest = [
            (self.count("updated"), "updated"),
            (self.count("FAILED"), "failed"),
            (self.count("MISTAKE"), "with a mistake"),
            (self.left_out, "left out by the filter"),
        ];
        for (count, words) in rest.into_iter().filter(|(count, _)| *count > 0) {
            summary.push_str(&format!(", {count} {words}"));
        }
        summary
    }

    /// For programs: one document whose keys stay.
    pub(super) fn print_json(&self, out: &mut impl Write) -> io::Result<()> {
        let document = Document {
            plugin: &self.plugin,
            good: self.is_good(),
            cases: self.results.iter().map(json).collect(),
            updated: &self.updated,
            left_out: self.left_out,
        };
        serde_json::to_writer_pretty(&mut *out, &document)?;
        writeln!(out)
    }
}

#[derive(Serialize)]
struct Document<'a> {
    plugin: &'a str,
    good: bool,
    cases: Vec<JsonCase<'a>>,
    updated: &'a [String],
    left_out: usize,
}

#[derive(Serialize)]
struct JsonCase<'a> {
    name: &'a str,
    file: &'a str,
    /// `ok`, `updated`, `failed` or `mistake`.
    result: String,
    failures: Vec<JsonFailure<'a>>,
    mistake: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonFailure<'a> {
    /// The section's name.
    expectation: String,
    /// The number of the exchange in a case of several, counted from 1.
    exchange: Option<usize>,
    diff: &'a str,
}

fn json(result: &Result) -> JsonCase<'_> {
    let (failures, mistake) = match &result.outcome {
        Outcome::Ok | Outcome::Updated | Outcome::NothingExpected => (&[][..], None),
        Outcome::Failed(failures) => (&failures[..], None),
        Outcome::Mistake(words) => (&[][..], Some(&words[..])),
    };
    let failure = |failure: &'_ Failure| failure.kind.to_string();
    JsonCase {
        name: &result.name,
        file: &result.file,
        result: result.outcome.word().to_lowercase(),
        failures: failures
            .iter()
            .map(|(exchange, f)| JsonFailure {
                expectation: failure(f),
                exchange: *exchange,
                diff: &f.diff,
            })
            .collect(),
        mistake,
    }
}

fn print_diff(out: &mut impl Write, diff: &str, paint: Paint) -> io::Result<()> {
    for line in diff.lines() {
        match line.as_bytes().first() {
            Some(b'-') => writeln!(out, "    {}", paint.red(line))?,
            Some(b'+') => writeln!(out, "    {}", paint.green(line))?,
            _ => writeln!(out, "    {line}")?,
        }
    }
    Ok(())
}

/// Puts colour around words, or leaves them alone.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn red(self, words: &str) -> String {
        self.in_colour("31", words)
    }

    fn green(self, words: &str) -> String {
        self.in_colour("32", words)
    }

    fn yellow(self, words: &str) -> String {
        self.in_colour("33", words)
    }

    fn in_colour(self, colour: &str, words: &str) -> String {
        match self.0 {
            true => format!("\x1b[{colour}m{words}\x1b[0m"),
            false => words.to_owned(),
        }
    }
}
