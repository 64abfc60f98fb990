//! The rules by which a body is rewritten in a test are those of the host.

use crate::testing::{self, Exchange, Rewritten};
use crate::{
    Answer, Error, Fate, Level, Plugin, Request, RequestBody, Response, ResponseBody, Result,
    Rewriter, Sink, Unit, Verdict, Wish, info,
};

/// Does with each piece what it says, in all units.
#[derive(serde::Deserialize)]
struct Obeys {
    #[serde(default)]
    decoded: bool,
    #[serde(default)]
    answer: Option<String>,
    #[serde(default)]
    upload: Option<String>,
}

#[derive(Default)]
struct Pieces {
    seen: usize,
}

impl Plugin for Obeys {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        if let Some(upload) = &self.upload {
            request.set_body(upload);
        }
        Ok(match &self.answer {
            Some(answer) => Answer::new(200).text(answer).into(),
            None => Verdict::Forward,
        })
    }
}

impl RequestBody for Obeys {
    type Rewriter = Box<dyn Rewriter>;

    fn request_body(&self, request: &Request) -> Result<Option<Wish<Self::Rewriter>>> {
        let pieces = Box::new(Pieces::default());
        Ok((request.path() != "/alone").then(|| Wish::messages(pieces as _)))
    }
}

impl ResponseBody for Obeys {
    type Rewriter = Pieces;

    fn response_body(
        &self,
        request: &Request,
        response: &Response,
    ) -> Result<Option<Wish<Pieces>>> {
        assert_eq!(request.method(), "GET");
        if response.status() == 500 {
            return Err(Error::new("not with 500"));
        }
        let wish = Wish::text(Pieces::default());
        Ok(Some(if self.decoded { wish.decoded() } else { wish }))
    }
}

impl Rewriter for Pieces {
    fn piece(&mut self, piece: &[u8], sink: &mut Sink) -> Result<Fate> {
        self.seen += 1;
        match piece {
            b"fail" => {
                sink.emit("last words;");
                Err(Error::new("told to fail"))
            }
            b"stop" => {
                sink.emit("stopped");
                Ok(Fate::Stop)
            }
            b"twice" => {
                sink.emit("1");
                sink.emit("2");
                Ok(Fate::Replace)
            }
            b"before" => {
                sink.emit("-");
                Ok(Fate::Keep)
            }
            b"drop" => Ok(Fate::Replace),
            _ => Ok(Fate::Keep),
        }
    }

    fn end(&mut self, sink: &mut Sink) -> Result<()> {
        info!("{} pieces", self.seen);
        sink.emit(format!("({})", self.seen));
        Ok(())
    }
}

fn there(exchange: Exchange, pieces: &[&str]) -> Rewritten {
    exchange.rewrite_request::<Obeys>(pieces)
}

fn back(answer: Answer, pieces: &[&str]) -> Rewritten {
    testing::exchange()
        .backend_response(answer)
        .rewrite_response::<Obeys>(pieces)
}

#[test]
fn each_piece_gets_its_fate() {
    for rewritten in [
        there(testing::exchange(), &["a", "before", "drop", "twice"]),
        back(Answer::new(200), &["a", "before", "drop", "twice"]),
    ] {
        assert_eq!(rewritten.error, None);
        assert_eq!(rewritten.text(), "a-before12(4)");
        assert_eq!(
            rewritten.sent,
            [&b"a"[..], b"-", b"before", b"1", b"2", b"(4)"]
        );
        assert_eq!(
            rewritten.by_piece,
            [&b"a"[..], b"-before", b"", b"12", b"(4)"]
        );
        assert!(!rewritten.stopped && rewritten.outcome.reached_backend);
        assert_eq!(
            rewritten.outcome.log,
            [(Level::Info, "4 pieces".to_owned())]
        );
    }
    let rewritten = there(testing::exchange(), &["a"]);
    assert_eq!(
        (rewritten.unit, rewritten.decoded),
        (Some(Unit::Messages), false)
    );
    assert_eq!(rewritten.outcome.request.text(), "a(1)");
    assert_eq!(
        back(Answer::new(200), &["a"]).outcome.response.text(),
        "a(1)"
    );
}

#[test]
fn a_stopped_body_has_no_end() {
    let rewritten = back(Answer::new(200), &["a", "stop", "b"]);
    assert_eq!(
        (rewritten.text().as_str(), rewritten.stopped),
        ("astopped", true)
    );
    assert_eq!((rewritten.error, rewritten.outcome.log), (None, vec![]));
}

#[test]
fn a_failure_cuts_the_body_off() {
    let rewritten = back(Answer::new(200), &["a", "fail", "b"]);
    assert_eq!(rewritten.error.as_deref(), Some("told to fail"));
    assert_eq!(rewritten.outcome.error, rewritten.error);
    assert_eq!(rewritten.text(), "alast words;");
    let refused = back(Answer::new(500), &["a"]);
    assert_eq!(
        (refused.error.as_deref(), refused.unit),
        (Some("not with 500"), None)
    );
    let rewritten = there(testing::exchange(), &["fail"]);
    assert_eq!(rewritten.error.as_deref(), Some("told to fail"));
    assert_eq!(rewritten.outcome.response.status, 200);
}

#[test]
fn the_plugin_is_asked_only_for_whole_bodies() {
    for status in [204, 206, 304] {
        let rewritten = back(Answer::new(status).field("etag", "\"a\""), &["a", "drop"]);
        assert_eq!((rewritten.unit, rewritten.text().as_str()), (None, "adrop"));
        assert_eq!(rewritten.outcome.response.field("etag"), Some("\"a\""));
    }
    let head = testing::exchange()
        .method("HEAD")
        .rewrite_response::<Obeys>([""; 0]);
    assert_eq!((head.unit, head.error), (None, None));
    let none = there(testing::exchange(), &[]);
    assert_eq!((none.unit, none.text().as_str()), (None, ""));
    let alone = there(testing::exchange().target("/alone"), &["drop"]);
    assert_eq!((alone.unit, alone.text().as_str()), (None, "drop"));
    // An empty answer is a body that can be made over time.
    assert_eq!(back(Answer::new(200), &[]).text(), "(0)");
}

#[test]
fn a_body_that_a_hook_sets_is_given_in_one_piece() {
    let uploaded = there(testing::exchange().setting("upload", "twice"), &["a", "b"]);
    assert_eq!(uploaded.text(), "12(1)");
    let answered = testing::exchange()
        .setting("answer", "drop")
        .rewrite_response::<Obeys>(["a"]);
    assert_eq!(
        (answered.text().as_str(), answered.outcome.reached_backend),
        ("(1)", false)
    );
}

#[test]
fn the_head_is_corrected_and_an_unknown_coding_is_refused() {
    let coded = |coding| {
        Answer::new(200)
            .field("content-encoding", coding)
            .field("accept-ranges", "bytes")
            .field("digest", "x")
            .field("content-length", "1")
            .field("etag", "\"a\"")
            .field("x-other", "stays")
    };
    let run = |coding, decoded: bool| {
        let exchange = testing::exchange()
            .backend_response(coded(coding))
            .setting("decoded", decoded);
        exchange.rewrite_response::<Obeys>(["a"])
    };
    let fields = |rewritten: &Rewritten| {
        let fields = &rewritten.outcome.response.fields;
        fields
            .iter()
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>()
    };
    let rewritten = run("gzip, BR", true);
    assert_eq!(
        (rewritten.error.as_deref(), rewritten.decoded),
        (None, true)
    );
    assert_eq!(fields(&rewritten), ["content-encoding", "etag", "x-other"]);
    assert_eq!(rewritten.outcome.response.field("etag"), Some("W/\"a\""));
    let refused = run("gzip, compress", true);
    let told = "the content coding \"compress\" is not supported: gzip, deflate, br and zstd are";
    assert_eq!(refused.error.as_deref(), Some(told));
    assert_eq!((refused.text().as_str(), refused.unit), ("", None));
    assert_eq!(run("compress", false).error, None);
}
