//! Documents that come in parts: what comes out is what comes out of the whole, and nothing is held that need not be.

use super::*;
use crate::document::tests::{JSON, XML};
use crate::document::{LONGEST_DOCUMENT, LONGEST_TEXT, Syntax, swap};
use crate::find::tests::all;

fn api(service: &str) -> Api<'_> {
    Api {
        service,
        is_answer: true,
    }
}

/// What goes on with each part, and at the end.
fn flow<'p>(service: &str, parts: impl IntoIterator<Item = &'p [u8]>) -> Vec<Vec<u8>> {
    let names = all();
    let mut stream = Stream::new();
    let mut outs = Vec::new();
    for part in parts {
        let mut out = Vec::new();
        stream.push(&names, api(service), part, &mut out);
        assert!(stream.held.len() <= LONGEST_DOCUMENT + part.len());
        outs.push(out);
    }
    let mut out = Vec::new();
    stream.end(&names, api(service), &mut out);
    outs.push(out);
    outs
}

fn whole(service: &str, syntax: Syntax, text: &[u8]) -> Vec<u8> {
    swap(&all(), api(service), syntax, text).unwrap_or_else(|| text.to_vec())
}

fn syntax(text: &[u8]) -> Syntax {
    match text.trim_ascii_start().first() {
        Some(b'{' | b'[' | b'"') => Syntax::Json,
        Some(b'<') => Syntax::Xml,
        _ => Syntax::Text,
    }
}

/// Checks that parts of any size give what the whole gives.
fn is_as_the_whole(service: &str, text: &[u8]) {
    let expected = whole(service, syntax(text), text);
    for size in [1, 2, 3, 7, 61, 1000, 40_000] {
        let came = flow(service, text.chunks(size)).concat();
        let shown =
            |text: &[u8]| String::from_utf8_lossy(&text[..text.len().min(2000)]).into_owned();
        assert!(
            came == expected,
            "in parts of {size}: {}\n{}",
            shown(&came),
            shown(&expected)
        );
    }
    if text.len() < 1000 {
        for cut in 0..text.len() {
            let came = flow(service, [&text[..cut], &text[cut..]]).concat();
            assert_eq!(came, expected, "cut at {cut}");
        }
    }
}

#[test]
fn parts_give_what_the_whole_gives() {
    for (service, backend, client) in JSON.iter().chain(XML).copied() {
        is_as_the_whole(service, backend.as_bytes());
        is_as_the_whole(service, client.as_bytes());
        let spaced = format!("  \n{backend}\r\n ");
        is_as_the_whole(service, spaced.as_bytes());
    }
    for text in [
        "",
        " ",
        "see arn:aws:s3:::b, http://h/123456789012/q and\n123456789012-x",
        "<a>\n <Account>123456789012</Account>\n<n> 123456789012-x </n></a>",
        "<a><![CDATA[ ]] ]>arn:aws:s3:::b]]></a>",
        "<a>&amp;arn:aws:s3:::b&am",
        "\u{feff}{}",
    ] {
        is_as_the_whole("x", text.as_bytes());
    }
}

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }

    fn json(&mut self, depth: u64) -> String {
        const KEYS: [&str; 14] = [
            "Name",
            "Value",
            "Values",
            "Key",
            "Account",
            "Item",
            "Token",
            "Region",
            "x",
            "Tags",
            "Responses",
            "arn:aws:s3:::b",
            "\\u0041ccount",
            "Owner",
        ];
        const TEXTS: [&str; 10] = [
            "123456789012",
            "us-east-1",
            "owner-id",
            "arn:aws:sqs:us-east-1:123456789012:q",
            "x\\n\\\"123456789012-x\\\\",
            "{\\\"Account\\\":\\\"123456789012\\\"}",
            "{\\\"Account\\\":\\\"123456789012\\\"",
            "FilterPolicy",
            "",
            "\\ud83d\\ude00 http:\\/\\/h\\/123456789012\\/q",
        ];
        let count = self.below(4);
        match self.below(if depth > 5 { 2 } else { 5 }) {
            0 => format!("\"{}\"", self.of(&TEXTS)),
            1 => self
                .of(&["1", "-1.5e3", "true", "null", "123456789012"])
                .to_owned(),
            2 => {
                let values: Vec<_> = (0..count).map(|_| self.json(depth + 1)).collect();
                format!("[{}]", values.join(self.of(&[",", " , "])))
            }
            _ => {
                let pair = |random: &mut Self| {
                    let (key, colon) = (random.of(&KEYS), random.of(&[":", " : "]));
                    format!("\"{key}\"{colon}{}", random.json(depth + 1))
                };
                let pairs: Vec<_> = (0..count).map(|_| pair(self)).collect();
                format!("{{{}}}", pairs.join(","))
            }
        }
    }
}

#[test]
fn any_json_in_parts_gives_what_the_whole_gives() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut changed = 0;
    for _ in 0..3000 {
        let text = format!("[{}]", random.json(0));
        for service in ["x", "dynamodb"] {
            let expected = whole(service, Syntax::Json, text.as_bytes());
            changed += u32::from(expected != text.as_bytes());
            let size = usize::try_from(1 + random.below(20)).unwrap();
            let came = flow(service, text.as_bytes().chunks(size)).concat();
            assert_eq!(
                String::from_utf8_lossy(&came),
                String::from_utf8_lossy(&expected),
                "{text}"
            );
            // What was swapped comes back.
            assert_eq!(flow(service, came.chunks(size)).concat(), text.as_bytes());
        }
    }
    assert!(changed > 1000, "{changed}");
}

#[test]
fn values_in_a_row_are_looked_at_each() {
    let line = r#"{"Account":"123456789012"}"#;
    let text = format!("{line}\n{line}\r\n\u{1e}{line}\n[1]");
    let came = flow("x", text.as_bytes().chunks(5)).concat();
    let expected = text.replace("123456789012", "111122223333");
    assert_eq!(String::from_utf8(came).unwrap(), expected);
}

/// A service, what comes, and what goes on with each part and at the end.
const STEPS: &[(&str, &[&str], &[&str])] = &[
    (
        "x",
        &["{\"Account\":\"123456789012\"}\n", "{}\n"],
        &["{\"Account\":\"111122223333\"}\n", "{}\n", ""],
    ),
    (
        "x",
        &["[{\"a\":12", "34},\"arn:aws:s3:", "::b\","],
        &["[{\"a\":12", "34},", "\"arn:aws-cn:s3:::b\",", ""],
    ),
    (
        "sqs",
        &["{\"MessageBody\":\"arn:", "aws:s3", "::b\\", "\"\"}"],
        &["{\"MessageBody\":\"arn:", "aws:s3", "::b", "\\\"\"}", ""],
    ),
    // A value waits for the name beside it, and nothing else does.
    (
        "x",
        &[
            "[1,{\"Values\":[\"123456789012\"],",
            "\"Name\":\"owner-id\"",
            "}",
        ],
        &[
            "[1,{\"Values\":",
            "[\"111122223333\"],\"Name\":\"owner-id\"",
            "}",
            "",
        ],
    ),
    (
        "x",
        &[
            "{\"Name\":\"owner-id\",\"Values\":[\"123456789012\",",
            "1]}",
        ],
        &[
            "{\"Name\":\"owner-id\",\"Values\":[\"111122223333\",",
            "1]}",
            "",
        ],
    ),
    // S3 sends white space while it works.
    (
        "s3",
        &[
            "<?xml version='1.0'?>\n",
            "  ",
            " ",
            "<R><Location>http://h/b-123456789012",
            "/k</Location></R>",
        ],
        &[
            "<?xml version='1.0'?>",
            "\n ",
            " ",
            " <R><Location>",
            "http://h/b-111122223333/k</Location></R>",
            "",
        ],
    ),
    (
        "x",
        &["line of 123456789012-x\nand arn:aws:s3:", "::b\n"],
        &["line of 111122223333-x\nand ", "arn:aws-cn:s3:::b\n", ""],
    ),
];

#[test]
fn what_is_decided_goes_on_at_once() {
    for (service, parts, expected) in STEPS {
        let outs = flow(service, parts.iter().map(|part| part.as_bytes()));
        let outs = outs.into_iter().map(|out| String::from_utf8(out).unwrap());
        assert_eq!(outs.collect::<Vec<_>>(), *expected);
    }
}

#[test]
fn long_texts_are_looked_at_in_windows() {
    let arn = "arn:aws:sqs:us-east-1:123456789012:q";
    let words = format!("word, {arn} 123456789012-x and more. ").repeat(20_000);
    let blob = "0123456789abcdef".repeat(LONGEST_TEXT / 8);
    let near_the_cut = format!("{}:{arn}/{blob}", &blob[..LONGEST_TEXT - 280]);
    let arns = format!("{arn}/").repeat(5000);
    // An account in front of a text is one, and not behind a space.
    let accounts = "123456789012:function:f, ".repeat(6000);
    let escaped = words.replace(' ', "\\n\\u0020\\\"");
    for text in [
        words.clone(),
        format!("{{\"Account\":1,\"Text\":\"{words}\",\"Region\":\"us-east-1\"}}"),
        format!("[\"{escaped}\",\"{blob}\"]"),
        format!("<a><T>{words}</T><T><![CDATA[{words}]]></T><T>&lt;{words}&gt;</T></a>"),
        format!("<a><T>{blob}</T>{words}<Account>123456789012</Account></a>"),
        format!("[\"{near_the_cut}\"]"),
        format!("[\"{arns}\",\"{accounts}\"]"),
        format!("<a><T>{arns}</T><T>{accounts}</T></a>"),
    ] {
        let expected = whole("x", syntax(text.as_bytes()), text.as_bytes());
        assert!(expected != text.as_bytes());
        for size in [977, 70_001] {
            let names = all();
            let mut stream = Stream::new();
            let mut came = Vec::new();
            for part in text.as_bytes().chunks(size) {
                stream.push(&names, api("x"), part, &mut came);
                assert!(
                    stream.held.len() <= LONGEST_TEXT + size + 1,
                    "{}",
                    stream.held.len()
                );
            }
            stream.end(&names, api("x"), &mut came);
            let differs = came
                .iter()
                .zip(&expected)
                .position(|(came, expected)| came != expected);
            assert!(
                came == expected,
                "at {differs:?} in parts of {size}: {:.80}",
                text
            );
        }
    }
}

#[test]
fn a_payload_of_any_length_is_not_held() {
    let names = all();
    let mut stream = Stream::new();
    let mut came = Vec::new();
    let mut push = |part: &[u8]| {
        stream.push(&names, api("lambda"), part, &mut came);
        assert!(stream.held.len() < 100);
    };
    push(br#"{"Code":{"ZipFile":""#);
    for _ in 0..1000 {
        push(&[b'A'; 10_000]);
    }
    push(br#""},"Role":"arn:aws:iam::123456789012:role/r"}"#);
    assert!(came.ends_with(br#"A"},"Role":"arn:aws-cn:iam::111122223333:role/r"}"#));
    assert_eq!(
        came.iter().filter(|byte| **byte == b'A').count(),
        10_000_000
    );
}

#[test]
fn a_value_does_not_wait_for_its_name_for_ever() {
    let many = "\"arn:aws:s3:::b\",".repeat(20_000);
    let text = format!("{{\"Values\":[{many}0],\"Name\":\"x\"}}");
    let came = flow("x", text.as_bytes().chunks(1000));
    let expected = text.replace("arn:aws:", "arn:aws-cn:");
    assert!(came.concat() == expected.as_bytes());
    let first = came.iter().position(|out| out.len() > 20).unwrap();
    assert!(first <= LONGEST_TEXT / 1000 + 1, "{first}");
}

#[test]
fn what_is_malformed_goes_on_as_it_is_from_there() {
    let text = r#"{"Account":"123456789012"} x {"Account":"123456789012"}"#;
    let came = flow("x", text.as_bytes().chunks(3)).concat();
    let expected = text.replacen("123456789012", "111122223333", 1);
    assert_eq!(String::from_utf8(came).unwrap(), expected);
    for text in [
        "[".repeat(100_000),
        "<a>".repeat(100_000),
        "[\"\\".to_owned(),
    ] {
        let came = flow("x", text.as_bytes().chunks(1000)).concat();
        assert!(came == text.as_bytes());
    }
}

#[test]
fn of_s3_only_errors_are_swapped() {
    let arn = "<Message>arn:aws:s3:::b</Message><Bucket>b-123456789012</Bucket>";
    for (begin, is_error) in [
        ("<Error>", true),
        ("<?xml version='1.0'?>\n<Error >", true),
        ("<!-- x --><Error>", true),
        ("<Errors>", false),
        ("<html>", false),
        ("Error", false),
        ("{}", false),
    ] {
        let text = format!("{begin}{arn}");
        for size in [1, 5, 1000] {
            let names = all();
            let mut stream = Stream::of_s3_error();
            let mut came = Vec::new();
            for part in text.as_bytes().chunks(size) {
                stream.push(&names, api("s3"), part, &mut came);
            }
            stream.end(&names, api("s3"), &mut came);
            let is_swapped = came.ends_with(b"<Bucket>b-111122223333</Bucket>");
            assert_eq!(is_swapped, is_error, "{begin} {size}");
            assert_eq!(is_swapped, came != text.as_bytes());
        }
    }
}
