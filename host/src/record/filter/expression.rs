//! A filter as a tree, and whether it holds.

use regex_automata::meta::Regex;

use super::view::View;
use super::words::{Plain, Subject};

#[derive(Debug, Clone)]
pub enum Expression {
    Plain(Plain),
    Text(Subject, Regex),
    /// The first and the last status.
    Status(u16, u16),
    Not(Box<Expression>),
    /// All hold.
    And(Vec<Expression>),
    /// One holds.
    Or(Vec<Expression>),
}

impl Expression {
    pub fn holds(&self, view: &View<'_>) -> bool {
        match self {
            Expression::Plain(plain) => holds(*plain, view),
            Expression::Text(subject, regex) => is_found(*subject, regex, view),
            Expression::Status(first, last) => view
                .status()
                .is_some_and(|status| (*first..=*last).contains(&status)),
            Expression::Not(inner) => !inner.holds(view),
            Expression::And(all) => all.iter().all(|inner| inner.holds(view)),
            Expression::Or(some) => some.iter().any(|inner| inner.holds(view)),
        }
    }
}

fn holds(plain: Plain, view: &View<'_>) -> bool {
    match plain {
        Plain::All | Plain::Http => true,
        Plain::Asset => view.is_asset(),
        Plain::Changed => view.is_changed(),
        Plain::Error => view.has_failed(),
        Plain::NoResponse => view.status().is_none(),
        Plain::Response => view.status().is_some(),
        Plain::WebSocket => view.is_websocket(),
    }
}

fn is_found(subject: Subject, regex: &Regex, view: &View<'_>) -> bool {
    let is_match = |text: &[u8]| regex.is_match(text);
    match subject {
        Subject::Body(sides) => view.bodies(sides, is_match),
        Subject::Destination => view.destinations(is_match),
        Subject::Domain => is_match(view.domain().as_bytes()),
        Subject::Fields(sides) => view.heads(sides, is_match),
        Subject::MediaType(sides) => view.fields("content-type", sides, is_match),
        Subject::Method => is_match(view.method().as_bytes()),
        Subject::Plugin => view.plugins(is_match),
        Subject::Source => is_match(view.source().as_bytes()),
        Subject::Url => is_match(view.url().as_bytes()),
    }
}
