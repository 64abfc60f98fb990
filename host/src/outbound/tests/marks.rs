//! Calls that come back to the proxy that made them.

use super::*;

/// A proxy in little: for each request it looks how deep it is, refuses what is too deep, and otherwise has its plugin call
/// itself again. It answers with the depths that it saw.
async fn circle(strip: bool) -> (Peers, Caller) {
    let caller = caller(|_| ());
    let own = caller.clone();
    let peers = Peers::new(move |_, mut stream| {
        let caller = own.clone();
        async move {
            let Some(asked) = request(&mut stream).await else {
                return;
            };
            let fields = asked
                .lines()
                .skip(1)
                .filter_map(|line| line.split_once(": "));
            let fields = fields.filter(|(name, _)| !strip || *name != "tollgate-call");
            let depth = depth_of(fields.map(|(n, v)| (n.as_bytes(), v.as_bytes()))).unwrap_or(0);
            let response = if depth >= DEEPEST {
                "HTTP/1.1 508 Loop Detected\r\ncontent-length: 1\r\n\r\n8".to_owned()
            } else {
                let host = field(&asked, "host").unwrap();
                let url = format!("http://{host}/");
                let budget = CallBudget::new(depth);
                let again = caller.send(call("GET", &url), &budget);
                let answer = Box::pin(again).await.unwrap();
                ok(&format!("{depth}{}", String::from_utf8_lossy(&answer.body)))
            };
            stream.write_all(response.as_bytes()).await.unwrap();
        }
    })
    .await;
    (peers, caller)
}

#[tokio::test]
async fn a_circle_ends_at_the_eighth_call() {
    // Also when a proxy in between takes the mark away, or another host of tollgate knows nothing of it.
    for strip in [false, true] {
        let (peers, caller) = circle(strip).await;
        let answer = get(&caller, &peers.url("/")).await.unwrap();
        assert_eq!(answer.body, "12345678", "{strip}");
    }
}

#[tokio::test]
async fn an_exchange_that_is_too_deep_makes_no_calls() {
    let peers = Peers::saying(ok("x")).await;
    let caller = caller(|_| ());
    let calling = |depth| {
        let budget = CallBudget::new(depth);
        let call = call("GET", &peers.url("/"));
        let caller = &caller;
        async move { caller.send(call, &budget).await }
    };
    assert!(calling(DEEPEST - 1).await.is_ok());
    let error = calling(DEEPEST).await.unwrap_err();
    assert_eq!(error, CallError::Loop { depth: DEEPEST });
}

#[tokio::test]
async fn a_plugin_can_neither_set_nor_lower_the_mark() {
    let (asked, mut requests) = tokio::sync::mpsc::unbounded_channel();
    let peers = Peers::new(move |_, mut stream| {
        let asked = asked.clone();
        async move {
            let request = request(&mut stream).await.unwrap();
            asked.send(request).unwrap();
            stream.write_all(ok("").as_bytes()).await.unwrap();
        }
    })
    .await;
    let low = mark(1).1;
    let fields = [
        ("tollgate-call", low.to_str().unwrap()),
        ("Tollgate-Call", "forged"),
        ("cdn-loop", "other, tollgate;d=1"),
    ];
    let call = WholeCall {
        head: head("GET", &peers.url("/"), &fields),
        ..WholeCall::default()
    };
    caller(|_| ())
        .send(call, &CallBudget::new(4))
        .await
        .unwrap();
    let request = requests.recv().await.unwrap();
    let marks: Vec<_> = request
        .lines()
        .filter(|l| l.starts_with("tollgate-call"))
        .collect();
    assert_eq!(
        marks,
        [format!("tollgate-call: {}", mark(5).1.to_str().unwrap())]
    );
    assert!(request.contains("\r\ncdn-loop: other, tollgate;d=1\r\n"));
    assert!(request.contains("\r\ncdn-loop: tollgate;d=5\r\n"));
}
