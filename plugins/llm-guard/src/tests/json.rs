//! The reader of JSON: what it takes is what serde_json takes, and what it writes is what serde_json reads.

use crate::json::{parse, quote, splice};
use crate::scan::tests::Random;

#[test]
fn it_takes_what_another_reader_takes() {
    let cases = [
        "{}",
        "[]",
        " [1, -2.5e+3,\t0 ] ",
        "\"\\u0041\\n\\/\"",
        "null",
        "true",
        "false",
        "{\"a\":{\"b\":[{}]}}",
        "",
        "{",
        "[1,]",
        "[,1]",
        "{\"a\":1,}",
        "{\"a\"}",
        "01",
        "1.",
        "-",
        "+1",
        ".5",
        "1e",
        "\"\n\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"a",
        "nul",
        "{} x",
        "[1 2]",
        "{a:1}",
        "'a'",
        "\"\\u00g0\"",
        "[\"é\", \"\u{7f}\"]",
        "\u{feff}{}",
    ];
    for case in cases {
        let other = serde_json::from_str::<serde_json::Value>(case);
        assert_eq!(parse(case).is_ok(), other.is_ok(), "{case:?}");
    }
    assert!(
        parse(&"[".repeat(1_000_000))
            .unwrap_err()
            .ends_with("it is nested too deeply")
    );
    assert!(
        parse("{\"a\":1,\"\\u0061\":2}")
            .unwrap_err()
            .ends_with("an object has a name twice")
    );
}

#[test]
fn strings_survive() {
    let mut random = Random::new(7);
    let letters = [
        'a', '"', '\\', '\n', '\r', '\t', '\u{1}', 'é', '😀', '/', '\u{2028}', '\u{7f}',
    ];
    for _ in 0..2000 {
        let text: String = (0..random.below(12))
            .map(|_| letters[random.below(letters.len())])
            .collect();
        assert_eq!(serde_json::from_str::<String>(&quote(&text)).unwrap(), text);
        let other = serde_json::to_string(&text).unwrap();
        assert_eq!(parse(&other).unwrap().text(), Some(text.as_str()));
    }
    assert_eq!(parse("\"\\ud83d\\ude00\"").unwrap().text(), Some("😀"));
    // Half of a pair stays half of a pair.
    let half = parse("\"x\\ud83d\\n\"").unwrap();
    assert_eq!(quote(half.text().unwrap()), "\"x\\ud83d\\n\"");
}

#[test]
fn splices_leave_the_rest() {
    let mut edits = vec![(4..5, "YY".to_owned()), (1..2, String::new())];
    assert_eq!(splice(b"abcdef", &mut edits), b"acdYYf");
}
