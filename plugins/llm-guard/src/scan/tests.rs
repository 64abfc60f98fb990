//! Scans of text in pieces: the same as of the whole, and the same as another engine's.

use std::rc::Rc;

use regex_automata::nfa::thompson::{self, pikevm::PikeVM};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

use super::*;

const REDACT: Action = Action::Redact;

/// A generator of numbers that is the same each time (xorshift).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

fn patterns(regexes: &[(&str, Option<usize>)]) -> Rc<Patterns> {
    let mut patterns = Patterns::new("<>");
    for (number, (regex, max)) in regexes.iter().enumerate() {
        patterns
            .add_regex(&format!("p{number}"), regex, *max, REDACT)
            .unwrap();
    }
    Rc::new(patterns)
}

fn ready() -> Rc<Patterns> {
    let mut patterns = Patterns::new("<>");
    patterns.add_keyword("Straße 7", "street", REDACT).unwrap();
    patterns.add_keyword("nightingale", "bird", REDACT).unwrap();
    patterns.add_secrets(REDACT).unwrap();
    patterns.add_cards(REDACT).unwrap();
    Rc::new(patterns)
}

fn whole(patterns: &Rc<Patterns>, text: &str) -> String {
    Scan::new(patterns).whole(text, Kind::Plain)
}

fn json(patterns: &Rc<Patterns>, text: &str) -> String {
    Scan::new(patterns).whole(text, Kind::Json)
}

/// In pieces that end at these characters.
fn in_pieces(
    patterns: &Rc<Patterns>,
    text: &str,
    kind: Kind,
    cuts: impl Fn(usize) -> bool,
) -> String {
    let mut scan = Scan::new(patterns);
    let mut state = Text::new(kind);
    let (mut out, mut piece) = (String::new(), String::new());
    for (number, one) in text.chars().enumerate() {
        piece.push(one);
        if cuts(number) {
            out += &scan.push(&mut state, &std::mem::take(&mut piece), false);
        }
        let most = 2 * patterns.longest + 16 + piece.len();
        assert!(
            state.held.len() <= most,
            "{} symbols are held",
            state.held.len()
        );
    }
    out + &scan.push(&mut state, &piece, true)
}

#[test]
fn secrets_are_found() {
    let found = ready();
    let key = "sk-abcdefghijklmnopqrstuvwx";
    let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAKj34GkxFhD9\nAoGBAL8=\n-----END RSA PRIVATE KEY-----";
    let cases = [
        ("a AKIAIOSFODNN7EXAMPLE b", "a <> b"),
        ("xAKIAIOSFODNN7EXAMPLE", "xAKIAIOSFODNN7EXAMPLE"),
        (key, "<>"),
        (&format!("({key}{}) end", key.repeat(100)), "(<>) end"),
        (
            "Authorization: Bearer abcdefghijklmnopqrstuvwxyz==.",
            "Authorization: <>.",
        ),
        (&format!("key:\n{pem}\nend"), "key:\n<>\nend"),
        (&format!("key: {}.", pem.replace('\n', "\\n")), "key: <>."),
        (
            "It begins with -----BEGIN PRIVATE KEY-----. Then",
            "It begins with -----BEGIN PRIVATE KEY-----. Then",
        ),
        (
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3In0.c2lnbmF0dXJlMTIz ok",
            "<> ok",
        ),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "<>"),
        (
            "aws_secret_access_key = wJalrXUtnFEMIaK7MDENGabPxRfiCYEXAMPLEKEY",
            "<>",
        ),
        ("in NIGHTINGALE, nightingales", "in <>, nightingales"),
        ("STRASSE 7, STRAßE 7", "STRASSE 7, <>"),
    ];
    for (text, expected) in cases {
        assert_eq!(whole(&found, text), expected);
        for length in 1..5 {
            assert_eq!(
                in_pieces(&found, text, Kind::Plain, |at| at % length == 0),
                expected,
                "{text} by {length}"
            );
        }
    }
}

#[test]
fn cards_have_a_check_digit_and_stand_alone() {
    let found = ready();
    for card in [
        "4111111111111111",
        "4111 1111 1111 1111",
        "5500-0000-0000-0004",
        "378282246310005",
        "6011000990139424",
    ] {
        assert_eq!(
            whole(&found, &format!("pay {card} now")),
            "pay <> now",
            "{card}"
        );
        assert_eq!(whole(&found, card), "<>");
    }
    for none in [
        "4111111111111112",
        "94111111111111111",
        "41111111111111110",
        "1234567812345670",
        "2026-11-30 01:17:25",
    ] {
        assert_eq!(whole(&found, none), none);
    }
}

#[test]
fn matches_that_overlap_leave_nothing() {
    let found = patterns(&[("abcd", None), ("cdef", None), ("efg+", Some(8))]);
    assert_eq!(whole(&found, "xabcdefggggggggggggggx"), "x<>x");
    assert_eq!(whole(&found, "abcdabcd"), "<><>");
    let mut scan = Scan::new(&found);
    assert_eq!(scan.whole("abcdef abcd", Kind::Plain), "<> <>");
    assert_eq!(scan.redacted, [2, 0, 0]);
}

#[test]
fn only_what_could_still_match_is_held() {
    let found = patterns(&[("abcd", None), (r"\bend\b", None)]);
    let mut scan = Scan::new(&found);
    let mut text = Text::new(Kind::Plain);
    let steps = [
        ("xyz", "xyz"),
        ("a", ""),
        ("b", ""),
        ("x", "abx"),
        ("abc", ""),
        ("d", ""),
        (" ", "<> "),
        ("end", ""),
        ("s", "ends"),
    ];
    for (piece, expected) in steps {
        let expected = if piece == "d" { "" } else { expected };
        assert_eq!(scan.push(&mut text, piece, false), expected, "{piece}");
    }
    assert_eq!(scan.push(&mut text, " end", true), " <>");
}

#[test]
fn a_match_without_an_end_is_eaten_in_bounded_room() {
    let found = patterns(&[("k[a-z]{3,}", Some(10))]);
    let text = format!("12k{}.34", "abc".repeat(5000));
    assert_eq!(whole(&found, &text), "12<>.34");
    assert_eq!(
        in_pieces(&found, &text, Kind::Plain, |at| at % 7 == 0),
        "12<>.34"
    );
    // What needs more than its bound before it is a match is none.
    let found = patterns(&[("k[a-z]*!", Some(10))]);
    assert_eq!(whole(&found, "kabcdefgh! kabcdefghi!"), "<> kabcdefghi!");
}

#[test]
fn json_is_read_through_its_escapes_and_stays_json() {
    let found = ready();
    let cases = [
        (r#"{"a":"\u0041KIAIOSFODNN7EXAMPLE"}"#, r#"{"a":"<>"}"#),
        (
            r#"{"a":"\nnightingale\"b\\nightingale\u00e9"}"#,
            r#"{"a":"\n<>\"b\\nightingale\u00e9"}"#,
        ),
        (
            r#"{"card": 4111111111111111, "b":"4111111111111111"}"#,
            r#"{"card": "<>", "b":"<>"}"#,
        ),
        (
            r#"{"a":"4111 1111","b":" 1111 1111"}"#,
            r#"{"a":"4111 1111","b":" 1111 1111"}"#,
        ),
        (
            r#"{"a":"\ud83d\ude00 \/ \uD83D"}"#,
            r#"{"a":"\ud83d\ude00 \/ \uD83D"}"#,
        ),
        (r#"{"a":"\u00"#, r#"{"a":"\u00"#),
        (r#"{"a":"\u00zz\"}"#, r#"{"a":"\u00zz\"}"#),
    ];
    for (text, expected) in cases {
        assert_eq!(json(&found, text), expected);
        for length in 1..5 {
            assert_eq!(
                in_pieces(&found, text, Kind::Json, |at| at % length == 0),
                expected,
                "{text} by {length}"
            );
        }
    }
}

#[test]
fn no_match_reaches_over_the_quotes_of_json() {
    let found = patterns(&[("a.{0,20}b", None), ("[^x]{30}", None)]);
    let text = r#"{"p":"a","q":"b","r":"a\"b","s":[1,"a"],"t":"b"}"#;
    assert_eq!(json(&found, text), text.replace("a\\\"b", "<>"));
    assert_eq!(whole(&found, "a\",\"b"), "<>");
}

#[test]
fn a_halting_pattern_halts_at_once() {
    let mut all = Patterns::new("<>");
    all.add_keyword("stop", "it", Action::Halt).unwrap();
    let mut scan = Scan::new(&Rc::new(all));
    let mut text = Text::new(Kind::Plain);
    assert_eq!(scan.push(&mut text, "do not sto", false), "do not ");
    assert_eq!(scan.halted, None);
    let _ = scan.push(&mut text, "p!", false);
    assert_eq!(scan.halted, Some(0));
}

#[test]
fn regexes_that_cannot_be_scanned_are_refused() {
    let cases = [
        (
            "a+",
            None,
            "its longest match has no bound: bound its repetitions, such as {1,64} in place of +, or set max to how many characters may be held back",
        ),
        ("a*", Some(5), "it matches the empty text"),
        (r"\b", None, "it matches the empty text"),
        (
            "a{20000}",
            None,
            "it could hold back 20000 characters: 10000 are the most; set max",
        ),
        (
            "(a{100}){300}",
            Some(100),
            "it is too large: its repetitions make more than 20000 states",
        ),
        ("(a", None, "unclosed group"),
        ("[ä]", None, "Unicode not allowed here"),
        (r"(?-u:\xff)", None, "it names bytes that are not UTF-8"),
    ];
    for (regex, max, expected) in cases {
        let refused = Patterns::new("").add_regex("x", regex, max, REDACT);
        assert_eq!(refused, Err(expected.to_owned()), "{regex}");
    }
}

/// All places that some match covers, by another engine: each start with each end.
fn covered(regexes: &[(&str, Option<usize>)], text: &str) -> Vec<bool> {
    let mut covered = vec![false; text.len()];
    for (regex, _) in regexes {
        let vm = PikeVM::builder()
            .configure(PikeVM::config().match_kind(MatchKind::All))
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .thompson(thompson::Config::new().utf8(false))
            .build(regex)
            .unwrap();
        let mut cache = vm.create_cache();
        for start in 0..text.len() {
            // The longest from here: as far as any from here reaches.
            let input = Input::new(text).range(start..).anchored(Anchored::Yes);
            if let Some(found) = vm.find(&mut cache, input) {
                covered[start..found.end()].fill(true);
            }
        }
    }
    covered
}

#[test]
fn what_goes_on_is_what_no_match_covers_however_it_is_cut() {
    let sets: [&[(&str, Option<usize>)]; 6] = [
        &[("ab{1,3}c", None), ("bb", None)],
        &[(r"\ba[bc]{2,4}\b", None), ("c(?:ab|ba){1,2}", None)],
        &[("a(?:b|ca*)*c", Some(64)), ("(?i)BA a", None)],
        &[("^a.c", None), ("a$", None), ("[^ab]{3}", None)],
        &[("(?m:^b)|(?:aa|bb|cc)a?", None), (r"\Bab\B", None)],
        &[("c+b", Some(64)), (" a{2,}", Some(64)), ("b.{0,5}?b", None)],
    ];
    let mut random = Random::new(1);
    for round in 0..3000 {
        let set = sets[round % sets.len()];
        let found = patterns(set);
        let text: String = (0..random.below(60))
            .map(|_| ['a', 'b', 'c', ' ', 'a', 'b', '\n'][random.below(7)])
            .collect();
        let covered = covered(set, &text);
        let kept: String = text
            .chars()
            .zip(&covered)
            .filter(|(_, covered)| !**covered)
            .map(|(one, _)| one)
            .collect();
        let at_once = whole(&found, &text);
        assert_eq!(at_once.replace("<>", ""), kept, "{set:?} in {text:?}");
        let seed: Vec<bool> = (0..text.len()).map(|_| random.below(3) == 0).collect();
        assert_eq!(
            in_pieces(&found, &text, Kind::Plain, |at| seed[at]),
            at_once,
            "{set:?} in {text:?}"
        );
    }
}
