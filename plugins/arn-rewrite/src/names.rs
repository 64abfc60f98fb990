//! Finding names in text and swapping them: a scanner over bytes, no decoding.
//!
//! A name counts where it stands alone: neither side may be a letter, digit, `-` or `_`. Percent-escapes count as what
//! they stand for, so `arn%3Aaws%3Asqs%3Aus-east-1%3A123456789012%3Aq` is read without being decoded, and a UUID, a
//! bucket named `logs-123456789012` or a longer number are left alone.

use crate::body::Syntax;

/// One name on the client's and on the backend's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) client: String,
    pub(crate) backend: String,
}

/// What is swapped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// Twelve digits: in ARNs, queue URLs, owners and principals.
    pub(crate) account: Option<Pair>,
    /// `us-east-1`: in ARNs, credential scopes, host names, availability zones (`us-east-1a`).
    pub(crate) region: Option<Pair>,
    /// `aws`: in ARNs alone.
    pub(crate) partition: Option<Pair>,
}

impl Names {
    pub(crate) fn is_empty(&self) -> bool {
        self.account.is_none() && self.region.is_none() && self.partition.is_none()
    }

    /// The text with all names swapped; none if it has none of them.
    pub(crate) fn swap(&self, text: &[u8], syntax: Syntax) -> Option<Vec<u8>> {
        let mut swapped = Vec::new();
        let mut done = 0;
        let mut quotes = Quotes::new(syntax);
        for at in 0..text.len() {
            let quoted = quotes.pass(text[at]);
            if at < done {
                continue;
            }
            if let Some((from, len, name)) = self.name_at(text, at, syntax, quoted) {
                swapped.extend_from_slice(&text[done..from]);
                swapped.extend_from_slice(name.as_bytes());
                done = from + len;
            }
        }
        if done == 0 {
            return None;
        }
        swapped.extend_from_slice(&text[done..]);
        Some(swapped)
    }

    /// The name that begins a word here: where it is, how long, and what takes its place.
    fn name_at(
        &self,
        text: &[u8],
        at: usize,
        syntax: Syntax,
        quoted: bool,
    ) -> Option<(usize, usize, &str)> {
        match text[at] {
            // A bare number in JSON is a number, not an account.
            b'0'..=b'9' if quoted => self.account_at(text, at, syntax),
            b'a'..=b'z' => self
                .partition_at(text, at, syntax)
                .or_else(|| self.region_at(text, at, syntax)),
            _ => None,
        }
    }

    fn account_at(&self, text: &[u8], at: usize, syntax: Syntax) -> Option<(usize, usize, &str)> {
        let (name, other) = self.account.as_ref()?.at(&text[at..])?;
        let end = at + name.len();
        let in_number = |side: Option<&u8>, beyond: Option<&u8>| {
            side == Some(&b'.') && beyond.is_some_and(u8::is_ascii_digit)
        };
        let before = at.checked_sub(1).map(|before| &text[before]);
        let alone = before != Some(&b'.') && !in_number(text.get(end), text.get(end + 1));
        (alone && starts_word(text, at, syntax) && ends_word(text, end)).then_some((
            at,
            name.len(),
            other,
        ))
    }

    fn region_at(&self, text: &[u8], at: usize, syntax: Syntax) -> Option<(usize, usize, &str)> {
        let (name, other) = self.region.as_ref()?.at(&text[at..])?;
        let end = at + name.len();
        let zone = text.get(end).is_some_and(u8::is_ascii_lowercase) && ends_word(text, end + 1);
        (starts_word(text, at, syntax) && (zone || ends_word(text, end))).then_some((
            at,
            name.len(),
            other,
        ))
    }

    /// `arn:PARTITION:`, the colons perhaps escaped.
    fn partition_at(&self, text: &[u8], at: usize, syntax: Syntax) -> Option<(usize, usize, &str)> {
        let pair = self.partition.as_ref()?;
        let from = after_colon(text, at + text[at..].strip_prefix(b"arn").map(|_| 3)?)?;
        let (name, other) = pair.at(&text[from..])?;
        after_colon(text, from + name.len())?;
        starts_word(text, at, syntax).then_some((from, name.len(), other))
    }
}

impl Pair {
    /// The name that the text begins with, and the other one. Of `aws` and `aws-cn` the longer one counts.
    fn at(&self, text: &[u8]) -> Option<(&str, &str)> {
        let (client, backend) = (self.client.as_str(), self.backend.as_str());
        let sides = if client.len() >= backend.len() {
            [(client, backend), (backend, client)]
        } else {
            [(backend, client), (client, backend)]
        };
        sides
            .into_iter()
            .find(|(name, _)| text.starts_with(name.as_bytes()))
    }
}

/// Whether a byte stands in a JSON string; always, where the text is not JSON.
struct Quotes {
    json: bool,
    open: bool,
    escaped: bool,
}

impl Quotes {
    fn new(syntax: Syntax) -> Self {
        Self {
            json: syntax == Syntax::Json,
            open: false,
            escaped: false,
        }
    }

    fn pass(&mut self, byte: u8) -> bool {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.open => self.escaped = true,
            b'"' => self.open = !self.open,
            _ => {}
        }
        self.open || !self.json
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// The byte that the percent-escape at `at` stands for.
pub(crate) fn escape_at(text: &[u8], at: usize) -> Option<u8> {
    let [b'%', high, low] = text.get(at..at + 3)? else {
        return None;
    };
    let digit = |hex: &u8| char::from(*hex).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

fn starts_word(text: &[u8], at: usize, syntax: Syntax) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| text[before]) else {
        return true;
    };
    if let Some(escaped) = at.checked_sub(3).and_then(|from| escape_at(text, from)) {
        return !is_word(escaped);
    }
    let line_break =
        syntax == Syntax::Json && b"nrt".contains(&before) && at >= 2 && text[at - 2] == b'\\';
    line_break || !is_word(before)
}

fn ends_word(text: &[u8], end: usize) -> bool {
    match escape_at(text, end) {
        Some(escaped) => !is_word(escaped),
        None => text.get(end).is_none_or(|after| !is_word(*after)),
    }
}

/// Where the text goes on after a colon, if one is here.
fn after_colon(text: &[u8], at: usize) -> Option<usize> {
    match (text.get(at), escape_at(text, at)) {
        (Some(b':'), _) => Some(at + 1),
        (_, Some(b':')) => Some(at + 3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(client: &str, backend: &str) -> Option<Pair> {
        Some(Pair {
            client: client.into(),
            backend: backend.into(),
        })
    }

    fn all() -> Names {
        Names {
            account: pair("111122223333", "123456789012"),
            region: pair("eu-central-1", "us-east-1"),
            partition: pair("aws-cn", "aws"),
        }
    }

    fn swap(text: &str, syntax: Syntax) -> String {
        let swapped = all().swap(text.as_bytes(), syntax);
        let swapped = swapped.map_or(text.to_owned(), |bytes| String::from_utf8(bytes).unwrap());
        let again = all()
            .swap(swapped.as_bytes(), syntax)
            .unwrap_or_else(|| swapped.clone().into_bytes());
        assert_eq!(
            String::from_utf8(again).unwrap(),
            text,
            "a swap undoes itself"
        );
        swapped
    }

    #[test]
    fn names_are_swapped_where_they_stand_alone() {
        for (backend, client) in [
            (
                "arn:aws:sqs:us-east-1:123456789012:q",
                "arn:aws-cn:sqs:eu-central-1:111122223333:q",
            ),
            (
                "arn:aws:iam::123456789012:role/x",
                "arn:aws-cn:iam::111122223333:role/x",
            ),
            ("arn:aws:s3:::bucket/*", "arn:aws-cn:s3:::bucket/*"),
            (
                "arn:aws:sqs:*:123456789012:*",
                "arn:aws-cn:sqs:*:111122223333:*",
            ),
            (
                "arn:aws:apigateway:us-east-1:lambda:path/functions/arn:aws:lambda:us-east-1:123456789012:function:f/invocations",
                "arn:aws-cn:apigateway:eu-central-1:lambda:path/functions/arn:aws-cn:lambda:eu-central-1:111122223333:function:f/invocations",
            ),
            (
                "arn%3Aaws%3Asns%3Aus-east-1%3A123456789012%3At",
                "arn%3Aaws-cn%3Asns%3Aeu-central-1%3A111122223333%3At",
            ),
            (
                "arn%3aaws%3asns%3aus-east-1%3a123456789012",
                "arn%3aaws-cn%3asns%3aeu-central-1%3a111122223333",
            ),
            (
                "http://h:5000/123456789012/queue",
                "http://h:5000/111122223333/queue",
            ),
            (
                "QueueUrl=http%3A%2F%2Fh%2F123456789012%2Fq",
                "QueueUrl=http%3A%2F%2Fh%2F111122223333%2Fq",
            ),
            (
                "<Account>123456789012</Account>",
                "<Account>111122223333</Account>",
            ),
            ("&quot;123456789012&quot;", "&quot;111122223333&quot;"),
            (
                "123456789012.dkr.ecr.us-east-1.amazonaws.com",
                "111122223333.dkr.ecr.eu-central-1.amazonaws.com",
            ),
            ("account 123456789012.", "account 111122223333."),
            (
                "Credential=AKIA/20260101/us-east-1/s3/aws4_request",
                "Credential=AKIA/20260101/eu-central-1/s3/aws4_request",
            ),
            (
                "X-Amz-Credential=A%2F20260101%2Fus-east-1%2Fs3",
                "X-Amz-Credential=A%2F20260101%2Feu-central-1%2Fs3",
            ),
            ("<Zone>us-east-1a</Zone>", "<Zone>eu-central-1a</Zone>"),
            (
                "sqs.us-east-1.amazonaws.com",
                "sqs.eu-central-1.amazonaws.com",
            ),
        ] {
            assert_eq!(swap(backend, Syntax::Plain), client);
        }
    }

    #[test]
    fn what_only_looks_like_a_name_is_left_alone() {
        for text in [
            "",
            "1234567890123",
            "0123456789012",
            "12345678-1234-1234-1234-123456789012",
            "cdk-assets-123456789012-us-east-1",
            "x123456789012 _123456789012 123456789012x",
            "3.123456789012 123456789012.5",
            "%41123456789012 %30123456789012 123456789012%41",
            "us-east-10 xus-east-1 my-us-east-1 us-east-1-x us-east-1ab us-east-1_pool",
            "arn:awsome:x arn:aws-us-gov:x barn:aws:x arn:aws arn:aws%253A arn;aws:",
            "arn:aws-cnx:",
            "aws AWS aws-cn",
        ] {
            assert_eq!(swap(text, Syntax::Plain), text);
        }
    }

    #[test]
    fn numbers_in_json_are_numbers() {
        for (backend, client) in [
            (
                r#"{"n":123456789012,"s":"123456789012"}"#,
                r#"{"n":123456789012,"s":"111122223333"}"#,
            ),
            (
                r#"[123456789012, "\\", "\"123456789012"]"#,
                r#"[123456789012, "\\", "\"111122223333"]"#,
            ),
            (
                r#""{\"AWS\":\"123456789012\"}""#,
                r#""{\"AWS\":\"111122223333\"}""#,
            ),
            (
                r#"["a\nus-east-1","\\n-us-east-1"]"#,
                r#"["a\neu-central-1","\\n-us-east-1"]"#,
            ),
        ] {
            assert_eq!(swap(backend, Syntax::Json), client);
        }
    }

    #[test]
    fn only_what_is_set_is_swapped() {
        let account = Names {
            account: all().account,
            ..Names::default()
        };
        let swapped = account
            .swap(b"arn:aws:sqs:us-east-1:123456789012:q", Syntax::Plain)
            .unwrap();
        assert_eq!(swapped, b"arn:aws:sqs:us-east-1:111122223333:q");
        assert_eq!(account.swap(b"arn:aws:sqs:us-east-1:", Syntax::Plain), None);
        assert_eq!(Names::default().swap(b"123456789012", Syntax::Plain), None);
    }

    #[test]
    fn any_bytes_will_do() {
        let text = b"\xff\x00123456789012\xfe%".to_vec();
        assert_eq!(
            all().swap(&text, Syntax::Plain).unwrap(),
            b"\xff\x00111122223333\xfe%"
        );
    }
}
