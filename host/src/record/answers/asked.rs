//! A request as it is compared with others.

use std::sync::LazyLock;

use super::answer::Sent;
use super::body::{self, BodyKey};
use super::like::is_like;
use super::rules::{AnswerRules, QueryRule};
use crate::record::heads::origin_form;
use crate::record::message::{Message, StartLine};
use crate::record::{MASKED, Masks, RecordConfig};
use crate::text;

/// Bytes of a target that are shown.
const MOST_SHOWN: usize = 200;

/// Fields by which a request is answered in part, or not if the client has it already (RFC 9110, 13 and 14).
const CONDITIONS: [&str; 6] = [
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
    "if-range",
    "range",
];

/// What is taken for a secret if nobody says more, for what is shown.
static USUAL: LazyLock<Masks> = LazyLock::new(|| Masks::new(&RecordConfig::default()));

/// What counts of a request by [`AnswerRules`].
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub method: String,
    /// Host and port in lower case.
    pub host: String,
    /// As it was sent, percent-encoded.
    pub path: String,
    pub query: Vec<(Vec<u8>, Vec<u8>)>,
    /// Of the fields that count, each once; several lines of one are joined by commas.
    pub fields: Vec<(String, Option<Vec<u8>>)>,
    pub body: BodyKey,
    /// Those of [`CONDITIONS`] that it has.
    conditions: Vec<&'static str>,
    range: Option<Vec<u8>>,
    /// Whether its answer is one to requests with the same conditions alone; only of one of a tape.
    is_conditional: bool,
    /// Its bytes on the wire; only of a request that comes now.
    raw: Vec<u8>,
    length: u64,
}

impl Asked {
    /// A request that comes now, with its whole body.
    pub fn now(request: &Message, rules: &AnswerRules) -> Self {
        Self {
            raw: request.content.kept.clone(),
            ..Self::of(request, rules)
        }
    }

    /// One of a tape.
    pub fn recorded(request: &Sent, rules: &AnswerRules) -> Self {
        Self {
            is_conditional: request.is_answered_by_condition(),
            ..Self::of(&request.message, rules)
        }
    }

    fn of(request: &Message, rules: &AnswerRules) -> Self {
        let (method, target, authority) = match &request.line {
            StartLine::Request {
                method,
                target,
                authority,
            } => (&method[..], origin_form(target), &authority[..]),
            StartLine::Response { .. } => ("", "".into(), ""),
        };
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let query = match &rules.query {
            QueryRule::Nothing => Vec::new(),
            QueryRule::AllBut(names) => body::pairs(query.as_bytes(), |name| {
                names.iter().any(|it| it.as_bytes() == name)
            }),
        };
        let fields = rules.fields.iter();
        let fields = fields.map(|name| (name.clone(), joined(request, name)));
        let conditions = CONDITIONS.into_iter();
        let conditions = conditions.filter(|name| request.field(name).is_some());
        Self {
            method: method.to_owned(),
            host: authority.to_ascii_lowercase(),
            path: path.to_owned(),
            query,
            fields: fields.collect(),
            body: match rules.body {
                true => BodyKey::of(request, &rules.ignore_keys),
                false => BodyKey::Bytes(Vec::new()),
            },
            conditions: conditions.collect(),
            range: joined(request, "range"),
            is_conditional: false,
            raw: Vec::new(),
            length: request.content.length,
        }
    }

    /// Whether `asked` is like this recorded request. Method and path are the same already.
    pub fn is_like(&self, asked: &Self, rules: &AnswerRules) -> bool {
        (!rules.host || self.host == asked.host)
            && self.has_query_of(asked)
            && self.different_field(asked).is_none()
            && self.has_body_of(asked)
    }

    pub fn has_query_of(&self, asked: &Self) -> bool {
        body::are_like(&self.query, &asked.query)
    }

    /// The name of the first field that differs.
    pub fn different_field(&self, asked: &Self) -> Option<&str> {
        let mut both = self.fields.iter().zip(&asked.fields);
        let different = both.find(|((_, recorded), (_, asked))| match (recorded, asked) {
            (Some(recorded), Some(asked)) => !is_like(recorded, asked),
            (None, None) => false,
            _ => true,
        });
        let different = different.map(|((name, _), _)| &name[..]);
        different.or_else(|| self.different_condition(asked))
    }

    /// A 304 is for clients that have the answer already, a 206 for those that want a part of it. Other answers are for all: who may
    /// get less takes all as well.
    fn different_condition(&self, asked: &Self) -> Option<&'static str> {
        if !self.is_conditional {
            return None;
        }
        let differs =
            |name: &&'static str| self.conditions.contains(name) != asked.conditions.contains(name);
        let range = (self.range != asked.range).then_some("range");
        CONDITIONS.into_iter().find(differs).or(range)
    }

    pub fn has_body_of(&self, asked: &Self) -> bool {
        self.body.is_like(&asked.body, &asked.raw)
    }

    /// `POST /orders?x=1 (22 bytes)`, with masks in the places of secrets: it goes into logs and to clients.
    pub fn shown(&self) -> String {
        let pair = |(name, value): &(Vec<u8>, Vec<u8>)| {
            let name = String::from_utf8_lossy(name);
            if USUAL.is_key(&name) {
                return format!("{name}={MASKED}");
            }
            let pair = format!("{name}={}", String::from_utf8_lossy(value));
            USUAL.url(&pair).into_owned()
        };
        let query: Vec<String> = self.query.iter().map(pair).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        let target: String = format!("{}{mark}{}", USUAL.url(&self.path), query.join("&"));
        let mut target = text::line(&target).into_owned();
        if target.len() > MOST_SHOWN {
            let cut = target.floor_char_boundary(MOST_SHOWN);
            target.truncate(cut);
            target.push('…');
        }
        let method = text::name(&self.method);
        let fields = self.fields.iter().filter_map(|(name, value)| {
            let value = USUAL.value(name.as_bytes(), value.as_deref()?);
            let value = String::from_utf8_lossy(&value);
            Some(format!("{name}: {}", text::name(&value)))
        });
        let body = (self.length > 0).then(|| format!("{} bytes", self.length));
        let more: Vec<String> = fields.chain(body).collect();
        match more.is_empty() {
            true => format!("{method} {target}"),
            false => format!("{method} {target} ({})", more.join(", ")),
        }
    }
}

fn joined(request: &Message, name: &str) -> Option<Vec<u8>> {
    let fields = request.fields.iter();
    let values = fields.filter(|field| field.name.eq_ignore_ascii_case(name));
    let values: Vec<&[u8]> = values.map(|field| &field.value[..]).collect();
    (!values.is_empty()).then(|| values.join(&b", "[..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::answers::Answers;
    use crate::record::data::Recorded;
    use crate::record::sample::{self, backend_step, content, field, response};

    fn request(target: &str, fields: &[(&str, &str)]) -> Message {
        let fields = fields.iter().map(|(name, value)| field(name, value));
        Message {
            line: StartLine::Request {
                method: "GET".to_owned(),
                target: target.to_owned(),
                authority: String::new(),
            },
            fields: fields.collect(),
            content: content(b""),
            trailers: Vec::new(),
        }
    }

    /// A tape on which this request was answered with this status.
    fn tape(request: Message, status: u16) -> Answers {
        let exchange = Recorded {
            request,
            steps: vec![backend_step(response(status, Vec::new(), b""))],
            ..sample::exchange()
        };
        Answers::new([exchange], AnswerRules::default())
    }

    #[test]
    fn what_is_shown_of_a_request_has_no_secrets() {
        let rules = AnswerRules {
            fields: vec!["authorization".to_owned(), "x-amz-target".to_owned()],
            ..AnswerRules::default()
        };
        let fields = [("Authorization", "hunter1"), ("x-amz-target", "List")];
        let target = "/a;token=hunter2?n=1&password=hunter3,hunter4&X%2DAmz-Signature=hunter5";
        let asked = Asked::now(&request(target, &fields), &rules);
        assert_eq!(
            asked.shown(),
            "GET /a;token=[masked]?X%2DAmz-Signature=[masked]&n=1&password=[masked] \
             (authorization: [masked], x-amz-target: List)"
        );
    }

    #[test]
    fn a_miss_tells_no_secrets_of_either_request() {
        let answers = tape(request("/a?sig=hunter1", &[]), 200);
        let asked = Asked::now(&request("/b?sig=hunter2", &[]), answers.rules());
        let why = answers.next(&asked).unwrap_err().to_string();
        assert!(why.contains("GET /b?sig=[masked]; nearest is"), "{why}");
        assert!(why.contains("GET /a?sig=[masked]: the path"), "{why}");
    }

    /// A status, the conditions of the request that it was recorded for and of one that comes, and whether that gets it.
    type Case = (u16, &'static [&'static str], &'static [&'static str], bool);

    const CASES: &[Case] = &[
        (304, &["if-none-match"], &["If-None-Match"], true),
        (304, &["if-none-match"], &[], false),
        (304, &["if-none-match"], &["if-modified-since"], false),
        (304, &["if-none-match"], &["if-none-match", "range"], false),
        (206, &["range"], &["range"], true),
        (206, &["range"], &[], false),
        (412, &["if-match"], &[], false),
        (416, &["range"], &[], false),
        // Some answer so without being asked to.
        (412, &[], &[], true),
        // All of it is an answer, too.
        (200, &[], &["range"], true),
        (200, &[], &["if-none-match"], true),
        (200, &["if-none-match"], &[], true),
    ];

    fn with_fields(names: &[&str], value: &str) -> Message {
        let mut request = request("/a", &[]);
        for &name in names {
            let value = if name == "range" { "bytes=0-9" } else { value };
            request.fields.push(field(name, value));
        }
        request
    }

    #[test]
    fn an_answer_to_conditions_or_a_range_is_one_to_requests_with_the_same_alone() {
        for &(status, recorded, asked, like) in CASES {
            let answers = tape(with_fields(recorded, "a"), status);
            let now = Asked::now(&with_fields(asked, "b"), answers.rules());
            let why = answers.next(&now).err().map(|none| none.to_string());
            let case = format!("{status} {recorded:?} {asked:?}: {why:?}");
            assert_eq!(why.is_none(), like, "{case}");
            assert!(why.is_none_or(|why| why.contains("the field ")), "{case}");
        }
    }

    #[test]
    fn a_part_of_an_answer_is_one_to_requests_for_the_same_part() {
        let range = |range| request("/a", &[("range", range)]);
        let answers = tape(range("bytes=0-9"), 206);
        for (asked, like) in [("bytes=0-9", true), ("bytes=10-19", false)] {
            let now = Asked::now(&range(asked), answers.rules());
            assert_eq!(answers.next(&now).is_ok(), like, "{asked}");
        }
    }
}
