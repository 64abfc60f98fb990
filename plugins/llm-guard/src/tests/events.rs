//! Single events of streams: how they may be written, how they end, what halts them.

use std::rc::Rc;

use crate::api::Api;
use crate::patterns::{Action, Patterns};
use crate::rewrite::{Answer, Fate, Halt, Unreadable};
use crate::scan::Scan;

pub fn patterns(action: Action) -> Rc<Patterns> {
    let mut patterns = Patterns::new("[redacted]");
    patterns.add_keyword("nightingale", "bird", action).unwrap();
    patterns.add_secrets(Action::Redact).unwrap();
    patterns.add_cards(Action::Redact).unwrap();
    Rc::new(patterns)
}

pub fn answer(api: Api, action: Action) -> Answer {
    Answer::new(api, Scan::new(&patterns(action)), Unreadable::Halt)
}

/// What a client gets of these events.
pub fn through(answer: &mut Answer, events: &[impl AsRef<str>]) -> String {
    let mut all = Vec::new();
    for event in events {
        let mut out = Vec::new();
        let (fate, _) = answer.event(event.as_ref().as_bytes(), &mut out);
        all.extend(out);
        match fate {
            Fate::Keep => all.extend(event.as_ref().bytes()),
            Fate::Replace => {}
            Fate::Stop => return String::from_utf8(all).unwrap(),
        }
    }
    let mut out = Vec::new();
    answer.end(&mut out);
    all.extend(out);
    String::from_utf8(all).unwrap()
}

fn chat(events: &[&str]) -> String {
    through(&mut answer(Api::OpenaiChat, Action::Redact), events)
}

#[test]
fn the_rest_of_an_event_stays() {
    let event = ": note\r\nid: 7\r\nretry:1\r\ndata:{ \"id\":\"x\", \"choices\":[{\r\ndata: \"index\":0,\"delta\":{\"content\" :\"a nightingale \\u00e9\"},\r\n\
                 data: \"logprobs\":{\"content\":[\r\ndata: 1]},\"n\":1.0} ]}\r\nunknown\r\n\r\n";
    let expected = event
        .replace("a nightingale \\u00e9", "a [redacted] é")
        .replace("{\"content\":[\r\ndata: 1]}", "null");
    assert_eq!(chat(&[event]), expected);
    // Nothing is found, so nothing is touched.
    let kept = event
        .replace("nightingale", "sparrow")
        .replace("{\"content\":[\r\ndata: 1]}", "null");
    assert_eq!(chat(&[&kept]), kept);
}

#[test]
fn events_without_text_pass() {
    let events = [
        ": comment\n\n",
        "\u{feff}data: {\"choices\":[]}\n\n",
        "event: ping\ndata: {}\n\n",
        "data:\n\n",
        "data\n\n",
        "id: 1\n\n",
        "\r\n",
        "data: [DONE]\r\r",
        "data: 7\n\n",
        "data: null\n\n",
        "data: {\"object\":\"error\",\"message\":\"x\"}",
    ];
    assert_eq!(chat(&events), events.concat());
}

#[test]
fn unknown_events_are_looked_at_too() {
    for api in [Api::OpenaiChat, Api::OpenaiResponses, Api::Anthropic] {
        let events = [
            "data: {\"type\":\"new\",\"deep\":[{\"note\":\"a nightingale\"}]}\n\n",
            "data: [\"nightingale\"]\n\n",
            "data: \"nightingale\"\n\n",
        ];
        let got = through(&mut answer(api, Action::Redact), &events);
        assert_eq!(
            got,
            events.concat().replace("nightingale", "[redacted]"),
            "{api:?}"
        );
    }
    // Fragments of a kind that is not known yet.
    let event = |part: &str| {
        format!(
            "data: {{\"type\":\"response.new.delta\",\"item_id\":\"i\",\"delta\":\"{part}\"}}\n\n"
        )
    };
    let got = through(
        &mut answer(Api::OpenaiResponses, Action::Redact),
        &[event("night"), event("ingale.")],
    );
    assert_eq!(got, event("") + &event("[redacted]."));
    let event = |part: &str| {
        format!("data: {{\"index\":3,\"delta\":{{\"type\":\"new_delta\",\"new\":\"{part}\"}}}}\n\n")
    };
    let got = through(
        &mut answer(Api::Anthropic, Action::Redact),
        &[event("night"), event("ingale.")],
    );
    assert_eq!(got, event("") + &event("[redacted]."));
}

#[test]
fn held_text_goes_on_before_the_end_of_its_channel() {
    let chunk =
        |choice: &str| format!("data: {{\"id\":\"c\",\"model\":\"m\",\"choices\":[{choice}]}}\n\n");
    let delta = |index: u8, text: &str| {
        chunk(&format!(
            "{{\"index\":{index},\"delta\":{{\"content\":\"{text}\"}}}}"
        ))
    };
    let flushed = |index: u8, text: &str| {
        chunk(&format!(
            "{{\"index\":{index},\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":null}}"
        ))
    };
    let finish = chunk("{\"index\":1,\"delta\":{},\"finish_reason\":\"stop\"}");
    let done = "data: [DONE]\n\n".to_owned();
    let got = through(
        &mut answer(Api::OpenaiChat, Action::Redact),
        &[
            delta(0, "a night"),
            delta(1, "b nightin"),
            delta(1, "gale"),
            finish.clone(),
            done.clone(),
        ],
    );
    let expected = [
        delta(0, "a "),
        delta(1, "b "),
        delta(1, ""),
        flushed(1, "[redacted]"),
        finish,
        flushed(0, "night"),
        done,
    ];
    assert_eq!(got, expected.concat());
    // A delta that is the last one of its choice holds nothing back.
    let both =
        chunk("{\"index\":0,\"delta\":{\"content\":\"a night\"},\"finish_reason\":\"length\"}");
    assert_eq!(chat(&[&both]), both);
    // The stream breaks off.
    assert_eq!(
        chat(&[&delta(0, "a night")]),
        delta(0, "a ") + &flushed(0, "night")
    );
}

#[test]
fn a_done_event_ends_its_text() {
    let event = |kind: &str, item: &str, text: &str, number: u8| {
        let text = if text.is_empty() {
            "\"x\":1".to_owned()
        } else {
            format!("\"delta\":\"{text}\"")
        };
        format!(
            "event: {kind}\ndata: {{\"type\":\"{kind}\",\"item_id\":\"{item}\",{text},\"sequence_number\":{number}}}\n\n"
        )
    };
    let (delta, done) = ("response.output_text.delta", "response.output_text.done");
    let events = [
        event(delta, "a", "one n", 1),
        event(delta, "b", "two n", 2),
        event(delta, "a", "i", 3),
        event(done, "a", "", 4),
        event(done, "b", "", 5),
    ];
    let got = through(&mut answer(Api::OpenaiResponses, Action::Redact), &events);
    // The number is that of the text's last delta.
    let expected = [
        event(delta, "a", "one ", 1),
        event(delta, "b", "two ", 2),
        event(delta, "a", "", 3).replace("\"x\":1", "\"delta\":\"\""),
        event(delta, "a", "ni", 3),
        event(done, "a", "", 4),
        event(delta, "b", "n", 2),
        event(done, "b", "", 5),
    ];
    assert_eq!(got, expected.concat());
}

#[test]
fn each_api_ends_in_its_own_way_when_it_is_halted() {
    let halted = |api, events: &[&str]| through(&mut answer(api, Action::Halt), events);
    let one = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"q\"}},{\"index\":1,\"delta\":{\"content\":\"z\"}}]}\r\n\r\n";
    let two = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" nightingale \"}}]}\r\n\r\n";
    assert_eq!(
        halted(Api::OpenaiChat, &[one, two, one]),
        format!(
            "{one}data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"content_filter\"}},\
             {{\"index\":1,\"delta\":{{}},\"finish_reason\":\"content_filter\"}}]}}\r\n\r\ndata: [DONE]\r\n\r\n"
        )
    );
    let one = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"object\":\"response\",\"created_at\":1,\"model\":\"m\",\"instructions\":\"nightingale\"},\"sequence_number\":0}\n\n";
    let two = "data: {\"type\":\"response.output_text.delta\",\"delta\":\"nightingale.\",\"sequence_number\":4}\n\n";
    let why = "\"code\":\"content_filter\",\"message\":\"The content was blocked by a content filter of the proxy.\"";
    assert_eq!(
        halted(Api::OpenaiResponses, &[one, two, one]),
        format!(
            "{one}event: error\ndata: {{\"type\":\"error\",{why},\"param\":null,\"sequence_number\":5}}\n\nevent: response.failed\ndata: \
             {{\"type\":\"response.failed\",\"response\":{{\"id\":\"r\",\"object\":\"response\",\"created_at\":1,\"model\":\"m\",\"status\":\"failed\",\
             \"error\":{{{why}}},\"output\":[]}},\"sequence_number\":6}}\n\n"
        )
    );
    let two = "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"nightingale\"}}\n\n";
    let stop = "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n";
    let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"The content was blocked by a content filter of the proxy.\"}}\n\n";
    assert_eq!(
        halted(Api::Anthropic, &[two, stop, stop]),
        two.replace("nightingale", "") + error
    );
    // What is held back when the stream breaks off is looked at as well.
    assert_eq!(
        halted(Api::Anthropic, &[two]),
        two.replace("nightingale", "") + error
    );
}

#[test]
fn what_cannot_be_read_is_halted_or_passed_and_counted() {
    let good = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a night\"}}]}\n\n";
    for bad in [
        "data: {\"a\n\n",
        "data: {\"a\":1,\"a\":\"x\"}\n\n",
        "data: x\n\n",
    ] {
        let mut out = Vec::new();
        let mut halting = answer(Api::OpenaiChat, Action::Redact);
        let (fate, why) = halting.event(bad.as_bytes(), &mut out);
        assert!(
            matches!((fate, why), (Fate::Stop, Some(Halt::Unreadable(_)))),
            "{bad}"
        );
        let mut passing = Answer::new(
            Api::OpenaiChat,
            Scan::new(&patterns(Action::Redact)),
            Unreadable::Pass,
        );
        let got = through(&mut passing, &[good, bad, good]);
        assert!(got.contains(bad) && got.contains("nighta "), "{got}");
        assert!(
            passing
                .summary("streamed", None)
                .contains("; passed 1 events unread")
        );
    }
    let mut out = Vec::new();
    let (fate, _) = answer(Api::OpenaiChat, Action::Redact).event(b"data: \xff\n\n", &mut out);
    assert_eq!(fate, Fate::Stop);
}

#[test]
fn tokens_are_those_that_the_server_reports() {
    let cases = [
        (
            Api::OpenaiChat,
            vec![
                "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":9}}\n\n",
            ],
        ),
        (
            Api::OpenaiResponses,
            vec![
                "data: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":3,\"output_tokens\":9}}}\n\n",
            ],
        ),
        (
            Api::Anthropic,
            vec![
                "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n",
                "data: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":9}}\n\n",
            ],
        ),
    ];
    for (api, events) in cases {
        let mut reading = answer(api, Action::Redact);
        through(&mut reading, &events);
        assert_eq!(
            reading.summary("streamed", None),
            format!("{}, streamed: 9 tokens out, 3 in (reported)", api.name())
        );
    }
}
