//! Metrics of plugins, through the whole proxy.

use tollgate_tests::*;

#[tokio::test(flavor = "multi_thread")]
async fn who_records_wrongly_is_told_once_and_the_exchange_goes_on() {
    let proxy = proxy()
        .plugin("measure", guest("measure"))
        .without_backend()
        .start_binary()
        .await;
    for _ in 0..3 {
        assert_eq!(proxy.get("/").await.status(), 200);
    }
    // A new version is told nothing that the plugin knows.
    let again = format!("{}\n;; again", guest("measure").text());
    proxy.plugins.replace("measure.wat", again);
    eventually!(proxy.stderr().matches("plugin measure: version").count() > 1);
    assert_eq!(proxy.get("/").await.status(), 200);
    let log = proxy.stderr();
    let told: Vec<_> = log
        .lines()
        .filter(|line| line.contains("nothing was recorded"))
        .collect();
    let in_service = told.iter().filter(|line| !line.contains("exchange=trial"));
    assert_eq!(in_service.count(), 1, "{told:?}");
    assert!(
        told.len() == 3,
        "and once in each version's trial: {told:?}"
    );
    assert!(
        told[0].contains("\"hits\"") && told[0].contains("plugin=\"measure\""),
        "{}",
        told[0]
    );
}
