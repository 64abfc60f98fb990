//! What is said about files that can't be used: which file, what is wrong with it, and what to do.

use super::*;

/// Both directions refuse the pair, name the file, and say what is expected of them to say.
fn assert_refused(chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>, file: &str, expected: &str) {
    let files = Files::new();
    let (chain, key) = (files.write("chain.pem", chain), files.write("key.pem", key));
    let error = ServerIdentity::from_files(&chain, &key).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(expected), "{text}");
    assert!(text.contains(files.path(file).to_str().unwrap()), "{text}");
    let options = ClientOptions {
        client: Some((chain, key)),
        ..unsaid()
    };
    assert_eq!(ClientTls::new(options).unwrap_err().to_string(), text);
}

/// PEM around something that is no certificate.
const HOLLOW: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";

#[test]
fn an_unusable_chain_says_what_to_do() {
    let authority = Authority::new("ca");
    let issued = authority.issue(&["a.example"]);
    let refused = |chain: &[u8], expected| {
        assert_refused(chain, &issued.key, "chain.pem", expected);
    };
    refused(b"", "empty; there should be a PEM section `CERTIFICATE`");
    refused(b"hello", "should be a section that begins with `-----BEGIN");
    refused(&issued.der, "convert it, `openssl x509 -inform DER");
    refused(issued.key.as_bytes(), "only `PRIVATE KEY`: is it the right");
    refused(&issued.chain.as_bytes()[..200], "cut off: a PEM section");
    refused(b"-----BEGIN X---\n", "`-----BEGIN X---` begins no PEM");
    refused(HOLLOW.as_bytes(), "certificate 1 in it is damaged");
    let second_hollow = [&issued.chain, HOLLOW].concat();
    refused(second_hollow.as_bytes(), "certificate 2 in it is damaged");
    let garbled = issued.chain.replacen("MII", "*II", 1);
    refused(garbled.as_bytes(), "damaged: base64 decode error");
    refused(&vec![b'\n'; (4 << 20) + 1], "more than 4 MiB");
    let reversed = [&authority.pem, &*issued.chain].concat();
    refused(
        reversed.as_bytes(),
        "to number 2 in the file: put that first",
    );
}

#[test]
fn an_unusable_key_says_what_to_do() {
    let authority = Authority::new("ca");
    let issued = authority.issue(&["a.example"]);
    let refused = |key: &[u8], expected| {
        assert_refused(&issued.chain, key, "key.pem", expected);
    };
    let key = issued.key.as_bytes();
    refused(b"", "empty; there should be a PEM section `PRIVATE KEY`");
    refused(
        issued.chain.as_bytes(),
        "only `CERTIFICATE`: is it the right",
    );
    refused(&key[..100], "cut off: a PEM section");
    let der = openssl::run(&["pkey", "-outform", "DER"], key);
    refused(&der, "convert it, `openssl pkey -inform DER");
    for tool in ["pkey", "ec"] {
        let encrypted = openssl::run(&[tool, "-aes256", "-passout", "pass:secret"], key);
        refused(&encrypted, "encrypted: write it without a passphrase");
    }
    let bits = "rsa_keygen_bits:1024";
    let weak = openssl::run(&["genpkey", "-algorithm", "RSA", "-pkeyopt", bits], b"");
    refused(&weak, "use ECDSA P-256 or P-384, RSA of 2048 to 8192 bits");
    let other = authority.issue(&["a.example"]);
    refused(
        other.key.as_bytes(),
        "does not belong to the first certificate",
    );
}

#[test]
fn keys_of_all_usual_kinds_and_formats_are_taken() {
    let kinds: [&[&str]; 5] = [
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
        &["-algorithm", "ED25519"],
    ];
    let files = Files::new();
    for kind in kinds {
        let key = openssl::run(&[&["genpkey"], kind].concat(), b"");
        let key = files.write("key.pem", key);
        let name = key.to_str().unwrap();
        let request = ["req", "-x509", "-key", name, "-subj", "/CN=a", "-days", "9"];
        let chain = files.write("chain.pem", openssl::run(&request, b""));
        ServerIdentity::from_files(&chain, &key)
            .unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        if kind[1] != "ED25519" {
            let traditional = openssl::run(&["pkey", "-in", name, "-traditional"], b"");
            assert!(!traditional.starts_with(b"-----BEGIN PRIVATE KEY"));
            let key = files.write("traditional.pem", traditional);
            ServerIdentity::from_files(&chain, &key)
                .unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        }
    }
}

#[test]
fn chain_and_key_may_be_one_file() {
    let files = Files::new();
    let issued = Authority::new("ca").issue(&["a.example"]);
    let both = files.write(
        "both.pem",
        format!("comment\n{}\r\n{}", issued.key, issued.chain),
    );
    let identity = ServerIdentity::from_files(&both, &both).unwrap();
    assert_eq!(identity.fingerprint(), pem::fingerprint(&issued.der));
}

#[test]
fn what_is_no_file_is_refused() {
    let files = Files::new();
    let issued = Authority::new("ca").issue(&["a.example"]);
    let (chain, key) = files.pair("server", &issued);
    let text = ServerIdentity::from_files(&files.path("none"), &key)
        .unwrap_err()
        .to_string();
    assert!(
        text.starts_with("cannot read ") && text.contains("none"),
        "{text}"
    );
    let text = ServerIdentity::from_files(&chain, files.0.path())
        .unwrap_err()
        .to_string();
    assert!(text.ends_with("not a regular file"), "{text}");
}

#[test]
fn a_certificate_out_of_its_time_is_taken_with_a_warning() {
    let (files, authority) = (Files::new(), Authority::new("ca"));
    let now = SystemTime::now();
    let good = files.identity(&authority.issue(&["a.example"]));
    assert_eq!(good.warning(now), None);
    let expired = authority.issue_with(&["a.example"], |params| {
        params.not_before = (now - 9 * DAY).into();
        params.not_after = (now - 3 * DAY).into();
    });
    let warning = files.identity(&expired).warning(now).unwrap();
    assert_eq!(warning, "the certificate expired 3 days ago");
    let for_clients = authority.issue_with(&["a.example"], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let warning = files.identity(&for_clients).warning(now).unwrap();
    assert!(warning.contains("server authentication"), "{warning}");
}

#[test]
fn a_file_of_authorities_must_be_good_as_a_whole() {
    let files = Files::new();
    let authority = Authority::new("ca");
    let cases = [
        (
            String::new(),
            "empty; there should be a PEM section `CERTIFICATE`",
        ),
        (
            format!("{}{HOLLOW}", authority.pem),
            "certificate 2 in it is no authority",
        ),
    ];
    for (contents, expected) in cases {
        let ca = files.write("ca.pem", contents);
        let text = ClientTls::new(trusting(&ca)).unwrap_err().to_string();
        assert!(text.contains(expected) && text.contains("ca.pem"), "{text}");
    }
}
