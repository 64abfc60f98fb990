//! The operators of filters, `~NAME`: their names and what follows each.

/// What an operator looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Needs nothing behind it.
    Plain(Plain),
    /// Needs a regular expression.
    Text(Subject),
    /// `~c`: needs a status.
    Status,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    All,
    Asset,
    Changed,
    Error,
    Http,
    NoResponse,
    Response,
    WebSocket,
}

/// What a regular expression is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Body(Sides),
    Destination,
    Domain,
    Fields(Sides),
    MediaType(Sides),
    Method,
    Plugin,
    Source,
    Url,
}

/// Of which message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sides {
    Request,
    Response,
    Both,
}

impl Sides {
    pub fn has_request(self) -> bool {
        self != Self::Response
    }

    pub fn has_response(self) -> bool {
        self != Self::Request
    }
}

const WORDS: [(&str, Word); 24] = [
    ("a", Word::Plain(Plain::Asset)),
    ("all", Word::Plain(Plain::All)),
    ("b", Word::Text(Subject::Body(Sides::Both))),
    ("bq", Word::Text(Subject::Body(Sides::Request))),
    ("bs", Word::Text(Subject::Body(Sides::Response))),
    ("c", Word::Status),
    ("changed", Word::Plain(Plain::Changed)),
    ("d", Word::Text(Subject::Domain)),
    ("dst", Word::Text(Subject::Destination)),
    ("e", Word::Plain(Plain::Error)),
    ("h", Word::Text(Subject::Fields(Sides::Both))),
    ("hq", Word::Text(Subject::Fields(Sides::Request))),
    ("hs", Word::Text(Subject::Fields(Sides::Response))),
    ("http", Word::Plain(Plain::Http)),
    ("m", Word::Text(Subject::Method)),
    ("p", Word::Text(Subject::Plugin)),
    ("q", Word::Plain(Plain::NoResponse)),
    ("s", Word::Plain(Plain::Response)),
    ("src", Word::Text(Subject::Source)),
    ("t", Word::Text(Subject::MediaType(Sides::Both))),
    ("tq", Word::Text(Subject::MediaType(Sides::Request))),
    ("ts", Word::Text(Subject::MediaType(Sides::Response))),
    ("u", Word::Text(Subject::Url)),
    ("websocket", Word::Plain(Plain::WebSocket)),
];

/// The operator of this name, without its `~`.
pub fn word(name: &str) -> Option<Word> {
    let found = WORDS.iter().find(|(known, _)| *known == name);
    found.map(|(_, word)| *word)
}

/// All names, for an error message.
pub fn names() -> String {
    WORDS.map(|(name, _)| format!("~{name}")).join(" ")
}
