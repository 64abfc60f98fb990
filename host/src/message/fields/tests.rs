//! Fields as they are looked up, edited and written.

use http::HeaderMap;

use super::*;

/// A head's fields, as a codec gives them.
fn parsed(head: &'static str) -> Fields {
    let mut lines = Lines::new();
    let mut at = 0;
    for line in head.split_inclusive("\r\n") {
        let colon = line.find(':').unwrap();
        let value = line[colon + 1..].trim();
        let start = at + colon + 1 + line[colon + 1..].find(value).unwrap();
        let known = Known::of(&line.as_bytes()[..colon]);
        lines.push(
            (at, at + line.len()),
            colon,
            (start, start + value.len()),
            known,
        );
        at += line.len();
    }
    Fields::of_head(head.as_bytes(), lines)
}

fn written(fields: &Fields) -> String {
    let mut out = Vec::new();
    fields.write_to(&mut out);
    String::from_utf8(out).unwrap()
}

const HEAD: &str = "Host: a\r\nX-One:1 \r\nx-two: 2\r\nX-ONE:  3\r\nAccept:\r\n";

#[test]
fn what_nobody_touches_goes_on_as_it_came() {
    let fields = parsed(HEAD);
    assert_eq!(written(&fields), HEAD);
    assert_eq!(fields.get("host"), Some(&b"a"[..]));
    assert_eq!(fields.get(Known::Host), Some(&b"a"[..]));
    assert_eq!(fields.get(http::header::HOST), Some(&b"a"[..]));
    assert_eq!(fields.get("accept"), Some(&b""[..]));
    assert_eq!(fields.get("nothing"), None);
    let both: Vec<_> = fields.get_all("x-One").collect();
    assert_eq!(both, [b"1", b"3"]);
    assert_eq!(fields.most_bytes(), HEAD.len());
    let mut out = Vec::new();
    fields.write_without(Known::Accept.bit() | Known::Date.bit(), &mut out);
    assert_eq!(out, &HEAD.as_bytes()[..HEAD.len() - "Accept:\r\n".len()]);
}

#[test]
fn edits_are_made_in_place() {
    let mut fields = parsed(HEAD);
    fields.insert("x-one", "new");
    fields.append("X-Three", "4");
    assert!(fields.remove("X-TWO") && !fields.remove("x-two"));
    assert_eq!(
        written(&fields),
        "Host: a\r\nx-one: new\r\nAccept:\r\nX-Three: 4\r\n"
    );
    fields.insert(Known::Host, "b");
    assert!(fields.contains("HOST") && fields.contains_any(Known::Host.bit()));
    assert!(fields.copy(Known::Host, Known::XForwardedHost));
    assert!(fields.copy(Known::XForwardedHost, Known::Via) && fields.remove("via"));
    assert_eq!(fields.get("x-forwarded-host"), Some(&b"b"[..]));
    assert!(fields.remove("x-forwarded-host") && !fields.copy(Known::Te, Known::Via));
    fields.remove_all(Known::Host.bit() | Known::Accept.bit());
    assert!(!fields.contains("host") && !fields.contains(Known::Accept));
    fields.insert(Known::Via, "1.1 x");
    assert_eq!(
        written(&fields),
        "x-one: new\r\nX-Three: 4\r\nvia: 1.1 x\r\n"
    );
    fields.retain(|name, value| !name.is("x-three") && value != b"1.1 x");
    assert!(!fields.contains(Known::Via));
    assert_eq!(written(&fields), "x-one: new\r\n");
    fields.clear();
    assert!(fields.is_empty());
    assert_eq!(written(&fields), "");
}

#[test]
fn what_was_replaced_is_not_kept() {
    let mut fields = parsed(HEAD);
    let value = [b'v'; 1000];
    let value = Checked::new(&value).unwrap();
    for _ in 0..10_000 {
        fields.insert("x-one", value);
        fields.append("gone", value);
        assert!(fields.remove("gone"));
        assert!(fields.copy(Known::Host, Known::XForwardedHost));
    }
    assert!(fields.most_bytes() < 8_000, "{}", fields.most_bytes());
    let value = "v".repeat(1000);
    let expected = format!("Host: a\r\nx-one: {value}\r\nx-two: 2\r\nAccept:\r\n");
    assert_eq!(written(&fields), expected + "x-forwarded-host: a\r\n");
    assert_eq!(fields.get("x-two"), Some(&b"2"[..]));
}

#[test]
fn other_shapes_of_the_same_fields() {
    let fields = parsed(HEAD);
    let map = HeaderMap::from(&fields);
    assert_eq!(map.get_all("x-one").iter().count(), 2);
    let back = Fields::from(&map);
    assert_eq!(back.len(), fields.len());
    assert_eq!(back.get("x-two"), Some(&b"2"[..]));
    assert_eq!(
        fields,
        parsed("host: a\r\nx-one: 1\r\nX-two: 2\r\nx-one: 3\r\naccept: \r\n")
    );
    assert_ne!(fields, back, "a map has another order");
    let mut more = Fields::new();
    more.extend(&fields);
    assert_eq!(more, fields);
    let lower: Vec<_> = fields.names().map(Name::to_lower).collect();
    assert_eq!(lower, ["host", "x-one", "x-two", "x-one", "accept"]);
}

#[test]
fn what_is_replaced_is_told_before_anything_changes() {
    let replaced = |lines, values| Replaced { lines, values };
    for (name, expected, after) in [
        (
            "x-one",
            replaced(2, 2),
            "Host: a\r\nx-one: new\r\nx-two: 2\r\nAccept:\r\n",
        ),
        (
            "HOST",
            replaced(1, 1),
            "HOST: new\r\nX-One:1 \r\nx-two: 2\r\nX-ONE:  3\r\nAccept:\r\n",
        ),
        (
            "accept",
            replaced(1, 0),
            "Host: a\r\nX-One:1 \r\nx-two: 2\r\nX-ONE:  3\r\naccept: new\r\n",
        ),
        ("x-tw0", replaced(0, 0), &*format!("{HEAD}x-tw0: new\r\n")),
        ("date", replaced(0, 0), &*format!("{HEAD}date: new\r\n")),
    ] {
        let mut fields = parsed(HEAD);
        let refused = fields.insert_if(name, "new", Err);
        assert_eq!(refused, Err(expected), "{name}");
        assert_eq!(written(&fields), HEAD, "{name}");
        let agreed = fields.insert_if(name, "new", |_| Ok::<_, ()>(()));
        assert_eq!(
            (agreed, written(&fields).as_str()),
            (Ok(()), after),
            "{name}"
        );
        assert_eq!(fields.get(name), Some(&b"new"[..]), "{name}");
    }
}

#[test]
fn a_given_name_is_a_token_or_names_nothing() {
    assert_eq!(GivenName::of(b"X-One"), Ok(GivenName::Token(b"X-One")));
    for other in ["", "a b", "\u{e9}", "a:"] {
        assert_eq!(GivenName::of(other.as_bytes()), Ok(GivenName::Other(other)));
        assert_eq!(GivenName::from(other), GivenName::Other(other));
        assert_eq!(GivenName::from(other).as_str(), other);
    }
    assert!(GivenName::of(b"x\xff").is_err());
}
