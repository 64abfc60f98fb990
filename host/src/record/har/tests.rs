//! HARs of ours, and of browsers as they write them.

use std::io::Write as _;

use serde_json::{Value, json};

use super::*;
use crate::record::sample::{self, content, field, response};
use crate::record::{Ending, Failure, Field, Message, Recorded, StartLine};

fn export(exchanges: &[Recorded]) -> Vec<u8> {
    let mut har = HarWriter::begin(Vec::new()).unwrap();
    for exchange in exchanges {
        har.write(exchange).unwrap();
    }
    har.finish().unwrap()
}

fn import(text: &[u8]) -> Result<Vec<Recorded>, HarError> {
    let entries = parse(text)?.log.entries.into_iter().zip(1..);
    entries
        .map(|(entry, number)| recorded(entry, number))
        .collect()
}

/// Exchanges that HAR has no words for.
fn odd() -> Vec<Recorded> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all("a text that is coded, grün".as_bytes())
        .unwrap();
    let coded = response(
        200,
        vec![
            field("content-encoding", "gzip"),
            field("content-type", "text/plain"),
        ],
        &gzip.finish().unwrap(),
    );
    let mut exchanges = vec![sample::exchange()];
    let mut with = |change: &dyn Fn(&mut Recorded)| {
        let mut exchange = sample::exchange();
        exchange.id += exchanges.len() as u64;
        change(&mut exchange);
        exchanges.push(exchange);
    };
    with(&|exchange| exchange.steps = vec![sample::backend_step(coded.clone())]);
    with(&|exchange| {
        exchange.request.content = content(b"\xff\x00\xfe");
        exchange.request.content.length = 4000;
        exchange.request.content.complete = false;
        exchange.request.trailers.push(field("X-Sum", "1"));
        exchange.request.fields.push(Field {
            name: "X-Latin".to_owned(),
            value: b"gr\xfcn".to_vec(),
        });
    });
    with(&|exchange| {
        exchange.request.line = StartLine::Request {
            method: "OPTIONS".to_owned(),
            target: "*".to_owned(),
            authority: String::new(),
        };
        exchange.scheme = "http".to_owned();
    });
    with(&|exchange| {
        exchange.ending = Ending::Failed(Failure {
            status: 502,
            proxy_error: "connection_refused".to_owned(),
            text: "can't connect".to_owned(),
        });
    });
    with(&|exchange| {
        exchange.ending = Ending::CutOff;
        exchange.steps.clear();
    });
    exchanges
}

#[test]
fn heads_and_bodies_come_back() {
    let exchanges = odd();
    let came = import(&export(&exchanges)).unwrap();
    assert_eq!(came.len(), exchanges.len());
    for (came, sent) in came.iter().zip(&exchanges) {
        if sent.request.line != exchanges[3].request.line {
            assert_eq!(came.scheme, sent.scheme);
        }
        assert_eq!(came.request, sent.request);
        assert_eq!(came.answer(), sent.answer());
        assert_eq!(came.ending, sent.ending);
        let rest = |exchange: &Recorded| {
            let Recorded {
                id,
                began,
                duration,
                client,
                ..
            } = *exchange;
            (id, began, duration, client)
        };
        assert_eq!(rest(came), rest(sent));
        assert_eq!((&came.protocol, &came.route), (&sent.protocol, &sent.route));
    }
    // And once more, through what came back.
    assert_eq!(import(&export(&came)).unwrap(), came);
}

#[test]
fn others_find_what_the_specification_wants() {
    let har: Value = serde_json::from_slice(&export(&odd())).unwrap();
    assert_eq!(har["log"]["version"], "1.2");
    assert_eq!(har["log"]["creator"]["name"], "tollgate");
    let entries = har["log"]["entries"].as_array().unwrap();
    for entry in entries {
        for name in [
            "startedDateTime",
            "time",
            "request",
            "response",
            "cache",
            "timings",
        ] {
            assert!(!entry[name].is_null(), "{name}");
        }
        for name in [
            "method",
            "url",
            "httpVersion",
            "cookies",
            "headers",
            "queryString",
            "headersSize",
            "bodySize",
        ] {
            assert!(!entry["request"][name].is_null(), "{name}");
        }
        for name in [
            "status",
            "statusText",
            "httpVersion",
            "cookies",
            "headers",
            "content",
            "redirectURL",
        ] {
            assert!(!entry["response"][name].is_null(), "{name}");
        }
    }
    let first = &entries[0];
    assert_eq!(first["startedDateTime"], "2026-09-21T14:13:20.123456Z");
    assert_eq!(first["time"], 1.5);
    assert_eq!(first["serverIPAddress"], "127.0.0.1");
    assert_eq!(
        first["request"]["url"],
        "https://api.example.com:8443/orders/7?x=1"
    );
    assert_eq!(
        first["request"]["queryString"],
        json!([{"name": "x", "value": "1"}])
    );
    assert_eq!(first["response"]["redirectURL"], "/orders/7");
    assert_eq!(first["response"]["content"]["text"], "all [masked]");
    assert!(
        first["request"].get("_tollgate").is_none(),
        "nothing to add"
    );
    assert_eq!(
        entries[1]["response"]["content"]["text"],
        "a text that is coded, grün"
    );
    assert_eq!(entries[4]["response"]["status"], 502);
    assert_eq!(entries[5]["response"]["status"], 0);
}

/// As Chromium 12x exports it from its developer tools, shortened.
const CHROMIUM: &str = r#"{"log": {"version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"},
  "pages": [{"startedDateTime": "2026-11-30T08:00:00.000Z", "id": "page_1", "title": "x", "pageTimings": {"onContentLoad": 1.5}}],
  "entries": [{
    "_connectionId": "77", "_initiator": {"type": "other"}, "_priority": "VeryHigh", "_resourceType": "document",
    "cache": {}, "connection": "443", "pageref": "page_1",
    "request": {"method": "POST", "url": "https://shop.example/pay?to=a%20b#top", "httpVersion": "http/2.0",
      "headers": [{"name": ":authority", "value": "shop.example"}, {"name": ":method", "value": "POST"},
        {"name": "content-type", "value": "application/x-www-form-urlencoded"}, {"name": "accept-encoding", "value": "gzip, br"}],
      "queryString": [{"name": "to", "value": "a%20b"}],
      "cookies": [{"name": "s", "value": "1", "path": "/", "expires": "2026-12-01T00:00:00.000Z", "httpOnly": true, "secure": true}],
      "headersSize": -1, "bodySize": 7,
      "postData": {"mimeType": "application/x-www-form-urlencoded", "text": "sum=1&a", "params": [{"name": "sum", "value": "1"}]}},
    "response": {"status": 200, "statusText": "", "httpVersion": "http/2.0",
      "headers": [{"name": "content-encoding", "value": "br"}, {"name": "content-length", "value": "5"}, {"name": "content-type", "value": "image/gif"}],
      "cookies": [], "content": {"size": 6, "mimeType": "image/gif", "text": "R0lGODlh", "encoding": "base64"},
      "redirectURL": "", "headersSize": -1, "bodySize": -1, "_transferSize": 120, "_error": null, "_fetchedViaServiceWorker": false},
    "serverIPAddress": "203.0.113.9", "startedDateTime": "2026-11-30T08:00:00.250Z", "time": 12.25,
    "timings": {"blocked": 1.5, "dns": -1, "ssl": -1, "connect": -1, "send": 0.25, "wait": 8.5, "receive": 2.0, "_blocked_queueing": 1.1}
  }, {
    "cache": {}, "request": {"method": "GET", "url": "http://gone.example", "httpVersion": "", "headers": [], "queryString": [], "cookies": [], "headersSize": -1, "bodySize": 0},
    "response": {"status": 0, "statusText": "", "httpVersion": "", "headers": [], "cookies": [], "content": {"size": 0, "mimeType": "x-unknown"},
      "redirectURL": "", "headersSize": -1, "bodySize": -1, "_transferSize": 0, "_error": "net::ERR_NAME_NOT_RESOLVED"},
    "startedDateTime": "2026-11-30T08:00:01.000Z", "time": 3, "timings": {"blocked": 3, "dns": -1, "connect": -1, "send": 0, "wait": 0, "receive": 0}
  }]}}"#;

/// As Firefox saves it, with its byte order mark put before it by an editor.
const FIREFOX: &str = "\u{feff}{\"log\": {\"version\": \"1.1\", \"creator\": {\"name\": \"Firefox\", \"version\": \"133.0\"}, \"browser\": {\"name\": \"Firefox\", \"version\": \"133.0\"},
  \"pages\": [], \"entries\": [{\"startedDateTime\": \"2026-11-30T09:00:00.500+01:00\",
    \"request\": {\"bodySize\": 2, \"method\": \"PUT\", \"url\": \"http://[::1]:8080?q\", \"httpVersion\": \"HTTP/1.1\",
      \"headers\": [{\"name\": \"Host\", \"value\": \"[::1]:8080\"}, {\"name\": \"Content-Type\", \"value\": \"application/json\"}],
      \"cookies\": [], \"queryString\": [{\"name\": \"q\", \"value\": \"\"}], \"headersSize\": 310,
      \"postData\": {\"mimeType\": \"application/json\", \"params\": [], \"text\": \"{}\"}},
    \"response\": {\"status\": 404, \"statusText\": \"Not Found\", \"httpVersion\": \"HTTP/1.1\",
      \"headers\": [{\"name\": \"Content-Type\", \"value\": \"text/plain\"}, {\"name\": \"Content-Length\", \"value\": \"5\"}],
      \"cookies\": [], \"content\": {\"mimeType\": \"text/plain\", \"size\": 5, \"text\": \"gone\\n\"}, \"redirectURL\": \"\", \"headersSize\": 80, \"bodySize\": 85},
    \"cache\": {\"beforeRequest\": null}, \"timings\": {\"blocked\": 0, \"dns\": 0, \"connect\": 0, \"ssl\": 0, \"send\": 0, \"wait\": 4, \"receive\": 0}, \"time\": 4,
    \"_securityState\": \"insecure\", \"serverIPAddress\": \"::1\", \"connection\": \"8080\"}]}}";

#[test]
fn what_chromium_writes_is_read() {
    let came = import(CHROMIUM.as_bytes()).unwrap();
    let first = &came[0];
    assert_eq!(
        first.request,
        Message {
            line: StartLine::Request {
                method: "POST".to_owned(),
                target: "/pay?to=a%20b".to_owned(),
                authority: "shop.example".to_owned(),
            },
            fields: vec![
                field("content-type", "application/x-www-form-urlencoded"),
                field("accept-encoding", "gzip, br"),
            ],
            content: content(b"sum=1&a"),
            trailers: Vec::new(),
        }
    );
    // The body is there without its coding.
    let fields = vec![
        field("content-length", "6"),
        field("content-type", "image/gif"),
    ];
    assert_eq!(first.answer(), Some(response(200, fields, b"GIF89a")));
    let facts = (
        &first.scheme[..],
        &first.protocol[..],
        first.duration,
        first.id,
    );
    assert_eq!(facts, ("https", "HTTP/2", 12_250, 1));
    assert_eq!(first.began % 1_000_000, 250_000);
    let second = &came[1];
    assert_eq!(
        (second.url(), second.answer()),
        ("http://gone.example/".to_owned(), None)
    );
    assert_eq!(second.ending, Ending::CutOff);
}

#[test]
fn what_firefox_writes_is_read() {
    let came = import(FIREFOX.as_bytes()).unwrap();
    let first = &came[0];
    assert_eq!(first.url(), "http://[::1]:8080/?q");
    assert_eq!(first.request.content, content(b"{}"));
    let fields = vec![
        field("Content-Type", "text/plain"),
        field("Content-Length", "5"),
    ];
    assert_eq!(first.answer(), Some(response(404, fields, b"gone\n")));
    assert_eq!(first.began, 1_796_025_600_500_000);
    assert_eq!(first.ending, Ending::Complete);
}

#[test]
fn mistakes_name_the_entry() {
    let with = |request: Value, response: Value| {
        let entry = json!({"request": request, "response": response});
        let har = json!({"log": {"entries": [entry]}});
        import(har.to_string().as_bytes()).unwrap_err().to_string()
    };
    let get = json!({"method": "GET", "url": "http://a/"});
    let ok = json!({"status": 200});
    let cases = [
        (
            json!({"method": "GET", "url": "ftp://a/"}),
            ok.clone(),
            "entry 1: \"ftp://a/\" is not an http",
        ),
        (
            json!({"method": "G T", "url": "http://a/"}),
            ok.clone(),
            "\"G T\" is no method",
        ),
        (get.clone(), json!({"status": 7}), "7 is no status"),
        (
            get.clone(),
            json!({"status": 200, "content": {"text": "?", "encoding": "base64"}}),
            "not base64",
        ),
        (
            get.clone(),
            json!({"status": 200, "content": {"text": "", "encoding": "rot13"}}),
            "unknown encoding \"rot13\"",
        ),
        (
            get,
            json!({"status": 200, "headers": [{"name": "a b", "value": ""}]}),
            "the field \"a b\"",
        ),
        (
            json!({"method": "POST", "url": "http://a/", "postData": {"mimeType": "multipart/form-data", "params": [{"name": "a"}]}}),
            ok,
            "given as parameters of \"multipart/form-data\"",
        ),
    ];
    for (request, response, words) in cases {
        let error = with(request, response);
        assert!(error.contains(words), "{error}");
    }
    let error = import(b"{\"log\":\n 1}").unwrap_err().to_string();
    assert!(error.starts_with("line 2: not a HAR: "), "{error}");
}
