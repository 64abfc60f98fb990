//! What is found, what is left, and that it never matters how a text is cut.

use super::*;

mod random;

/// The longest pattern is the beginning of a PEM block: its marker, and headers.
const MOST_HELD: usize = 640;

pub(super) const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
pub(super) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
pub(super) const PEM: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAvVmZ0kq3hN8pWb6cSx1yDfGhJkLzXcVbNmQwErTyUiOpAsDf\nGhJk+/Lz==\n-----END RSA PRIVATE KEY-----";

pub(super) fn scanner(form: Form) -> Scanner {
    let mut kinds = Kinds::default();
    Kind::ALL.into_iter().for_each(|kind| kinds.insert(kind));
    Scanner::new(kinds, form, Kind::ALL.map(|_| "[*]".to_owned()))
}

/// What becomes of a text in these pieces. No more may be held than the bound says.
pub(super) fn in_pieces<'a>(form: Form, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let (mut scanner, mut all) = (scanner(form), Vec::new());
    for piece in pieces {
        let mut out = Vec::new();
        match scanner.push(piece, &mut out) {
            Scanned::Unchanged => all.extend_from_slice(piece),
            Scanned::Changed => all.extend(out),
        }
        assert!(
            scanner.held.len() <= MOST_HELD,
            "{} held",
            scanner.held.len()
        );
    }
    scanner.end(&mut all);
    all
}

/// What becomes of a text, whole and byte by byte.
fn of(form: Form, text: &str) -> String {
    let whole = in_pieces(form, std::iter::once(text.as_bytes()));
    let bytes = in_pieces(form, text.as_bytes().chunks(1));
    assert_eq!(
        String::from_utf8_lossy(&whole),
        String::from_utf8_lossy(&bytes),
        "{text}"
    );
    String::from_utf8(whole).unwrap()
}

fn check(form: Form, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(of(form, text), *expected, "{text}");
    }
}

fn stays(form: Form, texts: &[&str]) {
    for text in texts {
        assert_eq!(of(form, text), *text);
    }
}

#[test]
fn keys_of_aws() {
    check(
        Form::Plain,
        &[
            (&format!("id={KEY_ID};"), "id=[*];"),
            (
                &format!("Credential={KEY_ID}/20260101/us-east-1/s3"),
                "Credential=[*]/20260101/us-east-1/s3",
            ),
            (KEY_ID, "[*]"),
            (
                &format!("AWS_SECRET_ACCESS_KEY={SECRET}"),
                "AWS_SECRET_ACCESS_KEY=[*]",
            ),
            (&format!("{SECRET}\n{SECRET}"), "[*]\n[*]"),
            // Not mixed, but its name says what it is.
            (
                "secret: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaZ",
                "secret: [*]",
            ),
        ],
    );
    let escaped = SECRET.replace('/', "\\/");
    check(
        Form::Json,
        &[(
            &format!("{{\"SecretAccessKey\":\"{escaped}\"}}"),
            "{\"SecretAccessKey\":\"[*]\"}",
        )],
    );
    stays(
        Form::Plain,
        &[
            "AKIAIOSFODNN7EXAMPL",
            "AKIAIOSFODNN7EXAMPLEX",
            "xAKIAIOSFODNN7EXAMPLE",
            "AKIAIOSFODNN7EXAMPLe",
            // A hash, a path, base64 with padding, and one character too many.
            "secret da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "/usr/share/doc/example/Some/Thing/else12",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY=",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEYx",
        ],
    );
}

#[test]
fn bearer_tokens() {
    check(
        Form::Plain,
        &[
            (
                "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.Zm9v_-~+/a== ok",
                "Authorization: Bearer [*] ok",
            ),
            ("BEARER\t 0123456789abcdef", "BEARER\t [*]"),
            (
                "\"Bearer abcdefgh/ijklmnopqrstuvwxyzabcdefg\"",
                "\"Bearer [*]\"",
            ),
            ("Bearer abcd\\/EFGHijklmnopq0\",", "Bearer [*]\","),
        ],
    );
    stays(
        Form::Plain,
        &[
            "Bearer token",
            "bearer of internationalization news",
            "Bearer",
            "Bearer 0123456789",
            "bearer\"0123456789abcdef0\"",
            "forbearer 0123456789abcdef0",
        ],
    );
}

#[test]
fn private_keys() {
    let pgp = "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\nlQOYBF0000000000000000000000000000000000\n-----END PGP PRIVATE KEY BLOCK-----";
    let old = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nlQOYBF0000000000000000000000000000000000\n-----END EC PRIVATE KEY-----";
    for key in [PEM, pgp, old] {
        check(
            Form::Plain,
            &[(&format!("a {key}\nb"), "a [*]\nb"), (key, "[*]")],
        );
        let json = key.replace('\n', "\\n").replace('/', "\\/");
        check(
            Form::Json,
            &[(
                &format!("{{\"key\": \"{json}\", \"x\": 1}}"),
                "{\"key\": \"[*]\", \"x\": 1}",
            )],
        );
        let nested = json.replace('\\', "\\\\");
        check(
            Form::Json,
            &[(
                &format!("\"{{\\\"key\\\":\\\"{nested}\\\"}}\""),
                "\"{\\\"key\\\":\\\"[*]\\\"}\"",
            )],
        );
        // On one line, as in a variable of the environment.
        check(
            Form::Plain,
            &[(&format!("KEY='{}'", key.replace('\n', " ")), "KEY='[*]'")],
        );
        // Cut off: what has come of it is gone all the same.
        let cut = &key[..key.len() - 20];
        check(
            Form::Plain,
            &[(&format!("{cut}\"rest"), "[*]\"rest"), (cut, "[*]")],
        );
    }
    let public = PEM.replace("RSA PRIVATE", "PUBLIC");
    stays(
        Form::Plain,
        &[
            &public,
            "-----BEGIN RSA PRIVATE KEY-----",
            "a key begins with -----BEGIN PRIVATE KEY----- and ends otherwise",
            "------ a line",
            "-----BEGIN",
        ],
    );
    // No more than any key has is dropped.
    let long = format!("{}{}", &PEM[..80], "a".repeat(100_000));
    let left = of(Form::Plain, &long).len();
    assert!((60_000..70_000).contains(&left), "{left}");
}

#[test]
fn a_key_in_an_event_stream_leaves_the_events_around_it() {
    let data = PEM.replace('\n', "\ndata: ");
    check(
        Form::Events,
        &[
            (
                &format!("data: {data}\n\ndata: next\n\n"),
                "data: [*]\ndata:\ndata:\ndata:\n\ndata: next\n\n",
            ),
            (
                &format!(
                    "data: {}\n\nevent: x\nid: 1\ndata: {{\"a\":1}}\n\n",
                    &data[..100]
                ),
                "data: [*]\ndata:\n\nevent: x\nid: 1\ndata:{\"a\":1}\n\n",
            ),
        ],
    );
    // Each line is an event of its own.
    let events = PEM.replace('\n', "\n\ndata: ");
    let out = of(Form::Events, &format!("data: {events}\n\ndata: next\n\n"));
    assert_eq!(
        out,
        "data: [*]\n\ndata:\n\ndata:\n\ndata:\n\ndata: next\n\n"
    );
}

#[test]
fn addresses() {
    check(
        Form::Plain,
        &[
            ("mail jane.doe+x@mail.example.co.uk, now", "mail [*], now"),
            ("a@b.de.", "[*]."),
            ("a@b.de-", "[*]-"),
            ("<x_y@ex-ample.org>", "<[*]>"),
            ("--a@b.de", "--[*]"),
            ("@me@social.example", "@[*]"),
            ("a@b@c.de", "a@[*]"),
            ("http://u:pw@host.example/x", "http://u:[*]/x"),
        ],
    );
    let long = format!("{}@b.de", "x".repeat(70));
    check(Form::Plain, &[(&long, "xxxxxx[*]")]);
    // An escape is no part of the name, and stays whole.
    check(
        Form::Json,
        &[
            (r#""a\nbob@b.de\tx""#, r#""a\n[*]\tx""#),
            (r#""\u00e9bob@b.de""#, r#""\u00e9[*]""#),
            (r#""\\nbob@b.de""#, r#""\\n[*]""#),
            (r#""\\""#, r#""\\""#),
        ],
    );
    stays(
        Form::Plain,
        &[
            "a@b",
            "a@b.c",
            "@b.de",
            "a.@b.de",
            "a@b..de",
            "a@-b.de",
            "a @b.de",
            "icon@2x.png",
            "react@18.2.0",
            "a@1.2.3.4",
            "a@",
            "x@[::1]",
        ],
    );
}

#[test]
fn card_numbers() {
    check(
        Form::Plain,
        &[
            ("4111111111111111", "[*]"),
            ("card 4111 1111 1111 1111.", "card [*]."),
            ("5500-0000-0000-0004!", "[*]!"),
            ("3782 822463 10005", "[*]"),
            ("4222222222222 x", "[*] x"),
            ("6304 0000 0000 0000 000", "[*]"),
            ("2223003122003222", "[*]"),
            ("123 4111 1111 1111 1111", "123 [*]"),
            ("4111 1111 1111 1111 7 items", "[*] 7 items"),
        ],
    );
    stays(
        Form::Plain,
        &[
            "4111111111111112",
            "4111111111111116",
            "4111 1111-1111 1111",
            "4111  1111 1111 1111",
            "41111111111111111111",
            "x4111111111111111",
            "4111111111111111x",
            "0.4111111111111111",
            "1764464400123456789",
            "9780306406157",
            "2019 2020 2021 2022",
            "40 00 00 00 00 00 00 02",
        ],
    );
}

#[test]
fn a_number_of_json_becomes_a_string_of_json() {
    check(
        Form::Json,
        &[
            (r#"{"a":4111111111111111}"#, r#"{"a":"[*]"}"#),
            (
                r#"{"a" : 4111111111111111, "b": 1}"#,
                r#"{"a" : "[*]", "b": 1}"#,
            ),
            (
                "[4111111111111111,\n4111111111111111]",
                "[\"[*]\",\n\"[*]\"]",
            ),
            ("4111111111111111", "\"[*]\""),
            (r#"{"a":"x\",4111111111111111,"}"#, r#"{"a":"x\",[*],"}"#),
            (r#"{"a":"4111111111111111"}"#, r#"{"a":"[*]"}"#),
        ],
    );
    check(
        Form::Events,
        &[
            ("data: 4111111111111111\n\n", "data: [*]\n\n"),
            (
                "data: \"odd\ndata: {\"a\": 4111111111111111}\n\n",
                "data: \"odd\ndata: {\"a\": \"[*]\"}\n\n",
            ),
        ],
    );
    check(Form::Plain, &[("a, 4111111111111111", "a, [*]")]);
}

#[test]
fn only_what_could_be_needed_is_held() {
    for (text, held) in [
        ("All is said. ", 0),
        ("data: {\"a\": \"b\"}\n\n", 0),
        ("some wor", 3),
        ("in 20", 2),
        ("a@b", 3),
        ("x -", 1),
        ("x 4111 1111 ", 10),
        ("Bearer abc", 10),
        (&"a".repeat(1000), 64),
        (&format!("{PEM}\n"), 0),
        (&PEM[..100], 0),
        (&PEM[..40], 40),
    ] {
        let (mut scanner, mut out) = (scanner(Form::Plain), Vec::new());
        scanner.push(text.as_bytes(), &mut out);
        assert_eq!(scanner.held.len(), held, "{text}");
    }
    // Without a kind, nothing is held for it.
    let mut kinds = Kinds::default();
    kinds.insert(Kind::CardNumber);
    let mut scanner = Scanner::new(kinds, Form::Plain, Kind::ALL.map(|_| String::new()));
    let mut out = Vec::new();
    assert_eq!(
        scanner.push(b"word bearer AKIA x@y ", &mut out),
        Scanned::Unchanged
    );
    assert_eq!(scanner.push(b"1 4111", &mut out), Scanned::Changed);
    assert_eq!(
        (out.as_slice(), scanner.held.as_slice()),
        (&b"1 "[..], &b"4111"[..])
    );
}
