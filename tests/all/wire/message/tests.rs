//! What is undone, what is taken out, and what shows.

use super::*;

#[test]
fn chunks_are_one_however_they_were_divided() {
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let read = |body: &[u8]| {
        let all = plain(&[head, body].concat(), From::Table);
        String::from_utf8(all[head.len()..].to_vec()).unwrap()
    };
    let whole = "abcde<last chunk>\r\n\r\n";
    assert_eq!(read(b"5\r\nabcde\r\n0\r\n\r\n"), whole);
    assert_eq!(read(b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"), whole);
    assert_eq!(read(b"5\r\nabcde\r\n"), "abcde");
    assert_eq!(read(b"f\r\nabcde"), "abcde");
    assert_eq!(
        read(b"5\r\nabcde\r\n0\r\nX: 1\r\n\r\n"),
        "abcde<last chunk>\r\nX: 1\r\n\r\n"
    );
    // What a proxy doesn't write shows.
    assert_eq!(
        read(b"05\r\nabcde\r\n0\r\n\r\n"),
        "05\r\nabcde\r\n0\r\n\r\n"
    );
    assert_eq!(read(b"5;a\r\nabcde\r\n"), "5;a\r\nabcde\r\n");
    assert_eq!(read(b"5\r\nabcdef\r\n"), "abcdef\r\n");
}

#[test]
fn what_is_usual_is_taken_out_and_what_is_missing_is_told() {
    let client = Ipv4Addr::new(127, 1, 2, 3);
    let read = |text: &str| {
        let all = plain(text.as_bytes(), From::Proxy(client));
        String::from_utf8(all).unwrap()
    };
    let usual = "GET / HTTP/1.1\r\nHost: a\r\nB: 1\r\nA: 2\r\nvia: 1.1 tollgate\r\nx-forwarded-for: 127.1.2.3\r\n\
        x-forwarded-host: a\r\nx-forwarded-proto: http\r\n\r\n";
    assert_eq!(
        read(usual),
        "GET / HTTP/1.1\r\nHost: a\r\nB: 1\r\nA: 2\r\n\r\n"
    );
    let other = usual
        .replace("127.1.2.3", "127.1.2.4")
        .replace("via: 1.1 tollgate\r\n", "");
    let other = read(&other);
    assert!(
        other.contains("\r\nx-forwarded-for: 127.1.2.4\r\n<no via>: \r\n\r\n"),
        "{other}"
    );
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ndate: Sun, 29 Nov 2026 13:55:36 GMT\r\nvia: 1.1 tollgate\r\n\r\nok";
    let twice = read(&[answer, answer].concat());
    assert_eq!(
        twice,
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".repeat(2)
    );
    let old = read(&answer.replace("2026", "1970"));
    assert!(old.contains("date: Sun"), "{old}");
}

#[test]
fn three_dots_stand_for_anything_within_a_line() {
    let fits = |expected: &str, got: &str| fits(expected.as_bytes(), got.as_bytes());
    assert!(fits("a", "a") && !fits("a", "ab") && !fits("ab", "a"));
    assert!(fits("a…c\r\n", "abbc\r\n") && fits("a…c\r\n", "ac\r\n"));
    assert!(!fits("a…c\r\n", "ab\r\nc\r\n") && !fits("a…c\r\n", "abd\r\n"));
}
