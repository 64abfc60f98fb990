//! What is counted and measured: metrics that have the names and kinds of text as labels, never text.

use tollgate_plugin::metrics::{self, Counter, Histogram};

use crate::api::Api;
use crate::rewrite::{Answer, Halt};

const ANSWERS: Counter<'_> = metrics::counter("answers");
const TOKENS: Counter<'_> = metrics::counter("tokens");
const MATCHES: Counter<'_> = metrics::counter("matches");
const REFUSED: Counter<'_> = metrics::counter("refused_requests");
const FIRST: Histogram<'_> = metrics::histogram("time_to_first_token_seconds");

/// Upper bounds for the time to the first token.
const BUCKETS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0];

pub fn describe() {
    ANSWERS.describe("Answers of models that were looked at, by API, model and outcome.");
    TOKENS.describe("Tokens of answers, by API, model, direction and source.");
    MATCHES.describe("Matches of patterns, by pattern and action.");
    REFUSED.describe("Requests that were not sent to a model, by API and reason.");
    FIRST.describe_with_buckets(
        "Time from a request to the first text of its streamed answer.",
        &BUCKETS,
    );
}

/// A request that does not reach the model.
pub fn refused(api: Api, halt: &Halt) {
    REFUSED.add(1, &[("api", api.name()), ("reason", reason(halt))]);
}

/// The first text of a stream, so many milliseconds after the request.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of an exchange are few"
)]
pub fn first_token(api: Api, model: &str, ms: u64) {
    FIRST.observe(ms as f64 / 1000.0, &[("api", api.name()), ("model", model)]);
}

/// An answer at its end.
#[expect(clippy::cast_precision_loss, reason = "tokens of an answer are few")]
pub fn answered(api: Api, model: &str, answer: &Answer, halt: Option<&Halt>) {
    let outcome = match halt {
        Some(halt) => reason(halt),
        None if answer.matches().next().is_some() => "redacted",
        None => "passed",
    };
    let labels = [("api", api.name()), ("model", model)];
    ANSWERS.add(1, &[labels[0], labels[1], ("outcome", outcome)]);
    let tokens = answer.tokens();
    let source = if tokens.is_reported {
        "reported"
    } else {
        "estimated"
    };
    for (direction, count) in [("input", tokens.input), ("output", Some(tokens.output))] {
        if let Some(count) = count.filter(|count| *count > 0) {
            TOKENS.add(
                count as f64,
                &[
                    labels[0],
                    labels[1],
                    ("direction", direction),
                    ("source", source),
                ],
            );
        }
    }
    matched(answer, halt);
}

/// What was found in an answer or a prompt.
pub fn matched(found: &Answer, halt: Option<&Halt>) {
    for (pattern, count) in found.matches() {
        MATCHES.add(count, &[("pattern", pattern), ("action", "redact")]);
    }
    if let Some(Halt::Pattern(pattern)) = halt {
        MATCHES.add(1, &[("pattern", pattern), ("action", "halt")]);
    }
}

fn reason(halt: &Halt) -> &'static str {
    match halt {
        Halt::Pattern(_) => "halted",
        Halt::Unreadable(_) => "unreadable",
        Halt::Budget => "over_budget",
    }
}
