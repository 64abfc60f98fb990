//! How ids are learned and put into later requests.

use super::*;
use crate::record::sample::{self, content, field, response};

fn learned(pairs: &[(&str, &str)]) -> Ids {
    let mut ids = Ids::default();
    for (then, now) in pairs {
        let answer = |body: &str| response(200, Vec::new(), body.as_bytes());
        ids.learn(&answer(then), &answer(now));
    }
    ids
}

/// A request with this target, field and body, and what becomes of it.
fn renamed(ids: &Ids, target: &str, value: &str, body: &str) -> (String, String, String) {
    let mut request = sample::exchange().request;
    request.line = StartLine::Request {
        method: "POST".to_owned(),
        target: target.to_owned(),
        authority: "h".to_owned(),
    };
    request.fields = vec![field("x-ref", value)];
    request.content = content(body.as_bytes());
    ids.rename(&mut request);
    let StartLine::Request { target, .. } = request.line else {
        unreachable!()
    };
    assert_eq!(request.content.length, request.content.kept.len() as u64);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        target,
        text(&request.fields[0].value),
        text(&request.content.kept),
    )
}

fn target(ids: &Ids, text: &str) -> String {
    renamed(ids, text, "", "").0
}

#[test]
fn an_id_gets_its_new_name_wherever_it_stands_alone() {
    let ids = learned(&[(
        r#"{"id":"abc123def4","name":"shop","n":5}"#,
        r#"{"id":"zzz999yyy8","name":"shop","n":7}"#,
    )]);
    assert_eq!(ids.len(), 1);
    let (target, value, body) = renamed(
        &ids,
        "/restapis/abc123def4/x?arn=a%3Aabc123def4&abc123def45",
        "abc123def4",
        r#"{"a":"abc123def4","b":"xabc123def4","c":"arn:abc123def4/"}"#,
    );
    assert_eq!(
        target,
        "/restapis/zzz999yyy8/x?arn=a%3Azzz999yyy8&abc123def45"
    );
    assert_eq!(value, "zzz999yyy8");
    assert_eq!(
        body,
        r#"{"a":"zzz999yyy8","b":"xabc123def4","c":"arn:zzz999yyy8/"}"#
    );
}

#[test]
fn places_of_fields_and_xml_count_too() {
    let mut ids = Ids::default();
    let then = response(
        201,
        vec![field("Location", "http://a:1/users/77")],
        b"<r><instanceId>i-0aaa</instanceId></r>",
    );
    let now = response(
        201,
        vec![field("Location", "http://b:2/users/78")],
        b"<r><instanceId>i-0bbb</instanceId></r>",
    );
    ids.learn(&then, &now);
    assert_eq!(target(&ids, "/users/77"), "/users/78");
    assert_eq!(
        target(&ids, "/users/77/77x?page=77"),
        "/users/78/77x?page=78"
    );
    assert_eq!(
        target(&ids, "/?InstanceId.1=i-0aaa&u=http%3A%2F%2Fa%3A1%2Fx"),
        "/?InstanceId.1=i-0bbb&u=http%3A%2F%2Fb%3A2%2Fx"
    );
    let (_, _, body) = renamed(
        &ids,
        "/",
        "",
        r#"{"userId": 77, "count": 77, "url": "http://a:1/q", "id":"77"}"#,
    );
    assert_eq!(
        body,
        r#"{"userId": 78, "count": 77, "url": "http://b:2/q", "id":"78"}"#
    );
}

#[test]
fn what_is_no_id_keeps_its_name() {
    let ids = learned(&[(
        r#"{"status":"CREATING","at":"2026-11-30T08:00:00Z","count":7,"text":"queue q1 is new","created":1790000000,"v":"a1"}"#,
        r#"{"status":"ACTIVE","at":"2026-12-01T09:00:00Z","count":8,"text":"queue q2 is new","created":1790000999,"v":"b1"}"#,
    )]);
    assert_eq!(ids.len(), 0, "{ids:?}");
    let prices = learned(&[(
        r#"{"price":12.25,"at":1790000000.5}"#,
        r#"{"price":13.75,"at":1790000001.5}"#,
    )]);
    assert_eq!(prices.len(), 0, "{prices:?}");
}

#[test]
fn the_first_name_counts_and_no_name_leads_in_a_circle() {
    let ids = learned(&[
        (r#"{"id":"aaaa1111"}"#, r#"{"id":"bbbb2222"}"#),
        (r#"{"id":"cccc3333"}"#, r#"{"id":"aaaa1111"}"#),
        // A list in another order.
        (
            r#"{"ids":["aaaa1111","cccc3333"]}"#,
            r#"{"ids":["aaaa1111","bbbb2222"]}"#,
        ),
    ]);
    assert_eq!(target(&ids, "/aaaa1111/cccc3333"), "/bbbb2222/aaaa1111");
}

#[test]
fn what_is_opaque_is_renamed_as_a_whole() {
    let ids = learned(&[(
        r#"{"ReceiptHandle":"AQEB/x1+y==","Url":"http://127.0.0.1:4566/000/q"}"#,
        r#"{"ReceiptHandle":"BBBB99/z+w1=","Url":"http://127.0.0.1:9999/000/q"}"#,
    )]);
    let (_, _, body) = renamed(
        &ids,
        "/",
        "",
        r#"{"ReceiptHandle":"AQEB/x1+y==","Url":"http://127.0.0.1:4566/000/q"}"#,
    );
    assert_eq!(
        body,
        r#"{"ReceiptHandle":"BBBB99/z+w1=","Url":"http://127.0.0.1:9999/000/q"}"#
    );
    // Of which each part could not be renamed by itself.
    let alike = learned(&[(r#"{"Handle":"AQEB1/x+y="}"#, r#"{"Handle":"BBBB2/z+w="}"#)]);
    assert_eq!(
        target(&alike, "/?h=AQEB1%2Fx%2By%3D"),
        "/?h=BBBB2%2Fz%2Bw%3D"
    );
    assert_eq!(
        target(&ids, "/?h=AQEB%2Fx1%2By%3D%3D"),
        "/?h=BBBB99%2Fz%2Bw1%3D"
    );
}

#[test]
fn the_longest_text_counts_and_what_was_replaced_is_not_searched_again() {
    let mut ids = Ids::default();
    for (old, new) in [
        ("a:1", "b:2"),
        ("a:1/q7", "a:1/q8"),
        ("word1234", "word5678"),
    ] {
        ids.add(old, new);
    }
    assert_eq!(
        target(&ids, "/a:1/q7,a:1,word1234,é,a:11"),
        "/a:1/q8,b:2,word5678,é,a:11"
    );
}

/// As many as would not fit on a stack, were each a call within the one before.
#[test]
fn many_texts_and_many_hits_are_renamed() {
    const MANY: usize = 30_000;
    let mut ids = Ids::default();
    for number in 0..MANY {
        ids.add(&format!("old/{number}"), &format!("new/{number}"));
    }
    assert_eq!(ids.len(), MANY);
    let all = |name: &str| {
        let one = |number: usize| format!("{name}/{number} ");
        (0..MANY).map(one).collect::<String>()
    };
    let (_, _, body) = renamed(&ids, "/", "", &all("old"));
    assert!(body == all("new"));
}
