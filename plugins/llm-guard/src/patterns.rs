//! What is looked for: the settings' own patterns, and the ready-made ones for secrets and card numbers.

use serde::Deserialize;

use crate::scan::automaton::{Automaton, longest, parse};
use crate::scan::written::Symbol;

/// Characters that one pattern may hold back at most.
pub const MOST: usize = 10_000;

/// What happens to a text with a match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The match is replaced, the rest goes on.
    #[default]
    Redact,
    /// The message ends with an error.
    Halt,
}

/// Looks at a match once more: its symbols, and what is before and behind it.
pub type Check = fn(&[Symbol], Option<char>, Option<char>) -> bool;

/// One pattern.
#[derive(Debug)]
pub struct Rule {
    pub name: String,
    pub action: Action,
    /// Characters that it can hold back.
    pub longest: usize,
    /// What stands in place of a match.
    pub marker: String,
    pub check: Option<Check>,
}

/// All patterns, in the order of their names in the log.
#[derive(Debug, Default)]
pub struct Patterns {
    pub automaton: Automaton,
    pub rules: Vec<Rule>,
    /// The largest of the rules'.
    pub longest: usize,
    /// `{name}` in it is the pattern's name.
    replacement: String,
}

/// Secrets that can be told by how they begin. Those without an end are redacted to where they end, however long.
const SECRETS: [(&str, &str, usize); 11] = [
    ("aws-access-key", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b", 20),
    (
        "aws-secret-key",
        r#"(?i:aws_?secret_?access_?key)["'\s:=]{1,8}[A-Za-z0-9/+]{40}"#,
        80,
    ),
    ("model-api-key", r"\bsk-[A-Za-z0-9_-]{20,}", 200),
    (
        "github-token",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
        200,
    ),
    ("gitlab-token", r"\bglpat-[A-Za-z0-9_.-]{20,}", 200),
    ("slack-token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}", 200),
    ("stripe-key", r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}", 200),
    ("google-api-key", r"\bAIza[A-Za-z0-9_-]{35}", 39),
    (
        "jwt",
        r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
        4000,
    ),
    (
        "bearer-token",
        r"\b(?i:bearer)\s{1,4}[A-Za-z0-9_.~+/-]{20,}=*",
        200,
    ),
    ("private-key", PRIVATE_KEY, 400),
];

/// PEM, also with fields before the key, and with line ends that are written as `\n`. As far as there is text of a key: one
/// without its last line is a key.
const PRIVATE_KEY: &str = r"(?x)
    -----BEGIN\ (?:[A-Z0-9]{1,12}\ ){0,3}PRIVATE\ KEY-----
    (?:\s|\\[nr])*
    (?:[A-Za-z-]{1,20}:\ [^\n\\]{1,80}(?:\s|\\[nr])+){0,4}
    [A-Za-z0-9+/=]{16,}
    (?:(?:\s|\\[nr])+[A-Za-z0-9+/=]+)*
    (?:(?:\s|\\[nr])*-----END\ [A-Z0-9\ ]{1,40}-----)?";

/// 13 to 19 digits, alone or in groups.
const CARD: &str = r"[2-6](?:[ -]?[0-9]){12,18}";

impl Patterns {
    pub fn new(replacement: &str) -> Self {
        Self {
            replacement: replacement.to_owned(),
            ..Self::default()
        }
    }

    pub fn add_keyword(&mut self, keyword: &str, name: &str, action: Action) -> Result<(), String> {
        self.automaton.add_keyword(keyword)?;
        self.add_rule(name, action, keyword.chars().count(), None);
        Ok(())
    }

    /// Adds a regex. `max` is how many characters it may hold back; it must be told if the regex itself does not say.
    pub fn add_regex(
        &mut self,
        name: &str,
        regex: &str,
        max: Option<usize>,
        action: Action,
    ) -> Result<(), String> {
        let hir = parse(regex)?;
        if hir.properties().minimum_len().unwrap_or(0) == 0 {
            return Err("it matches the empty text".to_owned());
        }
        let own = longest(&hir);
        let held = match (own, max) {
            (Some(own), Some(max)) => own.min(max),
            (Some(own), None) => own,
            (None, Some(max)) => max,
            (None, None) => {
                return Err("its longest match has no bound: bound its repetitions, such as {1,64} in place of +, or \
                            set max to how many characters may be held back"
                    .to_owned());
            }
        };
        if held > MOST {
            return Err(format!(
                "it could hold back {held} characters: {MOST} are the most; set max"
            ));
        }
        self.automaton.add_regex(&hir)?;
        self.add_rule(name, action, held, None);
        Ok(())
    }

    pub fn add_secrets(&mut self, action: Action) -> Result<(), String> {
        for (name, regex, max) in SECRETS {
            self.add_regex(name, regex, Some(max), action)?;
        }
        Ok(())
    }

    pub fn add_cards(&mut self, action: Action) -> Result<(), String> {
        self.add_regex("card-number", CARD, None, action)?;
        if let Some(rule) = self.rules.last_mut() {
            rule.check = Some(is_card);
        }
        Ok(())
    }

    fn add_rule(&mut self, name: &str, action: Action, longest: usize, check: Option<Check>) {
        self.longest = self.longest.max(longest);
        self.rules.push(Rule {
            name: name.to_owned(),
            action,
            longest,
            marker: self.replacement.replace("{name}", name),
            check,
        });
    }
}

/// Whether digits stand alone and have the right check digit (ISO/IEC 7812, Luhn).
fn is_card(symbols: &[Symbol], before: Option<char>, after: Option<char>) -> bool {
    let is_digit = |one: Option<char>| one.is_some_and(|one| one.is_ascii_digit());
    if is_digit(before) || is_digit(after) {
        return false;
    }
    let digits = symbols
        .iter()
        .rev()
        .filter_map(|symbol| symbol.shown.to_digit(10));
    let sum: u32 = digits
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, twice) if twice > 9 => twice - 9,
            (_, twice) => twice,
        })
        .sum();
    sum.is_multiple_of(10)
}
