//! Which exchanges somebody wants to see: mitmproxy's filter expressions, with two of ours.
//!
//! ```text
//! ~m POST & ~u /orders & !~c 201        ~hq "x-tenant: (a|b)"        ~p redact | ~changed        example.com
//! ```
//!
//! `!` binds most, then `&`, then `|`. What stands side by side must all hold, and binds least, as mitmproxy has it: `a | b c` is
//! `(a | b) & c`. A word alone is a regular expression for the URL. Words end at white space, quotes, `(`, `)` and `~`, so `a|b`
//! without spaces is one regular expression; put what needs these characters in quotes.
//!
//! Regular expressions see bytes, find their match anywhere, and take no notice of the case of ASCII letters. They look at the request
//! as the client sent it and at the response as the client got it; bodies without their content codings.
//!
//! Different from mitmproxy on purpose: in quotes a backslash is kept unless it stands before a quote or another backslash, so that
//! `"\d"` means a digit; `(a b)` may stand side by side in parentheses too; `~c` takes a range; an operator without its operand is an
//! error and not a regular expression.

mod error;
mod expression;
mod parse;
#[cfg(test)]
mod tests;
mod view;
mod words;

pub use error::FilterError;

use self::expression::Expression;
use self::view::View;
use super::data::Recorded;

/// A filter that was understood.
#[derive(Debug, Clone, Default)]
pub struct Filter(Option<Expression>);

impl Filter {
    /// Bytes of a filter's text.
    pub const LONGEST: usize = parse::LONGEST;

    /// Reads a filter. One of white space matches every exchange.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse::parse(text).map(Self)
    }

    pub fn matches(&self, exchange: &Recorded) -> bool {
        let expression = self.0.as_ref();
        expression.is_none_or(|expression| expression.holds(&View::of(exchange)))
    }
}
