//! Listeners, `[server]`, `[tls]` and `[forwarding]`.

use super::*;
use crate::config::admin::TokenSource;
use crate::config::server::{Certificate, HalfClose, ServerConfig, ServerTls};
use crate::message::hygiene::{Forward, Forwarding};

const EVERYTHING: &str = "
reuse-port = true
admin = 4599
[tls]
certificate = 'chain.pem'
key = '/etc/key.pem'
cleartext = true
[server]
max-connections = 1
max-requests = 2
max-streams = 3
max-head = '8KiB'
max-fields = 50
max-target = 4096
max-body = '10MiB'
header-timeout = '1s'
idle-timeout = '2s'
body-timeout = '3s'
request-timeout = '4s'
tunnel-timeout = '5s'
half-close = 'cancel'
drain-delay = '6s'
[forwarding]
x-forwarded = 'append'
forwarded = 'keep'
via = false
";

#[test]
fn every_key() {
    let (config, dir) = resolved(&[], &[], Some(EVERYTHING)).unwrap();
    assert!(config.reuse_port);
    assert_eq!(
        config.admin.as_ref().unwrap().address.to_string(),
        "127.0.0.1:4599"
    );
    let tls = ServerTls {
        certificate: Certificate::Files {
            chain: dir.join("chain.pem"),
            key: "/etc/key.pem".into(),
        },
        cleartext: true,
    };
    assert_eq!(config.listeners[0].tls, Some(tls));
    let server = ServerConfig {
        max_connections: 1,
        max_requests: 2,
        max_streams: 3,
        max_head: 8192,
        max_fields: 50,
        max_target: 4096,
        max_body: Some(10 << 20),
        header_timeout: Duration::from_secs(1),
        idle_timeout: Duration::from_secs(2),
        body_timeout: Duration::from_secs(3),
        request_timeout: Some(Duration::from_secs(4)),
        tunnel_timeout: Duration::from_secs(5),
        half_close: HalfClose::Cancel,
        drain_delay: Duration::from_secs(6),
    };
    assert_eq!(config.server, server);
    let forwarding = Forwarding {
        x_forwarded: Forward::Append,
        forwarded: Forward::Keep,
        via: false,
    };
    assert_eq!(config.forwarding, forwarding);
    assert_eq!(config.file, Some(dir.join("t.toml")));
}

#[test]
fn nothing_said() {
    for file in [None, Some(""), Some("server = {}\nforwarding = {}")] {
        let (config, _) = resolved(&[], &[], file).unwrap();
        assert_eq!(config.server, ServerConfig::default());
        assert_eq!(config.forwarding, Forwarding::default());
        let Config {
            listeners,
            admin,
            reuse_port,
            ..
        } = config;
        assert_eq!((&listeners[0].tls, admin, reuse_port), (&None, None, false));
        assert_eq!(config.file.is_some(), file.is_some());
    }
}

#[test]
fn standard_components_are_off_until_somebody_says_so() {
    let allowed = |flags: &[&str], env: &[(&str, &str)], file| {
        let (config, _) = resolved(flags, env, file).unwrap();
        assert_eq!(
            config.for_plugin("any").standard,
            config.standard_components
        );
        config.standard_components
    };
    let on = Some("standard-components = true\n[plugin.any]\norder = 1");
    assert!(!allowed(&[], &[], None));
    assert!(allowed(&[], &[], on));
    assert!(!allowed(&[], &[("TOLLGATE_STANDARD_COMPONENTS", "0")], on));
    assert!(allowed(&["--standard-components"], &[], Some("")));
}

#[test]
fn the_target_has_no_more_room_than_the_head() {
    let target = |file: &str| {
        let (config, _) = resolved(&[], &[], Some(file)).unwrap();
        config.server.max_target
    };
    assert_eq!(target("server.max-head = '4KiB'"), 4096);
    assert_eq!(target("server.max-head = '64KiB'"), 16 << 10);
    assert_eq!(target("server.max-target = '32KiB'"), 32 << 10);
}

/// Flags, variables, the file (`;` for a line break), and what becomes of it: `reuse-port`, `admin`, `tls`, `cleartext`.
const LAYERS: &str = "
    |                             |                        => false - - -
    | TOLLGATE_REUSE_PORT=1       |                        => true - - -
    | TOLLGATE_REUSE_PORT=0       | reuse-port = true      => false - - -
    | TOLLGATE_REUSE_PORT=        | reuse-port = true      => true - - -
    --reuse-port | TOLLGATE_REUSE_PORT=0 | reuse-port = false => true - - -
    |                             | admin = 1              => false 1 - -
    | TOLLGATE_ADMIN=2            | admin = 1              => false 2 - -
    --admin=3 | TOLLGATE_ADMIN=2  | admin = 1              => false 3 - -
    |                             | tls.self-signed = true => false - self-signed false
    | TOLLGATE_TLS=e,f            | tls.self-signed = true => false - e+f false
    --tls | TOLLGATE_TLS=e,f      |                        => false - self-signed false
    --tls=a,b | TOLLGATE_TLS=e,f  | tls.self-signed = true => false - a+b false
    --tls | | tls.cleartext = true                         => false - self-signed true
    --tls --tls-cleartext | |                              => false - self-signed true
    --tls | TOLLGATE_TLS_CLEARTEXT=true |                  => false - self-signed true
    --tls | TOLLGATE_TLS_CLEARTEXT=0 | tls.cleartext = true => false - self-signed false
    --tls-cleartext | TOLLGATE_TLS_CLEARTEXT=0 | tls.self-signed = true => false - self-signed true
    --tls | | tls.certificate = '/c' ; tls.key = '/k'      => false - self-signed false
    |       | tls.certificate = '/c' ; tls.key = '/k' ; tls.self-signed = false => false - /c+/k false
    | TOLLGATE_TLS_CLEARTEXT=0 |                           => false - - -
";

#[test]
fn the_admin_listener_and_its_token() {
    let admin = |flags: &[&str], variables: &[(&str, &str)], file: &str| {
        let (config, dir) = resolved(flags, variables, Some(file)).unwrap();
        let admin = config.admin.unwrap();
        let token = match admin.token {
            None => "-".to_owned(),
            Some(TokenSource::Given(token)) => token,
            Some(TokenSource::File(path)) => {
                let path = path.strip_prefix(&dir).unwrap_or(&path);
                path.display().to_string()
            }
        };
        let address = admin.address.to_string();
        format!(
            "{} {token} {}",
            address.replace(&*dir.to_string_lossy(), "DIR"),
            admin.hosts.join(",")
        )
    };
    let table = "[admin]\naddress = 'unix:a.sock'\ntoken-file = 'secret'\nhosts = ['Gate.Example']";
    assert_eq!(
        admin(&[], &[], table),
        "unix:DIR/a.sock secret gate.example"
    );
    let given = [("TOLLGATE_ADMIN_TOKEN", "given")];
    assert_eq!(
        admin(&[], &given, table),
        "unix:DIR/a.sock given gate.example"
    );
    let flag = ["--admin-token-file=other"];
    assert_eq!(
        admin(&flag, &given, table),
        "unix:DIR/a.sock other gate.example"
    );
    assert_eq!(
        admin(&["--admin=unix:b"], &[], table),
        "unix:b secret gate.example"
    );
    assert_eq!(admin(&[], &[], "admin = 4599"), "127.0.0.1:4599 - ");
    assert_eq!(
        admin(&[], &given, "admin = '0.0.0.0:4599'"),
        "0.0.0.0:4599 given "
    );
    let config = resolved(&[], &given, Some("admin = 1")).unwrap().0;
    assert!(
        !format!("{config:?}").contains("given\""),
        "a token is in no log"
    );
}

#[test]
fn flags_win_over_environment_over_file() {
    for case in LAYERS.trim().lines() {
        let (given, expected) = case.split_once("=> ").unwrap();
        let given: Vec<_> = given.split('|').map(str::trim).collect();
        let flags: Vec<_> = given[0].split_whitespace().collect();
        let variables = given[1].split_whitespace();
        let variables: Vec<_> = variables.map(|v| v.split_once('=').unwrap()).collect();
        let file = given[2].replace(" ; ", "\n");
        let (config, _) = resolved(&flags, &variables, Some(&file)).unwrap();
        let none = || "-".to_owned();
        let admin = config.admin.as_ref().and_then(|a| a.address.tcp());
        let admin = admin.map_or_else(none, |a| a.port().to_string());
        let tls = config.listeners[0].tls.as_ref();
        let certificate = tls.map_or_else(none, |tls| match &tls.certificate {
            Certificate::SelfSigned => "self-signed".to_owned(),
            Certificate::Files { chain, key } => format!("{}+{}", chain.display(), key.display()),
        });
        let cleartext = tls.map_or_else(none, |tls| tls.cleartext.to_string());
        let got = format!("{} {admin} {certificate} {cleartext}", config.reuse_port);
        assert_eq!(got, expected, "{case}");
    }
}

const WRONG: &str = r#"
reuse-port = 'yes'
    => 1: reuse-port = 'yes': expected true or false
admin = '0.0.0.0:4599'
    => 1: admin = '0.0.0.0:4599': others reach this address, so a token is needed; expected a loopback address or unix:PATH, or --admin-token-file FILE (admin.token-file, TOLLGATE_ADMIN_TOKEN) too
admin = { address = '[::]:4599' }
    => 1: admin.address = '[::]:4599': others reach this address, so a token is needed; expected a loopback address or unix:PATH, or --admin-token-file FILE (admin.token-file, TOLLGATE_ADMIN_TOKEN) too
admin = 'unix:'
    => 1: admin = 'unix:': the path after unix: expected a path
admin.hosts = ['a:1']
    => 1: admin.hosts = 'a:1': expected the name of a host without a port, such as tollgate.example.com
admin.adress = 1
    => 1: admin.adress: unknown key; did you mean address?
admin = 'http://localhost:1'
    => 1: admin = 'http://localhost:1': expected an address and port without a scheme, such as 127.0.0.1:4567
admin = 4567
    => 1: admin = 4567: something else of the proxy listens there; expected an address of its own
admin = { address = '0.0.0.0:4566', token-file = 't' }
    => 1: admin.address = '0.0.0.0:4566': something else of the proxy listens there; expected an address of its own
tls = true
    => 1: tls = true: expected a table
[tls]
    => 1: tls: expected certificate and key, or self-signed = true
[tls] ; self-signed = false
    => 1: tls: expected certificate and key, or self-signed = true
[tls] ; self-signed = 'yes' ; certificate = 'a' ; key = 'b'
    => 2: tls.self-signed = 'yes': expected true or false
[tls] ; cleartext = true
    => 1: tls: expected certificate and key, or self-signed = true
[tls] ; certificate = 'a'
    => 2: tls.certificate = 'a': a certificate needs its private key; expected key too
[tls] ; key = 'a'
    => 2: tls.key = 'a': a private key needs its certificate; expected certificate too
[tls] ; certificate = 'a' ; key = ''
    => 3: tls.key = '': expected a path
[tls] ; certificate = 'a' ; key = 1
    => 3: tls.key = 1: expected a string
[tls] ; certificate = '~/a' ; key = 'b'
    => 2: tls.certificate = '~/a': `~` is the shell's and has no meaning here; expected the path in full
[tls] ; certificate = 'a' ; key = 'b' ; self-signed = true
    => 4: tls.self-signed = true: a certificate is made or read, not both; expected certificate and key, or self-signed alone
[tls] ; self-signed = true ; cert = 'a'
    => 3: tls.cert: unknown key; expected one of cleartext, self-signed, certificate, key
[tls] ; self_signed = true ; certificate = 'a' ; key = 'b'
    => 2: tls.self_signed: unknown key; did you mean self-signed?
self-signed = true
    => 1: self-signed: unknown key; did you mean tls.self-signed?
server = 1
    => 1: server = 1: expected a table
server.max-connections = 0
    => 1: server.max-connections = 0: expected a number from 1 to 4294967295
server.max-requests = '5'
    => 1: server.max-requests = '5': expected a whole number
server.max-streams = 2147483648
    => 1: server.max-streams = 2147483648: expected a number from 1 to 2147483647
server.max-fields = 19
    => 1: server.max-fields = 19: expected a number from 20 to 10000
server.max-head = 1023
    => 1: server.max-head = 1023: expected 1KiB to 1MiB
server.max-head = '2MiB'
    => 1: server.max-head = '2MiB': expected 1KiB to 1MiB
server.max-target = '64KiB'
    => 1: server.max-target = '64KiB': expected 256 to 65534 bytes
server = { max-head = '32KiB', max-target = '33KiB' }
    => 1: server.max-target = '33KiB': the target is part of the head, and max-head is 32768 bytes; expected no more than that
server.max-body = 0
    => 1: server.max-body = 0: expected more than no bytes; without this key there is no bound
server.max-body = '10M'
    => 1: server.max-body = '10M': expected a number of bytes or a size such as 64KiB, 256MiB or 1GB
server.header-timeout = '0s'
    => 1: server.header-timeout = '0s': must be greater than 0
server.idle-timeout = 75
    => 1: server.idle-timeout = 75: expected a string
server.body-timeout = '25h'
    => 1: server.body-timeout = '25h': expected at most 24h
server.request-timeout = '0ms'
    => 1: server.request-timeout = '0ms': must be greater than 0
server.tunnel-timeout = 'never'
    => 1: server.tunnel-timeout = 'never': expected a time with its unit, such as 500ms, 30s or 1m30s
server.drain-delay = '-1s'
    => 1: server.drain-delay = '-1s': expected a time with its unit, such as 500ms, 30s or 1m30s
server.max_head = 1
    => 1: server.max_head: unknown key; did you mean max-head?
max-head = '8KiB'
    => 1: max-head: unknown key; did you mean server.max-head?
forwarding = 'append'
    => 1: forwarding = 'append': expected a table
forwarding.x-forwarded = 'Append'
    => 1: forwarding.x-forwarded = 'Append': expected replace, append, keep or remove
forwarding.forwarded = true
    => 1: forwarding.forwarded = true: expected a string
forwarding.via = 'off'
    => 1: forwarding.via = 'off': expected true or false
forwarding.x-forwarded-for = 'keep'
    => 1: forwarding.x-forwarded-for: unknown key; expected one of x-forwarded, forwarded, via
via = false
    => 1: via: unknown key; did you mean forwarding.via?
"#;

#[test]
fn one_mistake_in_the_file() {
    assert_wrong(WRONG);
}

#[test]
fn one_mistake_in_a_flag_or_variable() {
    let cleartext =
        "without TLS there is cleartext anyway; expected --tls too, or [tls] in the file";
    let shared = "something else of the proxy listens there; expected an address of its own";
    type Case<'c> = (&'c [&'c str], &'c [(&'c str, &'c str)], String);
    let cases: [Case<'_>; 7] = [
        (&["--tls-cleartext"], &[], format!("--tls-cleartext: {cleartext}")),
        (
            &[],
            &[("TOLLGATE_TLS_CLEARTEXT", "1")],
            format!("TOLLGATE_TLS_CLEARTEXT=\"1\": {cleartext}"),
        ),
        (
            &["--tls=a.pem", "--tls-cleartext"],
            &[],
            "--tls \"a.pem\": expected self-signed, or two PEM files with a comma between: CHAIN.pem,KEY.pem"
                .to_owned(),
        ),
        (
            &[],
            &[("TOLLGATE_REUSE_PORT", "yes")],
            "TOLLGATE_REUSE_PORT=\"yes\": expected true or false".to_owned(),
        ),
        (
            &["--admin=x:1"],
            &[],
            "--admin \"x:1\": expected an IP address and port such as 127.0.0.1:4567 (names are not looked up)"
                .to_owned(),
        ),
        (
            &["--listen=9000", "--admin=9000"],
            &[],
            format!("--admin \"9000\": {shared}"),
        ),
        (
            &["--backend=echo://9000"],
            &[("TOLLGATE_ADMIN", "9000")],
            format!("TOLLGATE_ADMIN=\"9000\": {shared}"),
        ),
    ];
    for (flags, variables, expected) in cases {
        let got = resolved(flags, variables, None).unwrap_err();
        assert_eq!(got, [expected], "{flags:?} {variables:?}");
    }
    let free = ["--listen=0", "--admin=0", "--backend=echo://0"];
    assert!(resolved(&free, &[], None).is_ok());
}
