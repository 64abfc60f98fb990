//! Finds patterns in text that comes in pieces, and says what of it may go on.
//!
//! At each position the automaton runs from there. When it is dead, the character at that position is decided and goes on;
//! while it is alive at the end of what came, everything from that position is held back. A match is certain as soon as it
//! is seen: it can only become longer. So its marker goes on at once, and what a longer match adds disappears.
//!
//! Matches that overlap are one: no part of any is left. The result does not depend on how the text was cut.

pub mod automaton;
#[cfg(test)]
pub mod tests;
pub mod written;

use std::rc::Rc;

use automaton::{Automaton, StateId, holds};
use written::{Reader, Symbol};

pub use automaton::State;
pub use written::Kind;

use crate::patterns::{Action, Patterns};

/// Symbols that are looked at in one go: a long text is not twice in memory.
const STRETCH: usize = 4096;

/// What was found so far in one message, and the room that scans of its texts share.
#[derive(Debug)]
pub struct Scan {
    pub patterns: Rc<Patterns>,
    /// How often each pattern was redacted.
    pub redacted: Vec<u32>,
    /// The pattern that halts the message.
    pub halted: Option<usize>,
    /// Characters that were looked at.
    pub characters: u64,
    stamps: Vec<u32>,
    stamp: u32,
    /// A run that is over, for the next one.
    spare: Run,
    open: Vec<StateId>,
    next: Vec<StateId>,
}

/// One text: what is held back of it, and where the automaton is.
#[derive(Debug)]
pub struct Text {
    reader: Reader,
    /// From the position at which the automaton began.
    held: Vec<Symbol>,
    /// Before the first of `held`.
    before: Option<char>,
    /// How many of `held` are within a match, whose marker is written.
    covered: usize,
    run: Option<Run>,
}

/// The automaton under way.
#[derive(Debug, Default)]
struct Run {
    states: Vec<StateId>,
    /// Symbols that it has taken.
    taken: usize,
    /// Up to where each pattern has matched.
    reached: Vec<usize>,
    /// Whether symbols at its beginning are gone from `held`, which happens to matches without an end.
    trimmed: bool,
}

impl Scan {
    pub fn new(patterns: &Rc<Patterns>) -> Self {
        Self {
            patterns: Rc::clone(patterns),
            redacted: vec![0; patterns.rules.len()],
            halted: None,
            characters: 0,
            stamps: vec![0; patterns.automaton.states.len()],
            stamp: 0,
            spare: Run::default(),
            open: Vec::new(),
            next: Vec::new(),
        }
    }

    /// The next piece of a text: what may go on of it and of what was held back. With `last` nothing is held back.
    pub fn push(&mut self, text: &mut Text, piece: &str, last: bool) -> String {
        let mut out = String::with_capacity(piece.len() + 8);
        let mut rest = piece;
        loop {
            let cut = rest
                .char_indices()
                .nth(STRETCH)
                .map_or(rest.len(), |(at, _)| at);
            let (stretch, behind) = rest.split_at(cut);
            let is_last = last && behind.is_empty();
            let known = text.held.len();
            text.reader.read(stretch, is_last, &mut text.held);
            self.characters += (text.held.len() - known) as u64;
            self.advance(text, is_last, &mut out);
            rest = behind;
            if rest.is_empty() || self.halted.is_some() {
                return out;
            }
        }
    }

    /// A text that is there as a whole.
    pub fn whole(&mut self, piece: &str, kind: Kind) -> String {
        self.push(&mut Text::new(kind), piece, true)
    }

    fn advance(&mut self, text: &mut Text, last: bool, out: &mut String) {
        let patterns = Rc::clone(&self.patterns);
        let mut at = 0;
        while self.halted.is_none() && (at < text.held.len() || text.run.is_some()) {
            if text.run.is_none() && patterns.automaton.first.has(text.held[at].shown) {
                let mut run = std::mem::take(&mut self.spare);
                run.begin(&patterns.automaton, text.held[at].shown);
                text.run = Some(run);
            }
            let mut moves_on = true;
            if let Some(mut run) = text.run.take() {
                let is_dead = self.run(text, &mut run, at, last, out);
                text.trim(&mut run, &mut at, patterns.longest);
                if !is_dead {
                    text.run = Some(run);
                    break;
                }
                moves_on = !run.trimmed;
                self.spare = run;
            }
            if moves_on && at < text.held.len() {
                let symbol = text.held[at];
                if at >= text.covered {
                    symbol.write(out);
                }
                text.before = Some(symbol.shown);
                at += 1;
            }
        }
        text.held.drain(..at);
        text.covered = text.covered.saturating_sub(at);
    }

    /// Runs the automaton from `at` as far as the symbols go. False if it needs more.
    fn run(
        &mut self,
        text: &mut Text,
        run: &mut Run,
        at: usize,
        last: bool,
        out: &mut String,
    ) -> bool {
        let patterns = Rc::clone(&self.patterns);
        loop {
            let here = at + run.taken;
            let after = text.held.get(here).map(|symbol| symbol.shown);
            if after.is_none() && !last {
                return false;
            }
            let before = match here {
                0 => text.before,
                _ if run.taken == 0 => text.before,
                _ => Some(text.held[here - 1].shown),
            };
            self.stamp += 1;
            self.next.clear();
            self.open.clear();
            self.open.append(&mut run.states);
            while let Some(id) = self.open.pop() {
                if std::mem::replace(&mut self.stamps[id as usize], self.stamp) == self.stamp {
                    continue;
                }
                let owner = usize::from(patterns.automaton.owners[id as usize]);
                match &patterns.automaton.states[id as usize] {
                    State::Split(ways) => self.open.extend(ways),
                    State::Look(look, next) if holds(*look, before, after) => self.open.push(*next),
                    State::Look(..) => {}
                    State::Class(class, next) => {
                        let within = run.taken - run.reached[owner] < patterns.rules[owner].longest;
                        if within && after.is_some_and(|after| class.has(after)) {
                            self.next.push(*next);
                        }
                    }
                    State::Match => self.matched(text, run, at, owner, after, out),
                }
            }
            if self.halted.is_some() || self.next.is_empty() || after.is_none() {
                return true;
            }
            std::mem::swap(&mut run.states, &mut self.next);
            run.taken += 1;
        }
    }

    /// A match from `at` to where the run is.
    fn matched(
        &mut self,
        text: &mut Text,
        run: &mut Run,
        at: usize,
        rule: usize,
        after: Option<char>,
        out: &mut String,
    ) {
        let end = at + run.taken;
        let found = &self.patterns.rules[rule];
        let is_it = found
            .check
            .is_none_or(|check| check(&text.held[at..end], text.before, after));
        if run.taken == 0 || !is_it {
            return;
        }
        if found.action == Action::Halt {
            self.halted = self.halted.or(Some(rule));
            return;
        }
        if text.covered <= at && !run.trimmed && run.reached.iter().all(|reached| *reached == 0) {
            self.redacted[rule] += 1;
            match text.held[at].bare {
                true => out.extend(["\"", &found.marker, "\""]),
                false => out.push_str(&found.marker),
            }
        }
        run.reached[rule] = run.taken;
        text.covered = text.covered.max(end);
    }
}

impl Text {
    pub fn new(kind: Kind) -> Self {
        Self {
            reader: Reader::new(kind),
            held: Vec::new(),
            before: None,
            covered: 0,
            run: None,
        }
    }

    /// Lets go of what a match without an end has covered, so that it takes no room.
    fn trim(&mut self, run: &mut Run, at: &mut usize, longest: usize) {
        let covered = self.covered.min(*at + run.taken).saturating_sub(*at);
        if covered <= longest {
            return;
        }
        *at += covered;
        self.before = Some(self.held[*at - 1].shown);
        run.taken -= covered;
        run.trimmed = true;
        for reached in &mut run.reached {
            *reached = reached.saturating_sub(covered);
        }
    }
}

impl Run {
    /// Begins at a character, with those patterns that can.
    fn begin(&mut self, automaton: &Automaton, one: char) {
        let starts = automaton.starts.iter().zip(&automaton.firsts);
        let can = starts.filter(|(_, first)| first.has(one));
        self.states.clear();
        self.states.extend(can.map(|(start, _)| *start));
        self.taken = 0;
        self.reached.clear();
        self.reached.resize(automaton.starts.len(), 0);
        self.trimmed = false;
    }
}
