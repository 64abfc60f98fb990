//! The tables as text: who says what, line by line.
//!
//! ```text
//! == a name for the row, in words
//! # Why it is so, where that is not plain.
//! > GET / HTTP/1.1        the client sends
//! > Host: a
//! >
//! >> GET / HTTP/1.1       the backend gets
//! >> Host: a
//! >>
//! << HTTP/1.1 200 OK      the backend sends, when it has got what stands before
//! <<
//! < HTTP/1.1 200 OK       the client gets
//! <
//! ```
//!
//! A line of data ends with CR LF, or with what a `\` at its end leaves: `> Host: a\n\` ends with LF alone. `\r \n \t \0 \xHH \\`
//! are bytes, `{ab*3}` is `ababab`. In what is to come, `…` is anything within a line.
//!
//! | line | |
//! | --- | --- |
//! | `>\|`, `<<\|` | the client, the backend, closes its sending side |
//! | `<\|`, `>>\|` | the proxy closes the client's connection, the backend's, after what stands before |
//! | `<~\|`, `>>~\|` | it closes it at the latest then: what stands before may break off anywhere, or not come at all |
//! | `<<=` | the backend answers `200` with the body `ok` |
//! | `<=` | and the client gets that |
//! | `<= 400 words` | it gets an error of the proxy's own with these words, and is closed |
//! | `<= 502 kind` | an error of its own too, for an error that the backend made; the connection goes on |
//! | `<or` | or the client gets what follows, in place of what stands before |
//! | `>!` | what the client sends is not cut: the row is about what is there at once |
//! | `<<?` | whether the backend's connection is used again is left open |
//!
//! What is not said is usual: a client sends [`ASKING`], a backend gets what the client has sent and answers with `<<=`, the
//! client gets `<=`. After that the connections on both sides are used again.

/// What a client sends where the row is about the answer.
pub const ASKING: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
pub const ANSWERING: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// One exchange, or several on one connection.
#[derive(Debug, Clone)]
pub struct Row {
    /// File, line and name.
    pub name: String,
    pub client: Vec<Step>,
    pub backend: Vec<Step>,
    /// Whether the backend's connection must be used again; none if that is left open.
    pub reuse: Option<bool>,
    /// Whether what the client sends is not to be cut.
    pub in_one_piece: bool,
}

/// What one of both peers of the proxy does, or awaits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Send(Vec<u8>),
    /// Closes its sending side.
    End,
    /// One of these.
    Get(Vec<Vec<u8>>),
    /// The proxy closes the connection. What is to be got before may be missing or break off if `early`.
    Ended {
        early: bool,
    },
}

impl Step {
    fn get(bytes: Vec<u8>) -> Self {
        Step::Get(vec![bytes])
    }
}

#[derive(Debug, Default)]
struct Draft {
    name: String,
    /// With their places.
    lines: Vec<(usize, String)>,
}

/// The rows of a table.
pub fn rows(file: &str, text: &str) -> Vec<Row> {
    let mut drafts: Vec<Draft> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let place = index + 1;
        if let Some(name) = line.strip_prefix("== ") {
            assert!(
                drafts
                    .iter()
                    .all(|draft| !draft.name.ends_with(&format!(": {name}"))),
                "{file}:{place}: {name} twice"
            );
            drafts.push(Draft {
                name: format!("{file}:{place}: {name}"),
                ..Draft::default()
            });
            continue;
        }
        if line.is_empty() || line == "#" || line.starts_with("# ") {
            continue;
        }
        let draft = drafts
            .last_mut()
            .unwrap_or_else(|| panic!("{file}:{place}: no row has begun"));
        draft.lines.push((place, line.to_owned()));
    }
    drafts.into_iter().map(Draft::row).collect()
}

impl Draft {
    fn row(self) -> Row {
        let mut row = Row {
            name: self.name,
            client: Vec::new(),
            backend: Vec::new(),
            reuse: Some(true),
            in_one_piece: false,
        };
        for (place, line) in self.lines {
            row.add(&line)
                .unwrap_or_else(|| panic!("{}: line {place} can't be read: {line}", row.name));
        }
        row.complete();
        row
    }
}

impl Row {
    fn add(&mut self, line: &str) -> Option<()> {
        let (actor, rest) = match line.as_bytes() {
            [b'>', b'>', ..] | [b'<', b'<', ..] => line.split_at(2),
            [b'>' | b'<', ..] => line.split_at(1),
            _ => return None,
        };
        match (actor, rest) {
            (">", "|") => self.client.push(Step::End),
            (">", "!") => self.in_one_piece = true,
            ("<<", "|") => self.backend.push(Step::End),
            ("<<", "=") => append(&mut self.backend, Step::Send(ANSWERING.to_vec())),
            ("<<", "?") => self.reuse = None,
            ("<", "|" | "~|") => self.client.push(Step::Ended {
                early: rest == "~|",
            }),
            (">>", "|" | "~|") => {
                self.backend.push(Step::Ended {
                    early: rest == "~|",
                });
                self.reuse = None;
            }
            ("<", "=") => append(&mut self.client, Step::get(ANSWERING.to_vec())),
            ("<", "or") => match self.client.last_mut() {
                Some(Step::Get(either)) => either.push(Vec::new()),
                _ => return None,
            },
            ("<", _) if rest.starts_with("= ") => self.error(&rest[2..])?,
            _ => {
                let text = match rest {
                    "" => "",
                    _ => rest.strip_prefix(' ')?,
                };
                let bytes = bytes(text)?;
                match actor {
                    ">" => append(&mut self.client, Step::Send(bytes)),
                    "<" => append(&mut self.client, Step::get(bytes)),
                    ">>" => append(&mut self.backend, Step::get(bytes)),
                    _ => append(&mut self.backend, Step::Send(bytes)),
                }
            }
        }
        Some(())
    }

    /// An error of the proxy's own making.
    fn error(&mut self, text: &str) -> Option<()> {
        let (status, words) = text.split_once(' ')?;
        let reason = reason(status)?;
        let from_backend = status == "502";
        let head = if from_backend {
            format!(
                "HTTP/1.1 {status} {reason}\r\nproxy-status: tollgate; error={words}; next-hop=\"default\"; details=\"…\"\r\n"
            )
        } else {
            format!(
                "HTTP/1.1 {status} {reason}\r\nproxy-status: tollgate; error=http_request_error; details=\"{words}\"\r\nconnection: close\r\n"
            )
        };
        let bytes = format!("{head}content-length: 0\r\n\r\n").into_bytes();
        append(&mut self.client, Step::get(bytes));
        if !from_backend {
            self.client.push(Step::Ended { early: false });
        }
        Some(())
    }

    /// Adds what is not said because it is usual.
    fn complete(&mut self) {
        let is_get = |step: &Step| matches!(step, Step::Get(_));
        if !self.client.iter().any(|step| matches!(step, Step::Send(_))) {
            self.client.insert(0, Step::Send(ASKING.to_vec()));
        }
        if self.backend.iter().any(|step| !is_get(step)) && !self.backend.iter().any(is_get) {
            let Step::Send(asked) = &self.client[0] else {
                panic!("{}: a client asks first", self.name);
            };
            self.backend.insert(0, Step::get(asked.clone()));
        }
        if !self.backend.is_empty() && self.backend.iter().all(is_get) {
            self.backend.push(Step::Send(ANSWERING.to_vec()));
        }
        let awaits = |step: &Step| !matches!(step, Step::Send(_) | Step::End);
        if !self.client.iter().any(awaits) {
            assert!(
                !self.backend.is_empty(),
                "{}: nothing is said of what comes of it",
                self.name
            );
            self.client.push(Step::get(ANSWERING.to_vec()));
        }
    }

    /// All that the client, or the backend, sends.
    pub fn sent(steps: &[Step]) -> Vec<u8> {
        let sent = steps.iter().filter_map(|step| match step {
            Step::Send(bytes) => Some(&bytes[..]),
            _ => None,
        });
        sent.collect::<Vec<_>>().concat()
    }
}

/// Adds to the last step if that is of the same kind.
fn append(steps: &mut Vec<Step>, step: Step) {
    match (steps.last_mut(), step) {
        (Some(Step::Send(bytes)), Step::Send(more)) => bytes.extend(more),
        // To the last one that was begun.
        (Some(Step::Get(either)), Step::Get(more)) => {
            let bytes = either.last_mut().into_iter();
            bytes.for_each(|bytes| bytes.extend(more.concat()));
        }
        (_, step) => steps.push(step),
    }
}

fn reason(status: &str) -> Option<&'static str> {
    Some(match status {
        "400" => "Bad Request",
        "413" => "Payload Too Large",
        "414" => "URI Too Long",
        "417" => "Expectation Failed",
        "431" => "Request Header Fields Too Large",
        "501" => "Not Implemented",
        "502" => "Bad Gateway",
        "505" => "HTTP Version Not Supported",
        _ => return None,
    })
}

/// A line's text as bytes, its end included.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let is_escape =
        |text: &str| text.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 0;
    match text.strip_suffix('\\') {
        Some(text) if is_escape(text) => unescaped(text),
        _ => Some([&unescaped(text)?[..], b"\r\n"].concat()),
    }
}

fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = first.len_utf8();
        match first {
            '\\' => {
                let (byte, length) = escaped(rest)?;
                bytes.push(byte);
                rest = &rest[length..];
                continue;
            }
            '{' => {
                if let Some((what, times, length)) = repeated(rest) {
                    bytes.extend(unescaped(what)?.repeat(times));
                    rest = &rest[length..];
                    continue;
                }
                bytes.push(b'{');
            }
            _ => bytes.extend_from_slice(&rest.as_bytes()[..length]),
        }
        rest = &rest[length..];
    }
    Some(bytes)
}

/// The byte that an escape stands for, and the escape's length.
fn escaped(text: &str) -> Option<(u8, usize)> {
    Some(match text.as_bytes().get(1)? {
        b'r' => (b'\r', 2),
        b'n' => (b'\n', 2),
        b't' => (b'\t', 2),
        b'0' => (0, 2),
        b'\\' => (b'\\', 2),
        b'x' => (u8::from_str_radix(text.get(2..4)?, 16).ok()?, 4),
        _ => return None,
    })
}

/// `{text*number}`: both, and the length of it all.
fn repeated(text: &str) -> Option<(&str, usize, usize)> {
    let end = text.find('}')?;
    let (what, times) = text[1..end].rsplit_once('*')?;
    Some((what, times.parse().ok()?, end + 1))
}

#[test]
fn lines_are_bytes() {
    for (text, expected) in [
        ("", &b"\r\n"[..]),
        ("a", b"a\r\n"),
        ("a\\", b"a"),
        ("a\\n\\", b"a\n"),
        ("\\0\\t\\x7f\\\\ é\\", b"\0\t\x7f\\ \xc3\xa9"),
        ("{ab*3}{a}{b*c}\\", b"ababab{a}{b*c}"),
        ("{a\\n*2}\\\\", b"a\na\n\\\r\n"),
    ] {
        assert_eq!(bytes(text).as_deref(), Some(expected), "{text}");
    }
    for text in ["\\q", "\\x1", "\\xgg"] {
        assert_eq!(bytes(text), None, "{text}");
    }
}

#[test]
fn what_is_not_said_is_usual() {
    let text = "== one\n> GET /1 HTTP/1.1\n>\n>> GET /1 HTTP/1.1\n>>\n\n== two\n<< HTTP/1.1 200 OK\n<<\n<<|\n<= 502 kind\n\n== three\n>!\n< x\\\n<|\n";
    let rows = rows("f", text);
    let get = b"GET /1 HTTP/1.1\r\n\r\n".to_vec();
    assert_eq!(rows[0].name, "f:1: one");
    assert_eq!(
        rows[0].client,
        [Step::Send(get.clone()), Step::get(ANSWERING.to_vec())]
    );
    assert_eq!(
        rows[0].backend,
        [Step::get(get), Step::Send(ANSWERING.to_vec())]
    );
    assert_eq!(
        rows[1].backend,
        [
            Step::get(ASKING.to_vec()),
            Step::Send(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
            Step::End
        ]
    );
    assert_eq!(rows[1].client.len(), 2);
    assert_eq!(
        rows[2].client[1..],
        [Step::get(b"x".to_vec()), Step::Ended { early: false }]
    );
    assert!(rows[2].in_one_piece && !rows[1].in_one_piece);
}
