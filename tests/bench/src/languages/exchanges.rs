//! The exchanges that every language gets: a request with fields as clients send them, answered with JSON of which the
//! plugin changes one value.

use std::fmt::Write as _;
use std::net::SocketAddr;

use bytes::Bytes;
use http::header;
use tollgate::config::Settings;
use tollgate::message::{Body, Exchange, RequestHead, Scheme, Target};

/// The setting of the tour.
const MARK: &str = "marked by the \"tour\"";

/// The same as it stands in JSON.
const MARK_AS_JSON: &str = r#""marked by the \"tour\"""#;

/// How many exchanges, and what their bodies are.
#[derive(Debug)]
pub struct Exchanges {
    pub small: Series,
    pub large: Series,
}

/// Exchanges with bodies of one size.
#[derive(Debug, Clone)]
pub struct Series {
    pub count: usize,
    pub body: Bytes,
    /// What the plugin makes of the body.
    pub marked: Bytes,
}

impl Exchanges {
    /// All of them, or a fiftieth.
    pub fn new(quick: bool) -> Self {
        let share = if quick { 50 } else { 1 };
        Self {
            small: Series::new(100_000 / share, 512),
            large: Series::new(10_000 / share, 64 << 10),
        }
    }

    pub fn settings(&self) -> Settings {
        [("mark", MARK)].into()
    }
}

impl Series {
    fn new(count: usize, size: usize) -> Self {
        Self {
            count,
            body: json(r#""hello""#, size).into(),
            marked: json(MARK_AS_JSON, size).into(),
        }
    }

    /// A request on its way to the backend.
    pub fn exchange(&self, id: u64) -> Box<Exchange> {
        let client = SocketAddr::from(([192, 0, 2, 1], 50312));
        let scheme = Scheme::Http;
        Box::new(Exchange::new(id, client, scheme, head(), Body::Empty))
    }

    /// The backend's answer.
    pub fn answer(&self, exchange: &mut Exchange) {
        let fields = &mut exchange.response.fields;
        fields.insert(header::CONTENT_TYPE, "application/json");
        fields.insert(header::SERVER, "bench");
        exchange.response_body = Body::full(self.body.clone());
    }

    /// What is wrong with the exchange after both hooks, if anything is.
    pub fn mistake(&self, exchange: &Exchange) -> Option<String> {
        if exchange.response.fields.get("x-tour") != Some(MARK.as_bytes()) {
            return Some("the response has no field x-tour with the mark".to_owned());
        }
        match &exchange.response_body {
            Body::Full { data, .. } if *data == self.marked => None,
            Body::Full { data, .. } if *data == self.body => {
                Some("the body wasn't rewritten".to_owned())
            }
            Body::Full { .. } => Some("the body was rewritten wrong".to_owned()),
            _ => Some("the body is gone".to_owned()),
        }
    }
}

fn head() -> RequestHead {
    let mut head = RequestHead::new();
    head.target = Target::new(b"/greeting?for=you").unwrap_or_else(|_| Target::root());
    for (name, value) in [
        (header::HOST, "example.com"),
        (
            header::USER_AGENT,
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        ),
        (header::ACCEPT, "application/json, text/plain;q=0.5"),
        (header::ACCEPT_LANGUAGE, "en-GB,en;q=0.5"),
        (header::ACCEPT_ENCODING, "identity"),
        (header::COOKIE, "session=0123456789abcdef; theme=dark"),
        (header::REFERER, "https://example.com/"),
    ] {
        head.fields.insert(name, value);
    }
    head
}

/// A JSON text with this value for `greeting` in its midst; of `size` bytes if the value has as many as `"hello"`.
fn json(greeting: &str, size: usize) -> String {
    let tail = |greeting: &str, pad: usize| {
        format!(
            "],\n \"greeting\": {greeting},\n \"pad\": \"{}\"}}\n",
            "x".repeat(pad)
        )
    };
    let room = size - tail(r#""hello""#, 0).len();
    let mut text = "{\"items\": [".to_owned();
    for id in 1.. {
        let mut item = if id == 1 {
            String::new()
        } else {
            ", ".to_owned()
        };
        let _ = write!(
            item,
            r#"{{"id": {id}, "name": "item \"{id}\" — größer", "price": {id}.25e-1, "tags": ["a", null, true]}}"#
        );
        if text.len() + item.len() > room {
            break;
        }
        text += &item;
    }
    let pad = room - text.len();
    text + &tail(greeting, pad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_json_of_their_size_with_one_difference() {
        let Exchanges { small, large } = Exchanges::new(false);
        assert_eq!((small.body.len(), large.body.len()), (512, 64 << 10));
        for series in [small, large] {
            let [mut before, after] = [&series.body, &series.marked]
                .map(|body| serde_json::from_slice::<serde_json::Value>(body).unwrap());
            assert_eq!(
                (&before["greeting"], &after["greeting"]),
                (&"hello".into(), &MARK.into())
            );
            before["greeting"] = MARK.into();
            assert_eq!(before, after);
        }
    }

    #[test]
    fn what_a_plugin_did_not_do_is_seen() {
        let series = Exchanges::new(true).small;
        let mut exchange = series.exchange(1);
        series.answer(&mut exchange);
        assert!(series.mistake(&exchange).unwrap().contains("x-tour"));
        exchange.response.fields.insert("x-tour", MARK);
        assert!(
            series
                .mistake(&exchange)
                .unwrap()
                .contains("wasn't rewritten")
        );
        exchange.set_response_body(Bytes::from_static(b"{}"));
        assert!(
            series
                .mistake(&exchange)
                .unwrap()
                .contains("rewritten wrong")
        );
        exchange.set_response_body(series.marked.clone());
        assert_eq!(series.mistake(&exchange), None);
    }
}
