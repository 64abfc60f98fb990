//! `tollgate test`: cases that say what a plugin's state is, what its outbound requests come to, how time passes, and how bodies
//! arrive; and cases of several exchanges.

use super::{Desk, json};

const REQUEST: &str = "### request\nGET / HTTP/1.1\nhost: h\n";

/// Asserts that these cases are met, each in its own file.
async fn all_met(desk: &Desk, guest: &str, cases: &[String]) {
    for (number, case) in cases.iter().enumerate() {
        desk.write(&format!("tests/{number}.http"), case);
    }
    let ended = desk.test(guest, "").await;
    let words = format!("{} ok\n", cases.len());
    assert!(
        ended.code == Some(0) && ended.stdout.ends_with(&words),
        "{}{}",
        ended.stdout,
        ended.stderr
    );
}

/// What is said of one case that is not met.
async fn not_met(desk: &Desk, guest: &str, case: &str) -> String {
    desk.write("tests/a.http", case);
    let ended = desk.test(guest, "").await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    ended.stdout
}

fn status(status: u16) -> String {
    format!("### expect response\nHTTP/1.1 {status}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_says_the_state_before_and_after() {
    let desk = Desk::with(&["count-state"]);
    let before = "### state\ncount = { value = 3, ttl = '60s' }\n\"other key\" = 'x'\n";
    let after = "### expect state\n\"other key\" = '{{any}}'\ncount = { value = 4, ttl = '1m' }\n";
    let cases = [
        format!("{before}{REQUEST}{after}{}", status(204)),
        // The state of another case is not there.
        format!("{REQUEST}### expect state\ncount = 1\n{}", status(201)),
    ];
    all_met(&desk, "count-state", &cases).await;
    let wrong = format!("{REQUEST}### expect state\ncount = 2\ngone = 1\n");
    let said = not_met(&Desk::with(&["count-state"]), "count-state", &wrong).await;
    let diff = "    --- expect state\n    +++ what came\n    @@ -1,2 +1 @@\n    -count = 2\n    -gone = 1\n    +count = 1\n";
    assert!(said.contains(diff), "{said}");
    let wrong = "### state\na.b = 1\n### request\nGET / HTTP/1.1\n";
    let said = not_met(&Desk::with(&["count-state"]), "count-state", wrong).await;
    assert!(said.contains("tests/a.http:2: a"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_writes_the_state_that_changed() {
    let desk = Desk::with(&["count-state", "mark"]);
    desk.write("tests/a.http", format!("### state\nkept = 'x'\n{REQUEST}"));
    let ended = desk.test("count-state", "--update").await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let written = desk.read("tests/a.http");
    let end = "### expect state\ncount = 1\nkept = \"x\"\n";
    assert!(written.ends_with(end), "{written}");
    assert_eq!(desk.test("count-state", "").await.code, Some(0));
    // Who changes nothing gets no such section.
    desk.write("tests/a.http", format!("### state\nkept = 'x'\n{REQUEST}"));
    desk.test("mark", "--update").await;
    let written = desk.read("tests/a.http");
    assert!(written.contains("x-mark") && !written.contains("expect state"));
}

#[tokio::test(flavor = "multi_thread")]
async fn exchanges_of_a_case_follow_one_another_on_one_state_and_one_clock() {
    let desk = Desk::with(&["count-state"]);
    let state = "### state\ncount = { value = 7, ttl = '30s' }\n";
    let (first, second) = (status(208), status(201));
    let case = format!(
        "{state}{REQUEST}{first}### next (after 29s)\n{REQUEST}{}### expect state\ncount = {{ value = 9, ttl = '1s' }}\n\
         ### next (after 1s)\n{REQUEST}{second}### expect state\ncount = 1\n",
        status(209)
    );
    all_met(&desk, "count-state", std::slice::from_ref(&case)).await;
    let wrong = case.replace("209", "210");
    let said = not_met(&Desk::with(&["count-state"]), "count-state", &wrong).await;
    assert!(
        said.contains("    exchange 2:\n    --- expect response\n"),
        "{said}"
    );
    // Instances go on, and an update writes each expectation behind its exchange.
    let desk = Desk::with(&["count"]);
    desk.write(
        "tests/a.http",
        format!("{REQUEST}### next\nwords\n{REQUEST}### next\n{REQUEST}"),
    );
    let ended = desk.test("count", "--update --json").await;
    assert_eq!(json(&ended)["cases"][0]["result"], "updated");
    let written = desk.read("tests/a.http");
    let parts: Vec<&str> = written.split("### next\n").collect();
    for (number, part) in parts.iter().enumerate() {
        let count = format!("x-count: {}", number + 1);
        assert!(
            part.contains(&count) && part.contains("### expect request\n"),
            "{written}"
        );
    }
    assert!(
        parts.len() == 3 && parts[1].starts_with("words\n"),
        "{written}"
    );
    assert_eq!(desk.test("count", "").await.code, Some(0));
}

/// A request that the guest `ask-again` sends, with its answer.
const ASKED: &str = "### request\nGET /x?{{any}} HTTP/1.1\nhost: api.example\n\
    ### outbound request\nGET http://api.example/x?{{open}}any}} HTTP/1.1\n### outbound response\nHTTP/1.1 418 Teapot\n\nshort and stout\n";

#[tokio::test(flavor = "multi_thread")]
async fn outbound_requests_are_answered_from_the_case() {
    let desk = Desk::with(&["ask-again"]);
    let private = ASKED.replace("api.example", "127.0.0.1:1");
    let cases = [
        format!("{ASKED}{}", status(418)),
        // No socket is opened, so every destination is granted.
        format!("{private}{}", status(418)),
        ASKED.replace(
            "outbound response\nHTTP/1.1 418 Teapot\n\nshort and stout\n",
            "outbound error\nunresolved: no such name\n",
        ) + &status(599),
        ASKED.replace("http://api.example/x?{{open}}any}}", "{{re:http://api.+}}") + &status(418),
    ];
    all_met(&desk, "ask-again", &cases).await;
    let denied = format!(
        "### options\nallow.http = ['https://api.example']\n{}{}",
        ASKED.split("### outbound").next().unwrap(),
        status(599)
    );
    all_met(&Desk::with(&["ask-again"]), "ask-again", &[denied]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_and_not_answered_or_answered_and_not_asked_is_a_failure() {
    let said = async |case: &str| not_met(&Desk::with(&["ask-again"]), "ask-again", case).await;
    let (asks, answers) = ASKED.split_once("### outbound").unwrap();
    let unanswered = said(asks).await;
    let lines = "the case has no answer for a request that the plugin sent; to give one, add:\n    \
        ### outbound request\n    GET http://api.example/x?{{open}}any}} HTTP/1.1\n    ### outbound response\n    HTTP/1.1 200 OK\n";
    assert!(unanswered.contains(lines), "{unanswered}");
    let other = said(&ASKED.replace("GET http", "PUT http")).await;
    let diff = "    -PUT http://api.example/x?{{open}}any}} HTTP/1.1\n    +GET http://api.example/x?{{open}}any}} HTTP/1.1\n";
    assert!(other.contains(diff), "{other}");
    let twice = said(&format!("{ASKED}### outbound{answers}")).await;
    let words = "the plugin did not send this request, which is expected on line 10:\n    ### outbound request\n";
    assert!(twice.contains(words), "{twice}");
    // What would come of it is not written, since it is not what will come.
    let desk = Desk::with(&["ask-again"]);
    desk.write("tests/a.http", asks);
    let ended = desk.test("ask-again", "--update").await;
    assert_eq!(
        (ended.code, desk.read("tests/a.http")),
        (Some(1), asks.to_owned())
    );
    for (from, to, words) in [
        (
            "GET http://api.example",
            "GET ",
            "a.http:5: expected a whole URL",
        ),
        (
            "### outbound response\n",
            "### expect log\n",
            "a.http:4: behind it an `outbound response`",
        ),
        (
            "### outbound request\n",
            "### expect log\n",
            "a.http:6: before it the `outbound request` is expected",
        ),
    ] {
        let mistake = said(&ASKED.replacen(from, to, 1)).await;
        assert!(mistake.contains(words), "{mistake}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_takes_no_time_and_moves_the_clocks() {
    let desk = Desk::with(&["waits", "sleep"]);
    let shown = |now: u64, passed: u64| {
        let (now, passed) = (now * 1_000_000, passed * 1_000_000);
        format!(
            "### expect response\nHTTP/1.1 200 OK\nx-now: {now:016x}\nx-passed: {passed:016x}\n"
        )
    };
    // The monotonic clock begins at one second.
    let begin = 1_767_225_600_000;
    let case = format!(
        "{REQUEST}{}### next (after 1h)\n{REQUEST}{}",
        shown(begin + 2_000, 3_000),
        shown(begin + 3_604_000, 3_605_000),
    );
    let clock = std::time::Instant::now();
    all_met(&desk, "waits", &[case]).await;
    assert!(clock.elapsed().as_secs() < 60, "nobody waits for an hour");
    // A wait has an end here too: that of a call in the proxy.
    let long = "### options\ntimeout = '3h'\n### request\nGET /sleep HTTP/1.1\n### expect error\nforward-request: {{any}}120 s{{any}}\n";
    all_met(&desk, "sleep", &[long.to_owned()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_arrive_in_pieces_and_their_pieces_are_seen() {
    let exchange = "### request\nPOST / HTTP/1.1\nhost: h\n\nab\nxx\ncd\n\n\
        ### response\nHTTP/1.1 200 OK\ncontent-type: text/event-stream\n\ndata: a\n\nxdata: b\n\n\n";
    let expect = "### expect request pieces\n\"ab\\n\"\n\"[v000]\"\n\"c{{any}}\\n\"\n\
        ### expect response pieces\n\"data: a\\n\\n\"\nbase64 W3YwMDBd\n";
    let pieces = |pieces: &str| format!("### options\npieces.{pieces}\n{exchange}{expect}");
    let cases = ["request = 1", "response = [1, 9, 3]", "response = 1"].map(pieces);
    all_met(&Desk::with(&["rewrite"]), "rewrite", &cases).await;
    // A plugin that keeps its hands off the body passes it on as it comes.
    let plain = "### options\npieces.response = [2]\n### request\nGET / HTTP/1.1\n### response\nHTTP/1.1 200 OK\n\nabc\n\
        ### expect response pieces\n\"abc\"\n";
    let desk = Desk::with(&["mark"]);
    let said = not_met(&desk, "mark", plain).await;
    assert!(
        said.contains("    -\"abc\"\n    +\"ab\"\n    +\"c\"\n"),
        "{said}"
    );
    assert_eq!(desk.test("mark", "--update").await.code, Some(0));
    let written = desk.read("tests/a.http");
    assert!(
        written.contains("### expect response pieces\n\"ab\"\n\"c\"\n"),
        "{written}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_says_what_was_counted_and_calls_background_work() {
    let desk = Desk::with(&["measure-tick"]);
    let first =
        "requests_total{at=\"v000\"} 1\nwait_bucket{le=\"0.25\"} 1\nwait_count 1\nwait_sum 0.25\n";
    let case = format!(
        "{REQUEST}### expect metrics\n{first}### next (after 1m)\n### tick\n### expect metrics\nlevel {{{{any}}}}\n{first}\
         ### next\n{REQUEST}### expect metrics\n"
    );
    desk.write("tests/a.http", &case);
    let said = desk.test("measure-tick", "").await;
    let missing = "    exchange 3:\n    --- expect metrics\n    +++ what came\n    @@ -0,0 +1,5 @@\n    +level 7.5\n    +requests_total{at=\"v000\"} 2\n";
    assert!(
        said.code == Some(1) && said.stdout.contains(missing),
        "{}",
        said.stdout
    );
    assert_eq!(desk.test("measure-tick", "--update").await.code, Some(0));
    let written = desk.read("tests/a.http");
    assert!(
        written.contains("### tick\n### expect metrics\nlevel {{any}}\n"),
        "{written}"
    );
    assert!(!written.contains("### tick\n### expect re"), "{written}");
    assert!(
        written.contains("wait_count 2\nwait_sum 0.5\n"),
        "{written}"
    );
    assert_eq!(desk.test("measure-tick", "").await.code, Some(0));

    let desk = Desk::with(&["tick", "mark"]);
    let fails = "### settings\nfail = 1\n### tick\n### expect log\ninfo tick v000\n### expect error\ntick: fail\n";
    let does = "### tick\n### expect log\ninfo tick v000\n".to_owned();
    all_met(&desk, "tick", &[fails.to_owned(), does]).await;
    let said = not_met(&Desk::with(&["mark"]), "mark", "### tick\n").await;
    assert!(
        said.contains("the plugin has no background work that `tick` could call"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_says_the_messages_of_a_websocket() {
    let desk = Desk::with(&["messages", "mark"]);
    let case = |sent: &str, expected: &str| {
        format!("{REQUEST}### messages\n{sent}\n### expect messages\n{expected}\n")
    };
    let cases = [
        case(
            "client keep\nbackend x\nclient drop\nclient echo\nbackend base64 AAEC\nbackend \"a\\nb\"",
            "backend keep\nclient {{re:.v[0-9]+.}}\nclient echo\nclient base64 AAEC\nclient \"a\\nb\"",
        ),
        case(
            "client close\nclient keep",
            "client close 4000 bye\nbackend close 4000 bye",
        ),
        format!(
            "{}### expect error\nwebsocket-messages: trapped: {{{{any}}}}\n{}",
            case("client keep\nclient trap\nclient keep", "backend keep"),
            status(101)
        ),
        // A backend that does not switch opens none.
        format!(
            "{REQUEST}### response\nHTTP/1.1 403\n### messages\nclient x\n### expect messages\n### expect response\nHTTP/1.1 403\n"
        ),
    ];
    all_met(&desk, "messages", &cases).await;
    // Who exports no messages leaves them alone.
    all_met(
        &Desk::with(&["mark"]),
        "mark",
        &[case("client x", "backend x")],
    )
    .await;
    let wrong = case("client x", "backend x");
    let said = not_met(&Desk::with(&["messages"]), "messages", &wrong).await;
    assert!(
        said.contains("--- expect messages") && said.contains("+backend [v000]"),
        "{said}"
    );
    let wrong = format!("{REQUEST}### messages\nserver x\n");
    let said = not_met(&Desk::with(&["messages"]), "messages", &wrong).await;
    assert!(
        said.contains("tests/a.http:5: expected `client TEXT`"),
        "{said}"
    );
    let desk = Desk::with(&["messages"]);
    desk.write(
        "tests/a.http",
        format!("{REQUEST}### messages\nclient keep\n"),
    );
    let ended = desk.test("messages", "--update").await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let written = desk.read("tests/a.http");
    assert!(
        written.contains("### expect messages\nbackend keep\n"),
        "{written}"
    );
    // What was written is met.
    let ended = desk.test("messages", "").await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let wrong = format!("{REQUEST}### response\nHTTP/1.1 101\n");
    let said = not_met(&desk, "messages", &wrong).await;
    assert!(said.contains("101 opens a WebSocket"), "{said}");
}
