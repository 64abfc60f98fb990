//! Events against the rules of the WHATWG HTML standard, section 9.2, whose own examples are among the cases.

use super::*;

fn read(event: &str) -> (Option<String>, Option<String>) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        name(event.as_bytes()).map(text),
        data(event.as_bytes()).map(|data| text(&data)),
    )
}

#[test]
fn events_are_read_as_a_browser_does() {
    for (event, name, data) in [
        (
            "data: This is the first message.\n\n",
            None,
            Some("This is the first message."),
        ),
        (
            "data: YHOO\ndata: +2\ndata: 10\n\n",
            None,
            Some("YHOO\n+2\n10"),
        ),
        (
            "event: add\ndata: 73857293\n\n",
            Some("add"),
            Some("73857293"),
        ),
        (": test stream\n\n", None, None),
        ("data: first event\nid: 1\n\n", None, Some("first event")),
        ("data:  third event\n\n", None, Some(" third event")),
        ("data\n\n", None, Some("")),
        ("data\ndata\n\n", None, Some("\n")),
        ("data:test\n\n", None, Some("test")),
        ("data:a\r\ndata:b\rdata:c\n\r\n", None, Some("a\nb\nc")),
        // A name with a space is another name, and only the first colon counts.
        (
            "data : x\ndata:y:z\n dAta: w\nData: v\n\n",
            None,
            Some("y:z"),
        ),
        ("event: a\nevent: b\n\n", Some("b"), None),
        ("event: a\nevent\n\n", None, None),
        // The blank line has not come.
        ("data: cut", None, Some("cut")),
        ("", None, None),
    ] {
        let expected = (name.map(str::to_owned), data.map(str::to_owned));
        assert_eq!(read(event), expected, "{event:?}");
    }
    let cut = fields(b"id\nretry: 10\n: no field\n\n").collect::<Vec<_>>();
    assert_eq!(cut, [(&b"id"[..], &b""[..]), (b"retry", b"10")]);
}

#[test]
fn an_event_gets_other_data_and_nothing_else_changes() {
    for (event, data, expected) in [
        ("data: a\n\n", "b", "data: b\n\n"),
        (
            ": c\r\nid: 1\r\ndata: a\r\nx: y\r\ndata: b\r\n\r\n",
            "1\n2",
            ": c\r\nid: 1\r\ndata: 1\r\ndata: 2\r\nx: y\r\n\r\n",
        ),
        ("data:a\r\r", "b", "data: b\r\r"),
        ("event: x\n\n", "new", "event: x\ndata: new\n\n"),
        ("data", "new", "data: new\n"),
        ("id: 1", "", "id: 1\ndata: \n"),
    ] {
        let with = String::from_utf8(with_data(event.as_bytes(), data)).unwrap();
        assert_eq!(with, expected, "{event:?}");
        assert_eq!(read(&with).1.as_deref(), Some(data), "{event:?}");
    }
}

#[test]
fn what_is_built_is_read_again() {
    for text in [
        "",
        "a",
        "\n",
        "a\n",
        "\na",
        "a\r\nb\rc",
        " a",
        ":",
        "é\u{2028}b",
    ] {
        let event = Event::new()
            .name("n")
            .retry_ms(5)
            .data(text)
            .build()
            .unwrap();
        let event = String::from_utf8(event).unwrap();
        let lines = text.replace("\r\n", "\n").replace('\r', "\n");
        assert_eq!(
            read(&event),
            (Some("n".to_owned()), Some(lines)),
            "{text:?}"
        );
        assert!(event.ends_with("\n\n") && event.contains("retry: 5\n"));
    }
    for bad in [
        Event::new().name("a\nb"),
        Event::new().id("a\rb"),
        Event::new().id("\0"),
    ] {
        let error = bad.build().unwrap_err().to_string();
        assert!(
            error.starts_with("an event of an event stream can't have the"),
            "{error}"
        );
    }
}
