//! Random texts with secrets in them.

use super::*;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn of(&mut self, characters: &str, count: usize) -> String {
        let characters = characters.as_bytes();
        (0..count)
            .map(|_| char::from(characters[self.below(characters.len())]))
            .collect()
    }

    fn cut<'a>(&mut self, text: &'a [u8], most: usize) -> Vec<&'a [u8]> {
        let (mut rest, mut pieces) = (text, Vec::new());
        while !rest.is_empty() {
            let length = (1 + self.below(most)).min(rest.len());
            let (piece, behind) = rest.split_at(length);
            pieces.push(piece);
            rest = behind;
        }
        pieces
    }
}

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const FORMS: [Form; 3] = [Form::Plain, Form::Json, Form::Events];

/// Parts of patterns and of what is around them: nonsense that comes near everything.
const PARTS: [&str; 40] = [
    "-----",
    "-",
    "BEGIN ",
    "END ",
    "PRIVATE KEY",
    "RSA ",
    "\n",
    "\r\n",
    " ",
    "  ",
    "bearer",
    "Bearer ",
    "@",
    ".",
    "..",
    "com",
    "a.de",
    "AKIA",
    "IOSFODNN7EXAMPLE",
    "/",
    "\\/",
    "\\",
    "\\\\",
    "\\n",
    "\\u00e9",
    "\\\"",
    "\"",
    ":",
    ",",
    "[",
    "4111",
    "1111",
    " 1111",
    "-1111",
    "=",
    "+",
    "data: ",
    "é",
    "secret",
    "\u{4e2d}",
];

#[test]
fn no_cut_changes_what_comes_out() {
    let mut random = Random(1);
    for round in 0..20_000 {
        let mut text = String::new();
        for _ in 0..1 + random.below(30) {
            match random.below(12) {
                0 => {
                    let count = random.below(80);
                    text += &random.of(BASE64, count);
                }
                1 => text += &random.of("0123456789", 1),
                2 => text += random.one(&[PEM, KEY_ID, SECRET, "a@b.de", "4111 1111 1111 1111"]),
                3 => text += &PEM[..random.below(PEM.len())],
                _ => text += random.one(&PARTS),
            }
        }
        let form = FORMS[round % 3];
        let whole = in_pieces(form, std::iter::once(text.as_bytes()));
        for most in [1, 7, 40, 200] {
            let pieces = random.cut(text.as_bytes(), most);
            let cut = in_pieces(form, pieces.iter().copied());
            assert!(whole == cut, "{text:?}\n{pieces:?}\n{whole:?}\n{cut:?}");
        }
    }
}

/// A secret, and what of it must not be seen.
fn secret(random: &mut Random) -> (String, String) {
    match random.below(6) {
        0 => {
            let id = format!("AKIA{}", random.of(&format!("{UPPER}234567"), 16));
            (id.clone(), id)
        }
        1 => {
            let key = random.of(BASE64, 40);
            (format!("aws_secret_access_key = {key}"), key)
        }
        2 => {
            let length = 32 + random.below(300);
            let token = random.of(&format!("{BASE64}-._~"), length);
            (format!("Bearer {token}"), token)
        }
        3 => {
            let line = random.of(BASE64, 64);
            let key =
                format!("-----BEGIN PRIVATE KEY-----\n{line}\n{line}\n-----END PRIVATE KEY-----");
            (key, line)
        }
        4 => {
            let length = 1 + random.below(35);
            let name = format!(
                "q{}",
                random.of("abcdefghijklmnopqrstuvwxyz0123456789._", length)
            );
            let address = format!(
                "{}@{}.example.com",
                name.trim_end_matches('.'),
                random.of("abcdefgh", 5)
            );
            (address.clone(), address)
        }
        _ => {
            let card = card(random);
            (card.clone(), card)
        }
    }
}

/// A card number of 13 to 19 digits, in groups or not.
fn card(random: &mut Random) -> String {
    let length = 13 + random.below(7);
    let body = format!("4{}", random.of("0123456789", length - 2));
    let digits = (b'0'..=b'9').map(|last| format!("{body}{}", char::from(last)));
    let is_valid = |number: &String| {
        let digits = number.bytes().rev().enumerate();
        let sum: u32 = digits
            .map(|(place, byte)| {
                let digit = u32::from(byte - b'0');
                let doubled = digit * 2;
                if place % 2 == 0 {
                    digit
                } else {
                    doubled / 10 + doubled % 10
                }
            })
            .sum();
        sum.is_multiple_of(10)
    };
    let number = digits.into_iter().find(is_valid).unwrap();
    let separator = random.one(&["", " ", "-"]);
    if length % 4 == 1 || length % 4 == 2 {
        return number;
    }
    let groups: Vec<&str> = (0..number.len())
        .step_by(4)
        .map(|at| &number[at..number.len().min(at + 4)])
        .collect();
    groups.join(separator)
}

const WORDS: [&str; 12] = [
    "The",
    "key",
    "of",
    "version 2.0.1",
    "costs 100 EUR,",
    "see https://example.com/a/b?c=d.",
    "(x)",
    "naïve",
    "\u{6587}\u{5b57}",
    "well-known",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "{\"a\": [1, 2.5e3]}",
];

#[test]
fn no_secret_survives_and_all_else_does() {
    let mut random = Random(2);
    for round in 0..20_000 {
        let (mut text, mut expected, mut secrets) = (String::new(), String::new(), Vec::new());
        for _ in 0..1 + random.below(12) {
            let separator = random.one(&[" | ", "\n", " \"", ", "]);
            if random.below(3) == 0 {
                let (with, hidden) = secret(&mut random);
                let shown = match with.starts_with("-----") {
                    true => "[*]".to_owned(),
                    false => with.replace(&hidden, "[*]"),
                };
                text += &format!("{with}{separator}");
                expected += &format!("{shown}{separator}");
                secrets.push(hidden);
            } else {
                let word = random.one(&WORDS);
                text += &format!("{word}{separator}");
                expected += &format!("{word}{separator}");
            }
        }
        let pieces = random.cut(text.as_bytes(), [1, 5, 30, 1000][round % 4]);
        let out = String::from_utf8(in_pieces(Form::Plain, pieces.into_iter())).unwrap();
        assert_eq!(out, expected, "{text}");
        for secret in secrets {
            assert!(!out.contains(&secret), "{secret} in {out}");
        }
    }
}

#[test]
fn text_without_secrets_stays_as_it_is() {
    let mut random = Random(3);
    for round in 0..5_000 {
        let count = 1 + random.below(40);
        let text: String = (0..count)
            .map(|_| format!("{} ", random.one(&WORDS)))
            .collect();
        let mut scanner = scanner(FORMS[round % 3]);
        let mut out = Vec::new();
        // It ends with a space, so nothing is held, and no byte is copied.
        assert_eq!(
            scanner.push(text.as_bytes(), &mut out),
            Scanned::Unchanged,
            "{text}"
        );
        let pieces = random.cut(text.as_bytes(), 20);
        assert_eq!(
            in_pieces(FORMS[round % 3], pieces.into_iter()),
            text.as_bytes()
        );
    }
}
