//! Idle instances: they give way to calls and to new versions, whatever burst left them behind.

use tollgate_tests::*;

/// With plugins that wait for so long that all clients wait in each of them at the same time. An engine has room for 2000
/// instances, and these would leave 20 times 128 behind.
fn waiting(mut builder: Builder) -> Builder {
    let text = guest("wait").text().replace("20_000_000", "100_000_000");
    assert_ne!(text, guest("wait").text());
    for number in 0..20 {
        builder = builder.file(&format!("wait-{number:02}.wat"), &text);
    }
    builder
}

/// Asks on so many connections at once, so many times on each, and counts the answers by their status.
async fn bursts(proxy: &Served, clients: usize, rounds: usize) -> Vec<(u16, usize)> {
    let mut connected = Vec::new();
    for _ in 0..clients {
        connected.push(proxy.client().await);
    }
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..rounds {
        let asking = connected.drain(..).map(|mut client| {
            tokio::spawn(async move {
                let status = client.ask(&get("/")).await.status();
                (client, status)
            })
        });
        for asked in asking.collect::<Vec<_>>() {
            let (client, status) = asked.await.unwrap();
            connected.push(client);
            *counts.entry(status).or_default() += 1;
        }
    }
    counts.into_iter().collect()
}

/// More plugins than there is room for with the idle instances that each may have: the calls of the last ones find the pool
/// full of idle instances of the first.
#[tokio::test(flavor = "multi_thread")]
async fn those_of_other_plugins_give_way_to_a_call() {
    let proxy = waiting(proxy()).start().await;
    assert_eq!(bursts(&proxy, 128, 2).await, [(200, 256)]);
    assert_eq!(proxy.get("/").await.status(), 200);
}

/// A version that comes when the pool is full has its trial, serves, and is optimised.
#[tokio::test(flavor = "multi_thread")]
async fn those_of_other_plugins_give_way_to_a_trial() {
    let proxy = waiting(proxy().config("[limits]\ntrial = '20s'"))
        .start()
        .await;
    bursts(&proxy, 128, 1).await;
    proxy.plugins.write("mark.wat", guest("mark").text());
    eventually!(proxy.mark().await.as_deref() == Some("v000"));
    let optimized = |name: &str| {
        let status = proxy.status(name).unwrap();
        status.error.is_none()
            && status
                .serving
                .is_some_and(|serving| serving.tier == tollgate::plugin::Tier::Optimized)
    };
    eventually!(optimized("mark") && optimized("wait-19"));
}
