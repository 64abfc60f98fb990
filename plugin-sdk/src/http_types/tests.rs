//! That a message goes to the types of the crate `http` and back without harm.

use serde::Deserialize;

use super::*;
use crate::{Plugin, testing};

#[derive(Deserialize)]
struct RoundTrip;

impl Plugin for RoundTrip {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        let whole = request.to_http()?;
        request.set_http(whole)?;
        Ok(Verdict::Forward)
    }

    fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
        let whole = response.to_http()?.map(bytes::Bytes::from);
        Ok(response.set_http(whole)?)
    }
}

#[test]
fn a_message_goes_round_unharmed() {
    let backend = Answer::new(207)
        .field("set-cookie", "a=1")
        .field("transfer-encoding", "chunked")
        .field("set-cookie", [b'b', 0xff])
        .body([0, 0xff]);
    let outcome = testing::exchange()
        .method("PROPFIND")
        .authority("h:81")
        .target("/%61/?x=%zz&y")
        .field("x-a", "1")
        .field("content-length", "2")
        .field("X-A", "2")
        .field("x-empty", "")
        .body([0xfe, 0])
        .backend_response(backend)
        .run::<RoundTrip>();
    assert_eq!(outcome.error, None);
    let (request, response) = (outcome.request, outcome.response);
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("PROPFIND", "/%61/?x=%zz&y")
    );
    assert_eq!(request.field_values("x-a"), ["1", "2"]);
    assert_eq!(request.field_values("host"), ["h:81"]);
    assert_eq!(request.field_values("content-length"), ["2"]);
    assert_eq!(request.field("x-empty"), Some(""));
    assert_eq!(request.fields.len(), 5);
    assert_eq!(request.body, [0xfe, 0]);
    assert_eq!(response.status, 207);
    let cookies: Vec<&[u8]> = response
        .fields
        .iter()
        .filter(|(name, _)| name == "set-cookie")
        .map(|(_, value)| value.as_slice())
        .collect();
    assert_eq!(cookies, [&b"a=1"[..], b"b\xff"]);
    assert_eq!(response.field("transfer-encoding"), Some("chunked"));
    assert_eq!(response.body, [0, 0xff]);
}

#[test]
fn what_is_put_back_is_all_that_there_is() {
    #[derive(Deserialize)]
    struct Replace;
    impl Plugin for Replace {
        fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
            assert_eq!(request.http_method()?, Method::GET);
            assert_eq!(request.uri()?, "http://h/a?b");
            let new = http::Request::post("https://other:1/x?y=1")
                .header("x-new", "1")
                .header("connection", "close")
                .body("new")?;
            request.set_http(new)?;
            Ok(Verdict::Forward)
        }
        fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
            assert_eq!(response.http_status()?, StatusCode::NO_CONTENT);
            let mut parts = response.http_parts()?;
            parts.status = StatusCode::GONE;
            parts.headers.remove("x-old");
            Ok(response.set_http_parts(&parts)?)
        }
    }
    let outcome = testing::exchange()
        .authority("h")
        .target("/a?b")
        .field("x-old", "1")
        .body("old")
        .backend_response(
            Answer::new(204)
                .field("x-old", "1")
                .field("x-kept", "2")
                .body("b"),
        )
        .run::<Replace>();
    assert_eq!(outcome.error, None);
    let fields = |list: &[(String, Vec<u8>)]| {
        let names = list.iter().map(|(name, _)| name.clone());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(fields(&outcome.request.fields), "x-new host");
    assert_eq!(outcome.request.field("host"), Some("other:1"));
    assert_eq!(outcome.request.method, "POST");
    assert_eq!(outcome.request.target, "/x?y=1");
    assert_eq!(outcome.request.text(), "new");
    assert_eq!(
        (outcome.response.status, outcome.response.text()),
        (410, "b")
    );
    assert_eq!(fields(&outcome.response.fields), "x-kept");
}

#[test]
fn an_answer_comes_from_a_response_and_goes_to_one() {
    let response = http::Response::builder()
        .status(418)
        .header("set-cookie", "a=1")
        .header("content-length", "3")
        .header("set-cookie", "b=2")
        .body(bytes::Bytes::from_static(b"tea"))
        .unwrap();
    let answer = Answer::from(response);
    let back = http::Response::try_from(answer).unwrap();
    assert_eq!(back.status(), 418);
    assert_eq!(back.headers().len(), 2);
    assert_eq!(
        back.headers()
            .get_all("set-cookie")
            .iter()
            .collect::<Vec<_>>(),
        ["a=1", "b=2"]
    );
    assert_eq!(back.body(), b"tea");

    let text = http::Response::try_from(Answer::new(200).text("x")).unwrap();
    assert_eq!(text.headers()["content-type"], "text/plain; charset=utf-8");
    assert!(http::Response::try_from(Answer::new(42)).is_err());
    let bare = http::Response::try_from(Answer::from(StatusCode::FORBIDDEN)).unwrap();
    assert_eq!((bare.status().as_u16(), bare.body().len()), (403, 0));
}

#[test]
fn values_of_fields_are_the_same_bytes() {
    let value = FieldValue::from(vec![b'a', 0xff, b'\t']);
    let header = HeaderValue::try_from(value.clone()).unwrap();
    assert_eq!(header.as_bytes(), value.as_bytes());
    assert_eq!(FieldValue::from(&header), value);
    assert_eq!(FieldValue::from(header), value);
    assert!(HeaderValue::try_from(FieldValue::from("a\nb")).is_err());
}

#[test]
fn a_target_without_authority_is_the_whole_uri() {
    #[derive(Deserialize)]
    struct Star;
    impl Plugin for Star {
        fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
            assert_eq!(request.uri()?, "*");
            let parts = request.http_parts()?;
            Ok(request.set_http_parts(&parts).map(|()| Verdict::Forward)?)
        }
    }
    let outcome = testing::exchange()
        .method("OPTIONS")
        .authority("h")
        .target("*")
        .run::<Star>();
    assert_eq!(outcome.error, None);
    assert_eq!(outcome.request.target, "*");
}
