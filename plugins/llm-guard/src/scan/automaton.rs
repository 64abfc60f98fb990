//! All patterns as one nondeterministic automaton over characters.
//!
//! A scan of a stream must know two things that regex crates do not tell: whether the text so far could still become a
//! match, and that at any place where a delta ends. So regexes are parsed by `regex-syntax` and run here. The states that
//! are alive are the whole memory of a scan: it can stop after any character and go on with the next delta.
//!
//! Classes are those of ASCII: `\w`, `\d`, `\s`, `\b` and `(?i)`. A character beyond ASCII matches itself, `.`, and classes
//! such as `[^a-z]`. Tables of Unicode would make the plugin several times as large.

use regex_syntax::hir::{Class as HirClass, Hir, HirKind, Look, Repetition};
use regex_syntax::{ParserBuilder, hir};

/// States of one pattern at most: memory, and time for text that keeps many alive.
const MOST_STATES: usize = 20_000;

/// What stands for a quote that begins or ends a string in JSON text. No class has it, so no match crosses it.
pub const BARRIER: char = '\u{ffff}';

pub type StateId = u32;

#[derive(Debug)]
pub enum State {
    Class(Class, StateId),
    Split(Vec<StateId>),
    Look(Look, StateId),
    Match,
}

/// A set of characters.
#[derive(Clone, Debug, Default)]
pub struct Class {
    ascii: u128,
    /// Single ones beyond ASCII.
    more: Vec<char>,
    /// All beyond ASCII.
    rest: bool,
}

/// The automaton of all patterns. States belong to one pattern each.
#[derive(Debug, Default)]
pub struct Automaton {
    pub states: Vec<State>,
    pub owners: Vec<u16>,
    /// Where each pattern begins.
    pub starts: Vec<StateId>,
    /// With what a match of each pattern can begin, and of any.
    pub firsts: Vec<Class>,
    pub first: Class,
}

impl Class {
    fn of(one: char) -> Self {
        let mut class = Self::default();
        class.add(one);
        class
    }

    fn add(&mut self, one: char) {
        match one.is_ascii() {
            true => self.ascii |= 1 << (one as u32),
            false => self.more.push(one),
        }
    }

    fn add_all(&mut self, other: &Self) {
        self.ascii |= other.ascii;
        self.rest |= other.rest;
        self.more.extend(&other.more);
    }

    pub fn has(&self, one: char) -> bool {
        match one.is_ascii() {
            true => self.ascii >> (one as u32) & 1 == 1,
            false => one != BARRIER && (self.rest || self.more.contains(&one)),
        }
    }

    /// A class over bytes, as the parser gives it without Unicode, read as one over characters.
    fn of_bytes(bytes: &hir::ClassBytes) -> Result<Self, String> {
        let mut class = Self::default();
        for range in bytes.ranges() {
            for byte in range.start()..=range.end().min(0x7f) {
                class.ascii |= 1 << byte;
            }
            if range.end() >= 0x80 {
                if range.start() > 0x80 || range.end() < 0xff {
                    return Err(
                        "a class names bytes beyond ASCII; write characters outside of classes"
                            .to_owned(),
                    );
                }
                class.rest = true;
            }
        }
        Ok(class)
    }
}

/// Parses a regex.
pub fn parse(regex: &str) -> Result<Hir, String> {
    let mut parser = ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .nest_limit(100)
        .build();
    parser.parse(regex).map_err(|error| match error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        _ => error.to_string(),
    })
}

/// Characters of the longest match, or `None` if there is no longest.
pub fn longest(hir: &Hir) -> Option<usize> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(0),
        HirKind::Literal(literal) => Some(String::from_utf8_lossy(&literal.0).chars().count()),
        HirKind::Class(_) => Some(1),
        HirKind::Repetition(repetition) => {
            let each = longest(&repetition.sub)?;
            match repetition.max {
                Some(most) => each.checked_mul(most as usize),
                None => (each == 0).then_some(0),
            }
        }
        HirKind::Capture(capture) => longest(&capture.sub),
        HirKind::Concat(parts) => parts
            .iter()
            .try_fold(0_usize, |sum, part| sum.checked_add(longest(part)?)),
        HirKind::Alternation(ways) => ways
            .iter()
            .try_fold(0, |most, way| Some(longest(way)?.max(most))),
    }
}

impl Automaton {
    /// Adds a regex as the next pattern.
    pub fn add_regex(&mut self, hir: &Hir) -> Result<(), String> {
        self.add(|builder, end| builder.compile(hir, end))
    }

    /// Adds a text as the next pattern: in any case, and as whole words where it begins and ends with a letter or digit.
    pub fn add_keyword(&mut self, keyword: &str) -> Result<(), String> {
        self.add(|builder, end| {
            let letters: Vec<char> = keyword.chars().collect();
            let is_word = |one: Option<&char>| one.is_some_and(|one| is_word(Some(*one)));
            let mut next = end;
            if is_word(letters.last()) {
                next = builder.push(State::Look(Look::WordEndUnicode, next))?;
            }
            for letter in letters.iter().rev() {
                let mut class = Class::of(*letter);
                let mut same: Vec<char> = letter.to_lowercase().collect();
                if same.len() == 1 {
                    same.extend(
                        letter
                            .to_uppercase()
                            .take(1)
                            .filter(|_| letter.to_uppercase().count() == 1),
                    );
                    same.into_iter().for_each(|one| class.add(one));
                }
                next = builder.push(State::Class(class, next))?;
            }
            if is_word(letters.first()) {
                next = builder.push(State::Look(Look::WordStartUnicode, next))?;
            }
            Ok(next)
        })
    }

    fn add(
        &mut self,
        compile: impl FnOnce(&mut Builder<'_>, StateId) -> Result<StateId, String>,
    ) -> Result<(), String> {
        let mut builder = Builder {
            before: self.states.len(),
            states: &mut self.states,
        };
        let end = builder.push(State::Match)?;
        let start = compile(&mut builder, end)?;
        let owner = u16::try_from(self.starts.len())
            .map_err(|_| "there are too many patterns".to_owned())?;
        self.owners.resize(self.states.len(), owner);
        self.starts.push(start);
        self.add_first(start);
        Ok(())
    }

    /// What can be first, whatever stands before it.
    fn add_first(&mut self, start: StateId) {
        let mut first = Class::default();
        let mut seen = vec![false; self.states.len()];
        let mut open = vec![start];
        while let Some(id) = open.pop() {
            if std::mem::replace(&mut seen[id as usize], true) {
                continue;
            }
            match &self.states[id as usize] {
                State::Class(class, _) => first.add_all(class),
                State::Split(ways) => open.extend(ways),
                State::Look(_, next) => open.push(*next),
                State::Match => {}
            }
        }
        self.first.add_all(&first);
        self.firsts.push(first);
    }
}

/// Makes the states of one pattern from its end to its beginning: each part is given the state that follows it.
struct Builder<'a> {
    before: usize,
    states: &'a mut Vec<State>,
}

impl Builder<'_> {
    fn push(&mut self, state: State) -> Result<StateId, String> {
        if self.states.len() - self.before >= MOST_STATES {
            return Err("it is too large: its repetitions make more than 20000 states".to_owned());
        }
        self.states.push(state);
        StateId::try_from(self.states.len() - 1).map_err(|error| error.to_string())
    }

    fn compile(&mut self, hir: &Hir, next: StateId) -> Result<StateId, String> {
        match hir.kind() {
            HirKind::Empty => Ok(next),
            HirKind::Literal(literal) => {
                let text = std::str::from_utf8(&literal.0)
                    .map_err(|_| "it names bytes that are not UTF-8".to_owned())?;
                let push = |next, one| self.push(State::Class(Class::of(one), next));
                text.chars().rev().try_fold(next, push)
            }
            HirKind::Class(HirClass::Bytes(bytes)) => {
                self.push(State::Class(Class::of_bytes(bytes)?, next))
            }
            HirKind::Class(HirClass::Unicode(_)) => {
                Err("classes of Unicode are not supported".to_owned())
            }
            HirKind::Look(look) => self.push(State::Look(*look, next)),
            HirKind::Repetition(repetition) => self.repeat(repetition, next),
            HirKind::Capture(capture) => self.compile(&capture.sub, next),
            HirKind::Concat(parts) => parts
                .iter()
                .rev()
                .try_fold(next, |next, part| self.compile(part, next)),
            HirKind::Alternation(ways) => {
                let ways = ways
                    .iter()
                    .map(|way| self.compile(way, next))
                    .collect::<Result<_, _>>()?;
                self.push(State::Split(ways))
            }
        }
    }

    fn repeat(&mut self, repetition: &Repetition, next: StateId) -> Result<StateId, String> {
        let mut entry = next;
        match repetition.max {
            None => {
                entry = self.push(State::Split(Vec::new()))?;
                let body = self.compile(&repetition.sub, entry)?;
                self.states[entry as usize] = State::Split(vec![body, next]);
            }
            Some(most) => {
                for _ in repetition.min..most {
                    let body = self.compile(&repetition.sub, entry)?;
                    entry = self.push(State::Split(vec![body, next]))?;
                }
            }
        }
        for _ in 0..repetition.min {
            entry = self.compile(&repetition.sub, entry)?;
        }
        Ok(entry)
    }
}

/// Whether an assertion holds between two characters. The text's ends are `None`.
pub fn holds(look: Look, before: Option<char>, after: Option<char>) -> bool {
    let (left, right) = (is_word(before), is_word(after));
    match look {
        Look::Start => before.is_none(),
        Look::End => after.is_none(),
        Look::StartLF => matches!(before, None | Some('\n')),
        Look::EndLF => matches!(after, None | Some('\n')),
        Look::StartCRLF => {
            matches!(before, None | Some('\n')) || (before == Some('\r') && after != Some('\n'))
        }
        Look::EndCRLF => {
            matches!(after, None | Some('\r')) || (after == Some('\n') && before != Some('\r'))
        }
        Look::WordAscii | Look::WordUnicode => left != right,
        Look::WordAsciiNegate | Look::WordUnicodeNegate => left == right,
        Look::WordStartAscii | Look::WordStartUnicode => !left && right,
        Look::WordEndAscii | Look::WordEndUnicode => left && !right,
        Look::WordStartHalfAscii | Look::WordStartHalfUnicode => !left,
        Look::WordEndHalfAscii | Look::WordEndHalfUnicode => !right,
    }
}

/// Letters and digits of every script, and `_`, so that a keyword beside such a letter is not a word.
fn is_word(one: Option<char>) -> bool {
    one.is_some_and(|one| one == '_' || one.is_alphanumeric())
}
