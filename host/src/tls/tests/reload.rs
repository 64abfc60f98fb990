//! Files that change while connections run.

use super::*;

#[tokio::test]
async fn a_new_certificate_is_shown_and_running_connections_go_on() {
    let (files, authority) = (Files::new(), Authority::new("ca"));
    let (first, second) = (
        authority.issue(&["a.example"]),
        authority.issue(&["a.example"]),
    );
    let identity = files.identity(&first);
    let acceptor = identity.acceptor();
    let (mut old, mut old_server) =
        connected(&acceptor, &files.client(&authority), "a.example").await;
    assert_eq!(shown(&old), first.der);
    assert_eq!(identity.reload().unwrap(), Reloaded::Unchanged);

    files.pair("server", &second);
    let fingerprint = pem::fingerprint(&second.der);
    assert_eq!(
        identity.reload().unwrap(),
        Reloaded::Swapped {
            fingerprint: fingerprint.clone()
        }
    );
    assert_eq!(identity.reload().unwrap(), Reloaded::Unchanged);
    assert_eq!(identity.fingerprint(), fingerprint);
    exchange(&mut old.stream, &mut old_server).await;
    let (new, _) = connected(&acceptor, &files.client(&authority), "a.example").await;
    assert_eq!(shown(&new), second.der);
}

#[tokio::test]
async fn a_bad_or_half_replaced_pair_leaves_the_old_one_and_is_tried_again() {
    let (files, authority) = (Files::new(), Authority::new("ca"));
    let (first, second) = (
        authority.issue(&["a.example"]),
        authority.issue(&["a.example"]),
    );
    let identity = files.identity(&first);
    let steps: [(&str, &str, &str); 4] = [
        ("server.pem", &second.chain[..100], "cut off"),
        (
            "server.pem",
            &second.chain,
            "does not belong to the first certificate",
        ),
        ("server-key.pem", "", "empty"),
        ("server-key.pem", &first.chain, "no PEM section"),
    ];
    for (file, contents, expected) in steps {
        files.write(file, contents);
        for _ in 0..2 {
            let text = identity.reload().unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
        }
        let (seen, _) =
            connected(&identity.acceptor(), &files.client(&authority), "a.example").await;
        assert_eq!(shown(&seen), first.der, "{file}");
    }
    fs::remove_file(files.path("server-key.pem")).unwrap();
    assert!(matches!(identity.reload(), Err(SetupError::Read { .. })));
    files.write("server-key.pem", &second.key);
    let fingerprint = pem::fingerprint(&second.der);
    assert_eq!(
        identity.reload().unwrap(),
        Reloaded::Swapped { fingerprint }
    );
}

#[tokio::test]
async fn a_new_file_of_authorities_is_taken() {
    let (files, first, second) = (
        Files::new(),
        Authority::new("first"),
        Authority::new("second"),
    );
    let acceptor = other_server(&second.issue(&["a.example"]), |_| ());
    let client = files.client(&first);
    let (result, _) = shake(&acceptor, &client, "a.example", Alpn::Either).await;
    assert!(
        matches!(result, Err(TlsError::Certificate(_))),
        "{result:?}"
    );
    assert!(!client.reload().unwrap());

    files.write("ca.pem", "");
    assert!(client.reload().is_err());
    files.write("ca.pem", &second.pem);
    assert!(client.reload().unwrap());
    assert!(!client.reload().unwrap());
    connected(&acceptor, &client, "a.example").await;
}
