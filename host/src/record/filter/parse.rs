//! Reads a filter's text.
//!
//! ```text
//! all     = any { any }                    side by side: all hold
//! any     = both { "|" both }
//! both    = one { "&" one }
//! one     = "!" one | "(" all ")" | "~" NAME [ operand ] | regex
//! regex   = word | "…" | '…'
//! ```

use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use super::error::FilterError;
use super::expression::Expression;
use super::words::{self, Subject, Word};

/// Bytes of a filter's text.
pub const LONGEST: usize = 4096;

/// Of `!` and parentheses in one another.
const DEEPEST: usize = 32;

/// Regular expressions of one filter: each takes time to build, and memory.
const MOST_REGEXES: usize = 64;

/// Bytes that the program of one regular expression may take, and what a search may keep.
const MOST_REGEX: usize = 1 << 20;

/// What ends a word.
const ENDS: [char; 5] = ['(', ')', '~', '"', '\''];

struct Parser<'t> {
    text: &'t str,
    /// The rest that was not read yet.
    rest: &'t str,
    depth: usize,
    regexes: usize,
}

/// None for a text without anything in it.
pub fn parse(text: &str) -> Result<Option<Expression>, FilterError> {
    let mut parser = Parser {
        text,
        rest: text,
        depth: 0,
        regexes: 0,
    };
    if text.len() > LONGEST {
        let problem = format!(
            "it is {} bytes long; expected no more than {}",
            text.len(),
            LONGEST
        );
        return Err(parser.mistake(problem));
    }
    if text.trim().is_empty() {
        return Ok(None);
    }
    let expression = parser.all()?;
    match parser.next() {
        None => Ok(Some(expression)),
        Some(_) => Err(parser.mistake("`)` closes nothing; expected `(` before it")),
    }
}

impl Parser<'_> {
    fn all(&mut self) -> Result<Expression, FilterError> {
        let mut all = vec![self.any()?];
        while self.next().is_some_and(|next| next != ')') {
            all.push(self.any()?);
        }
        Ok(one_or(all, Expression::And))
    }

    fn any(&mut self) -> Result<Expression, FilterError> {
        let mut any = vec![self.both()?];
        while self.takes('|') {
            any.push(self.both()?);
        }
        Ok(one_or(any, Expression::Or))
    }

    fn both(&mut self) -> Result<Expression, FilterError> {
        let mut both = vec![self.one()?];
        while self.takes('&') {
            both.push(self.one()?);
        }
        Ok(one_or(both, Expression::And))
    }

    fn one(&mut self) -> Result<Expression, FilterError> {
        const EXPECTED: &str = "expected an operator such as ~m, a regular expression, `!` or `(`";
        let Some(next) = self.next() else {
            return Err(self.mistake(format!("the filter ends here; {EXPECTED}")));
        };
        match next {
            '!' => self.deeper(|parser| {
                parser.takes('!');
                Ok(Expression::Not(Box::new(parser.one()?)))
            }),
            '(' => self.deeper(Self::in_parentheses),
            '~' => self.operator(),
            ')' | '&' | '|' => {
                Err(self.mistake(format!("`{next}` has nothing before it; {EXPECTED}")))
            }
            _ => {
                let start = self.rest;
                let text = self.operand("a regular expression")?;
                self.regex(start, Subject::Url, &text)
            }
        }
    }

    fn in_parentheses(&mut self) -> Result<Expression, FilterError> {
        let open = self.rest;
        self.takes('(');
        let inner = self.all()?;
        if self.takes(')') {
            return Ok(inner);
        }
        Err(self.mistake_at(open, "`(` is not closed; expected `)` behind what it holds"))
    }

    fn operator(&mut self) -> Result<Expression, FilterError> {
        let start = self.rest;
        let name = &start[1..];
        let name = &name[..name.find(ends_word).unwrap_or(name.len())];
        let Some(word) = words::word(name) else {
            let problem = format!(
                "no operator is called ~{name}; expected one of {}",
                words::names()
            );
            return Err(self.mistake(problem));
        };
        self.rest = &start[1 + name.len()..];
        match word {
            Word::Plain(plain) => Ok(Expression::Plain(plain)),
            Word::Text(subject) => {
                self.next();
                let start = self.rest;
                let text = self.operand(&format!("a regular expression behind ~{name}"))?;
                self.regex(start, subject, &text)
            }
            Word::Status => {
                self.next();
                let start = self.rest;
                let text = self.operand("a status such as 404, or 500-599, behind ~c")?;
                let Some((first, last)) = statuses(&text) else {
                    let problem = format!(
                        "{text:?} is no status; expected one such as 404, or a range such as 500-599"
                    );
                    return Err(self.mistake_at(start, problem));
                };
                Ok(Expression::Status(first, last))
            }
        }
    }

    /// A word, or what stands in quotes.
    fn operand(&mut self, expected: &str) -> Result<String, FilterError> {
        match self.next() {
            Some('"') => self.quoted('"'),
            Some('\'') => self.quoted('\''),
            Some(next) if !ends_word(next) => {
                let end = self.rest.find(ends_word).unwrap_or(self.rest.len());
                let (word, rest) = self.rest.split_at(end);
                self.rest = rest;
                Ok(word.to_owned())
            }
            Some(next) => Err(self.mistake(format!("here is `{next}`; expected {expected}"))),
            None => Err(self.mistake(format!("the filter ends here; expected {expected}"))),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, FilterError> {
        let open = self.rest;
        let mut inside = String::new();
        let mut chars = open.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            match (c, chars.peek()) {
                (c, _) if c == quote => {
                    self.rest = &open[at + c.len_utf8()..];
                    return Ok(inside);
                }
                ('\\', Some((_, escaped @ ('"' | '\'')))) => {
                    inside.push(*escaped);
                    chars.next();
                }
                // As mitmproxy reads it.
                ('\\', Some((_, '\\'))) => {
                    inside.push('\\');
                    chars.next();
                }
                (c, _) => inside.push(c),
            }
        }
        Err(self.mistake_at(
            open,
            format!("the text in quotes does not end; expected {quote} behind it"),
        ))
    }

    fn regex(
        &mut self,
        start: &str,
        subject: Subject,
        text: &str,
    ) -> Result<Expression, FilterError> {
        if self.regexes == MOST_REGEXES {
            let problem = format!("expected no more than {MOST_REGEXES} regular expressions");
            return Err(self.mistake_at(start, problem));
        }
        self.regexes += 1;
        let syntax = syntax::Config::new()
            .unicode(false)
            .utf8(false)
            .case_insensitive(true)
            .multi_line(matches!(subject, Subject::Fields(_)))
            .dot_matches_new_line(matches!(subject, Subject::Body(_)));
        let bounds = Regex::config()
            .utf8_empty(false)
            .nfa_size_limit(Some(MOST_REGEX))
            .hybrid_cache_capacity(MOST_REGEX);
        let regex = Regex::builder()
            .syntax(syntax)
            .configure(bounds)
            .build(text);
        regex
            .map(|regex| Expression::Text(subject, regex))
            .map_err(|error| {
                let why = error
                    .syntax_error()
                    .map_or_else(|| error.to_string(), ToString::to_string);
                // It shows the text and points into it, line by line.
                let why = why.lines().last().unwrap_or_default();
                let why = why.strip_prefix("error: ").unwrap_or(why);
                self.mistake_at(start, format!("{text:?} is no regular expression: {why}"))
            })
    }

    /// The next character that is not white space.
    fn next(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn takes(&mut self, wanted: char) -> bool {
        let is_there = self.next() == Some(wanted);
        if is_there {
            self.rest = &self.rest[wanted.len_utf8()..];
        }
        is_there
    }

    fn deeper(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Expression, FilterError>,
    ) -> Result<Expression, FilterError> {
        if self.depth == DEEPEST {
            return Err(self.mistake(format!(
                "it is nested too deeply; expected no more than {DEEPEST} `!` and `(` in one another"
            )));
        }
        self.depth += 1;
        let expression = read(self);
        self.depth -= 1;
        expression
    }

    fn mistake(&self, problem: impl Into<String>) -> FilterError {
        self.mistake_at(self.rest, problem)
    }

    /// `rest` begins where the mistake is.
    fn mistake_at(&self, rest: &str, problem: impl Into<String>) -> FilterError {
        let before = &self.text[..self.text.len() - rest.len()];
        FilterError {
            position: before.chars().count() + 1,
            problem: problem.into(),
        }
    }
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || ENDS.contains(&c)
}

fn one_or(mut list: Vec<Expression>, all: fn(Vec<Expression>) -> Expression) -> Expression {
    match list.pop() {
        Some(only) if list.is_empty() => only,
        last => {
            list.extend(last);
            all(list)
        }
    }
}

fn statuses(text: &str) -> Option<(u16, u16)> {
    let status = |text: &str| {
        let is_one = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| is_one)
    };
    match text.split_once('-') {
        Some((first, last)) => Some((status(first)?, status(last)?)),
        None => status(text).map(|only| (only, only)),
    }
}
