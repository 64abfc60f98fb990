//! The system's authorities.

use std::env;
use std::process::Command;

use rustls::CertificateError;
use rustls_native_certs::CertificateResult;

use super::*;
use crate::tls::roots::store;

#[test]
fn a_store_without_authorities_is_an_error_and_a_part_of_one_is_not() {
    let found = |pems: &[&str], damaged: bool| {
        let files = Files::new();
        let mut found = CertificateResult::default();
        for pem in pems {
            found
                .certs
                .extend(pem::load_certificates(&files.write("ca.pem", pem)).unwrap());
        }
        if damaged {
            found.certs.push(vec![0x30, 0].into());
            found.errors =
                rustls_native_certs::load_certs_from_paths(Some(&files.path("none")), None).errors;
        }
        found
    };
    let authority = Authority::new("ca");
    assert_eq!(store(found(&[&authority.pem], false)).unwrap().len(), 1);
    assert_eq!(store(found(&[&authority.pem], true)).unwrap().len(), 1);
    let text = store(found(&[], true)).unwrap_err().to_string();
    assert!(
        text.contains("none") && text.contains("1 certificates are damaged"),
        "{text}"
    );
    assert!(
        text.starts_with("the system has no certificate authorities to trust ("),
        "{text}"
    );
    let text = store(found(&[], false)).unwrap_err().to_string();
    assert!(text.contains("(none found)"), "{text}");
}

/// The store is read once in a process and the environment says where it is, so this test starts itself anew.
#[test]
fn the_systems_authorities_are_used_when_none_are_named() {
    const SERVER: &str = "TOLLGATE_TEST_TLS_SERVER";
    if let Some(directory) = env::var_os(SERVER) {
        return as_child(Path::new(&directory));
    }
    let (files, authority) = (Files::new(), Authority::new("ca"));
    files.pair("server", &authority.issue(&["a.example"]));
    let good = files.write("ca.pem", &authority.pem);
    let other = files.write("other.pem", Authority::new("another").pem);
    let name = "tls::tests::roots::the_systems_authorities_are_used_when_none_are_named";
    let cases = [
        (good, "trusted"),
        (other, "unknown issuer"),
        (files.path("none"), "no roots"),
    ];
    for (store, expected) in cases {
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(SERVER, files.0.path())
            .env("SSL_CERT_FILE", store)
            .env_remove("SSL_CERT_DIR")
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&child.stdout);
        assert!(
            child.status.success() && output.contains(expected),
            "{expected}: {child:?}"
        );
    }
}

fn as_child(directory: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let identity = ServerIdentity::from_files(
        &directory.join("server.pem"),
        &directory.join("server-key.pem"),
    )
    .unwrap();
    let client = ClientTls::new(unsaid()).unwrap();
    let (result, _) = runtime.block_on(shake(
        &identity.acceptor(),
        &client,
        "a.example",
        Alpn::Http2,
    ));
    let said = match result {
        Ok(_) => "trusted",
        Err(TlsError::Certificate(CertificateError::UnknownIssuer)) => "unknown issuer",
        Err(TlsError::Setup(SetupError::NoRoots(_))) => "no roots",
        Err(other) => panic!("{other}"),
    };
    println!("{said}");
}
