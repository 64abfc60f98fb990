//! Messages.
use tollgate_tests::*;
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hello() {
    let origin = origin().route("/", text("hello")).start().await;
    let proxy = proxy().plugin("mark", guest("mark")).backend(&origin).start().await;
    assert_eq!(proxy.get("/").await.text(), "hello");
    assert_eq!(proxy.mark().await.as_deref(), Some("v000"));
    for name in guest_names() {
        let loaded = tollgate::plugin::load::load(guest(&name).text().as_bytes().to_vec());
        println!("{name}: {:?}", loaded.map(|l| l.source).map_err(|e| e.to_string()));
    }
}
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hello_binary() {
    let origin = origin().route("/", text("hello")).start().await;
    let proxy = proxy().plugin("mark", guest("mark")).backend(&origin).start_binary().await;
    assert_eq!(proxy.get("/").await.text(), "hello");
    println!("{} {}", proxy.peak_memory(), proxy.pieces_of_code());
    proxy.terminate();
    println!("{:?}", proxy.ended().await);
}
