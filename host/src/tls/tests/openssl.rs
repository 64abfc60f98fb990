//! OpenSSL as the peer: what it may choose of our server, and how our client gets along with its server. Needs the
//! command `openssl` (1.1.1 or later).

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use tokio::net::{TcpListener, TcpStream};

use super::*;

/// The output of a command of openssl that must go well.
pub(super) fn run(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let (success, output) = try_run(arguments, input);
    assert!(success, "openssl {arguments:?}");
    output
}

fn try_run(arguments: &[&str], input: &[u8]) -> (bool, Vec<u8>) {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("these tests need the command `openssl`");
    // It may end without reading it.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    (output.status.success(), output.stdout)
}

/// A server with the identity that closes each connection after its handshake.
async fn serve(identity: &ServerIdentity) -> SocketAddr {
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = identity.acceptor();
    tokio::spawn(async move {
        while let Ok((io, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut stream) = acceptor.accept(io).await {
                    let _ = stream.shutdown().await;
                }
            });
        }
    });
    address
}

async fn s_client(address: SocketAddr, ca: &Path, more: &[&str]) -> (bool, String) {
    let address = address.to_string();
    let fixed = [
        "s_client",
        "-connect",
        &address,
        "-CAfile",
        ca.to_str().unwrap(),
        "-verify_return_error",
        // Waits for what the server has to say, its tickets included.
        "-ign_eof",
    ];
    let arguments: Vec<String> = fixed
        .iter()
        .chain(more)
        .map(|&text| text.to_owned())
        .collect();
    let run = tokio::task::spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        try_run(&arguments, b"")
    });
    let (success, output) = within(run).await.unwrap();
    (success, String::from_utf8_lossy(&output).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn openssl_can_choose_what_is_recommended_and_nothing_else() {
    let (files, authority) = (Files::new(), Authority::new("ca"));
    let address = serve(&files.identity(&authority.issue(&["127.0.0.1"]))).await;
    let ca = files.write("ca.pem", &authority.pem);
    let cases: [(&[&str], Option<&str>); 17] = [
        (&["-tls1_3"], Some("Cipher is TLS_")),
        (
            &["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"],
            Some("Cipher is TLS_AES_128_GCM_SHA256"),
        ),
        (
            &["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"],
            None,
        ),
        (&["-tls1_2"], Some("TLSv1.2, Cipher is ECDHE-ECDSA-")),
        (
            &["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"],
            Some("Cipher is ECDHE-ECDSA-CHACHA20"),
        ),
        (&["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"], None),
        (&["-tls1_2", "-cipher", "AES128-GCM-SHA256"], None),
        (&["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], None),
        (&["-tls1_3", "-groups", "X25519"], Some("X25519")),
        (&["-tls1_3", "-groups", "P-256"], Some("prime256v1")),
        (&["-tls1_3", "-groups", "P-384"], Some("secp384r1")),
        (&["-tls1_3", "-groups", "P-521"], None),
        (&["-alpn", "h2,http/1.1"], Some("ALPN protocol: h2")),
        (&["-alpn", "http/1.1,h2"], Some("ALPN protocol: h2")),
        (&["-alpn", "http/1.1"], Some("ALPN protocol: http/1.1")),
        (&["-alpn", "spdy/3"], None),
        (
            &["-verify_ip", "127.0.0.1"],
            Some("Verify return code: 0 (ok)"),
        ),
    ];
    for (arguments, expected) in cases {
        let (success, output) = s_client(address, &ca, arguments).await;
        match expected {
            Some(expected) => assert!(
                success && output.contains(expected),
                "{arguments:?}: {output}"
            ),
            None => assert!(
                !success && output.contains("CONNECTED"),
                "{arguments:?}: {output}"
            ),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn openssl_resumes_sessions_of_both_versions() {
    let (files, authority) = (Files::new(), Authority::new("ca"));
    let address = serve(&files.identity(&authority.issue(&["127.0.0.1"]))).await;
    let ca = files.write("ca.pem", &authority.pem);
    for (version, ticket) in [("-tls1_3", true), ("-tls1_2", true), ("-tls1_2", false)] {
        let session = files.path("session");
        let session = session.to_str().unwrap();
        let more: &[&str] = if ticket { &[] } else { &["-no_ticket"] };
        let (_, first) = s_client(
            address,
            &ca,
            &[&[version, "-sess_out", session], more].concat(),
        )
        .await;
        assert!(first.contains("New, "), "{first}");
        // Of the sealed tickets; those that stand for an entry in the cache last twice as long.
        assert_eq!(first.contains("lifetime hint: 43200"), ticket, "{first}");
        let (_, second) = s_client(
            address,
            &ca,
            &[&[version, "-sess_in", session], more].concat(),
        )
        .await;
        assert!(second.contains("Reused, "), "{version}: {second}");
        let early = version != "-tls1_3" || second.contains("Max Early Data: 0");
        assert!(early, "{second}");
    }
}

#[test]
fn the_fingerprint_is_the_one_that_openssl_shows() {
    let files = Files::new();
    let issued = Authority::new("ca").issue(&["a.example"]);
    let shown = run(
        &["x509", "-noout", "-fingerprint", "-sha256"],
        issued.chain.as_bytes(),
    );
    let shown = String::from_utf8(shown).unwrap();
    assert_eq!(
        shown.trim().split_once('=').unwrap().1,
        files.identity(&issued).fingerprint()
    );
}

/// `openssl s_server`, ended with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn s_server(arguments: &[&str]) -> (Server, SocketAddr) {
    let mut child = Command::new("openssl")
        .args(["s_server", "-accept", "127.0.0.1:0"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("these tests need the command `openssl`");
    let output = BufReader::new(child.stdout.take().unwrap());
    let server = Server(child);
    for line in output.lines() {
        if let Some(address) = line.unwrap().strip_prefix("ACCEPT ") {
            return (server, address.parse().unwrap());
        }
    }
    panic!("openssl s_server {arguments:?} did not start");
}

#[tokio::test]
async fn our_client_gets_along_with_openssls_server() {
    let (files, authority) = (Files::new(), Authority::new("ca"));
    let (chain, key) = files.pair("server", &authority.issue(&["a.example"]));
    let ca = files.write("ca.pem", &authority.pem);
    let client = ClientTls::new(ClientOptions {
        client: Some(files.pair("client", &authority.issue(&["client"]))),
        ..trusting(&ca)
    })
    .unwrap();
    let [chain, key, ca] = [&chain, &key, &ca].map(|path| path.to_str().unwrap());
    for version in ["-tls1_3", "-tls1_2"] {
        let demand = [
            "-Verify",
            "1",
            "-verify_return_error",
            "-CAfile",
            ca,
            "-alpn",
            "h2",
            "-www",
        ];
        let (_server, address) =
            s_server(&[&["-cert", chain, "-key", key, version], &demand[..]].concat());
        let io = TcpStream::connect(address).await.unwrap();
        let mut connected = within(client.connect(io, "a.example", Alpn::Either))
            .await
            .unwrap();
        assert!(connected.http2);
        let mut page = Vec::new();
        within(async {
            connected
                .stream
                .write_all(b"GET / HTTP/1.0\r\n\r\n")
                .await
                .unwrap();
            connected.stream.read_to_end(&mut page).await.unwrap();
        })
        .await;
        let page = String::from_utf8_lossy(&page);
        assert!(
            page.starts_with("HTTP/1.0 200") && page.contains("Client certificate"),
            "{page}"
        );
    }
}
