//! `listen` with several addresses, and the tables `[[listeners]]`.

use super::*;
use crate::config::listener::ListenerConfig;
use crate::config::server::Certificate;

/// Flags, variables, the file (`;` for a line break), and each listener: its name, addresses, `+` and what it has for TLS, and `*` if it
/// has routes of its own.
const LISTENERS: &str = "
    |                              | listen = ['127.0.0.1:1', '[::1]:2', 3]  => default 127.0.0.1:1,[::1]:2,127.0.0.1:3
    --listen=1 --listen=[::1]:1 |  | listen = 9                     => default 127.0.0.1:1,[::1]:1
    | TOLLGATE_LISTEN=1,localhost:2 | listen = 9                    => default 127.0.0.1:1,127.0.0.1:2
    --listen=5 | TOLLGATE_LISTEN=1 |                                => default 127.0.0.1:5
    |       | [[listeners]] ; address = 1                           => 127.0.0.1:1 127.0.0.1:1
    |       | [[listeners]] ; name = 'a' ; address = '[::1]:1' ; [[listeners]] ; name = 'b' ; addresses = [2, 3] => a [::1]:1 / b 127.0.0.1:2,127.0.0.1:3
    |       | listen = 1 ; [[listeners]] ; address = 2              => default 127.0.0.1:1 / 127.0.0.1:2 127.0.0.1:2
    --listen=7 |  | [[listeners]] ; address = 2                     => default 127.0.0.1:7 / 127.0.0.1:2 127.0.0.1:2
    |       | listeners = []                                        => default 127.0.0.1:4567
    |       | [[listeners]] ; name = 'default' ; address = 1        => default 127.0.0.1:1
    |       | [[listeners]] ; name = 'a' ; address = 0 ; [[listeners]] ; name = 'b' ; address = 0 => a 127.0.0.1:0 / b 127.0.0.1:0
    |       | [[listeners]] ; address = 1 ; backend = 'http://a'    => 127.0.0.1:1 127.0.0.1:1*
    |       | [[listeners]] ; address = 1 ; plugins = []            => 127.0.0.1:1 127.0.0.1:1*
    |       | [[listeners]] ; address = 1 ; routes = []             => 127.0.0.1:1 127.0.0.1:1*
    --tls | | [[listeners]] ; address = 1 ; [[listeners]] ; address = 2 ; tls = false => 127.0.0.1:1 127.0.0.1:1+made / 127.0.0.1:2 127.0.0.1:2
    |       | listen = 1 ; [[listeners]] ; address = 2 ; tls = { self-signed = true, cleartext = true } => default 127.0.0.1:1 / 127.0.0.1:2 127.0.0.1:2+made+clear
    |       | tls.self-signed = true ; [[listeners]] ; address = 2 ; tls = { certificate = '/c', key = '/k' } => 127.0.0.1:2 127.0.0.1:2+/c
";

fn shown(listener: &ListenerConfig) -> String {
    let addresses: Vec<_> = listener.addresses.iter().map(ToString::to_string).collect();
    let mut text = format!("{} {}", listener.name, addresses.join(","));
    if let Some(tls) = &listener.tls {
        text += &match &tls.certificate {
            Certificate::SelfSigned => "+made".to_owned(),
            Certificate::Files { chain, .. } => format!("+{}", chain.display()),
        };
        text += if tls.cleartext { "+clear" } else { "" };
    }
    text + if listener.has_routes { "*" } else { "" }
}

#[test]
fn who_listens_where() {
    for case in LISTENERS.trim_matches(['\n', ' ']).lines() {
        let (given, expected) = case.split_once("=> ").unwrap();
        let given: Vec<_> = given.split('|').map(str::trim).collect();
        let flags: Vec<_> = given[0].split_whitespace().collect();
        let variables = given[1].split_whitespace();
        let variables: Vec<_> = variables.map(|v| v.split_once('=').unwrap()).collect();
        let file = given[2].replace(" ; ", "\n");
        let (config, _) = resolved(&flags, &variables, Some(&file)).unwrap();
        let got: Vec<_> = config.listeners.iter().map(shown).collect();
        assert_eq!(got.join(" / "), expected, "{case}");
    }
}

/// A file (`;` for a line break), and its routes: listener, host and path, backend, plugins.
const ROUTES: &str = "
    backend = 'http://d' ; [[listeners]] ; name = 'a' ; address = 1                          => / default all
    listen = 9 ; backend = 'http://d' ; [[listeners]] ; name = 'a' ; address = 1 ; backend = 'http://b' => / default all, a / http://b all
    backend = 'http://d' ; [[listeners]] ; name = 'a' ; address = 1 ; plugins = ['p', 'q']   => a / default p+q
    backend = 'http://d' ; [[listeners]] ; name = 'a' ; address = 1 ; plugins = []           => a / default none
    [[listeners]] ; name = 'a' ; address = 1 ; plugins = ['p']                               => a / default p
    backend = 'http://d' ; [[listeners]] ; name = 'a' ; address = 1 ; [[listeners.routes]] ; path = '/x' ; backend = 'http://x' => a /x http://x all, a / default all
    [[listeners]] ; name = 'a' ; address = 1 ; [[listeners.routes]] ; path = '/x' ; backend = 'http://x' => a /x http://x all
    [[listeners]] ; name = 'a' ; address = 1 ; backend = 'http://b' ; plugins = ['p'] ; [[listeners.routes]] ; path = '/x' ; [[listeners.routes]] ; path = '/x/y' ; plugins = ['q'] => a /x/y http://b q, a /x http://b p, a / http://b p
    [[listeners]] ; name = 'a' ; address = 1 ; routes = [{ backend = 'http://b' }] ; [[listeners]] ; name = 'b' ; address = 2 ; routes = [{ backend = 'http://b' }] => a / http://b all, b / http://b all
    backends.u.address = 'http://u' ; [[listeners]] ; name = 'a' ; address = 1 ; backend = 'u' ; [[routes]] ; backend = 'u' ; [[listeners]] ; address = 2 => / u all, a / u all
";

#[test]
fn which_routes_a_listener_has() {
    for case in ROUTES.trim_matches(['\n', ' ']).lines() {
        let (file, expected) = case.split_once("=> ").unwrap();
        let file = file.trim().replace(" ; ", "\n");
        let (config, _) = resolved(&[], &[], Some(&file)).unwrap();
        let shown = |route: &crate::config::route::RouteConfig| {
            let plugins = match &route.plugins {
                None => "all".to_owned(),
                Some(list) if list.is_empty() => "none".to_owned(),
                Some(list) => list.join("+"),
            };
            format!("{} {} {plugins}", route.label(), route.backend)
        };
        let got: Vec<_> = config.routes.iter().map(shown).collect();
        assert_eq!(got.join(", "), expected, "{case}");
    }
}

#[test]
fn the_embedded_backend_is_there_for_who_asks_it() {
    let echoes = |file| resolved(&[], &[], Some(file)).unwrap().0.echo.is_some();
    assert!(echoes("[[listeners]]\naddress = 1"));
    assert!(echoes("[[listeners]]\naddress = 1\nplugins = ['a']"));
    assert!(!echoes("[[listeners]]\naddress = 1\nbackend = 'http://a'"));
    assert!(echoes(
        "listen = 2\n[[listeners]]\naddress = 1\nbackend = 'http://a'"
    ));
    assert!(!echoes(
        "listen = 2\nbackend = 'http://b'\n[[listeners]]\naddress = 1"
    ));
}

/// What a listener's own routes list is required, as what those at the top list.
#[test]
fn plugins_of_listeners_are_required() {
    let file = "[[listeners]]\naddress = 1\nbackend = 'http://a'\nplugins = ['auth']\n[[listeners.routes]]\npath = '/x'\nbackend = 'http://x'\nplugins = ['more']";
    let (config, _) = resolved(&[], &[], Some(file)).unwrap();
    assert_eq!(
        config.required().into_iter().collect::<Vec<_>>(),
        ["auth", "more"]
    );
}

const WRONG: &str = r#"
listen = ['127.0.0.1:1', ; '127.0.0.1:1']
    => 2: listen = '127.0.0.1:1': line 1 has this address too; expected it once
listen = ['127.0.0.1:80', ; '0.0.0.0:80']
    => 2: listen = '0.0.0.0:80': 0.0.0.0:80 takes the connections to 127.0.0.1:80 too (line 1); expected one of the two alone
listen = ['[::]:80', ; '10.0.0.1:80']
    => 2: listen = '10.0.0.1:80': [::]:80 takes the connections to 10.0.0.1:80 too (line 1); expected one of the two alone
listen = ['127.0.0.1:80', ; '[::ffff:127.0.0.1]:80']
    => 2: listen = '[::ffff:127.0.0.1]:80': line 1 has this address too; expected it once
listen = 80 ; [[listeners]] ; address = 80
    => 3: listeners.address = 80: line 1 has this address too; expected it once
[[listeners]] ; address = 80 ; [[listeners]] ; name = 'b' ; address = '0.0.0.0:80'
    => 5: listeners.address = '0.0.0.0:80': 0.0.0.0:80 takes the connections to 127.0.0.1:80 too (line 2); expected one of the two alone
[[listeners]] ; name = 'a' ; address = 1 ; [[listeners]] ; name = 'a' ; address = 2
    => 5: listeners.name = 'a': the listener of line 2 is called "a" too; expected a name of its own
[[listeners]] ; address = 0 ; [[listeners]] ; address = 0
    => 3: listeners: the listener of line 1 is called "127.0.0.1:0" too; expected a name of its own
listen = 1 ; [[listeners]] ; name = 'default' ; address = 2
    => 3: listeners.name = 'default': the addresses in listen (--listen) are the listener "default"; expected another name
[[listeners]] ; name = 'a b' ; address = 2
    => 2: listeners.name = 'a b': a listener's name has 1 to 64 letters, digits, `-`, `_` or `.` and begins with a letter or digit
[[listeners]] ; name = 'a'
    => 1: listeners: expected address: where its clients connect, such as 127.0.0.1:4572
[[listeners]] ; address = 1 ; addresses = [2]
    => 1: listeners: expected address or addresses, not both
[[listeners]] ; addresses = 1
    => 2: listeners.addresses = 1: expected a list of addresses
[[listeners]] ; addresses = []
    => 2: listeners.addresses: expected at least one address
[[listeners]] ; address = ':80'
    => 2: listeners.address = ':80': expected 127.0.0.1:80 for this machine only or 0.0.0.0:80 for everyone
listeners = 'x'
    => 1: listeners = 'x': expected tables, each below [[listeners]]; [[listeners.routes]] stands below the [[listeners]] that it belongs to
[[listeners.routes]] ; backend = 'http://a'
    => 1: listeners: expected tables, each below [[listeners]]; [[listeners.routes]] stands below the [[listeners]] that it belongs to
[[listener]] ; address = 1
    => 1: listener: unknown key; did you mean listeners?
[[listeners]] ; address = 1 ; plugin = 'a'
    => 3: listeners.plugin: unknown key; did you mean plugins?
[[listeners]] ; address = 1 ; tls = true
    => 3: listeners.tls = true: expected a table, or false for cleartext; without this key [tls] at the top holds
[[listeners]] ; address = 1 ; tls = {}
    => 3: listeners.tls: expected certificate and key, or self-signed = true
[[listeners]] ; address = 1 ; backend = 'a'
    => 3: listeners.backend = 'a': unknown backend; expected a name of [backends] or a URL
[[listeners]] ; address = 1 ; [[listeners.routes]] ; path = '/x'
    => 3: listeners.routes: expected backend: a name of [backends] or a URL
[[listeners]] ; address = 1 ; [listeners.routes] ; path = '/x'
    => 3: listeners.routes: expected tables, each below [[listeners.routes]]
[[listeners]] ; address = 1 ; backend = 'http://a' ; [[listeners.routes]] ; [[listeners.routes]] ; plugins = []
    => 5: listeners.routes: the route of line 4 has the same host and path; expected one of the two alone
[[routes]] ; backend = 'http://a' ; listener = 's3'
    => 3: routes.listener = 's3': a route does not name its listener: it stands as [[listeners.routes]] below its [[listeners]]
[[routes]] ; backend = 'http://a' ; [[listeners]] ; address = 1 ; backend = 'http://a'
    => 1: routes: every listener has routes of its own, so no request takes these; expected them below [[listeners]] as [[listeners.routes]], or addresses in listen
[[listeners]] ; address = 1 ; backend = 'http://127.0.0.1:1'
    => 3: listeners.backend = 'http://127.0.0.1:1': the proxy listens on 127.0.0.1:1 and its backend is http://127.0.0.1:1, so requests would come back; expected another backend or another listen address
listen = 1 ; backend = 'http://127.0.0.1:2' ; [[listeners]] ; address = 2
    => 2: backend = 'http://127.0.0.1:2': the proxy listens on 127.0.0.1:2 and its backend is http://127.0.0.1:2, so requests would come back; expected another backend or another listen address
admin = 2 ; [[listeners]] ; address = 1 ; backend = 'http://localhost:2'
    => 4: listeners.backend = 'http://localhost:2': the admin listener is on 127.0.0.1:2, and clients would reach it by this backend; expected another backend
admin = 2 ; [[listeners]] ; address = '0.0.0.0:2'
    => 1: admin = 2: something else of the proxy listens there; expected an address of its own
"#;

#[test]
fn one_mistake_in_the_file() {
    assert_wrong(WRONG);
}

#[test]
fn mistakes_of_other_layers_name_them() {
    let twice = resolved(&["--listen=1", "--listen=127.0.0.1:1"], &[], None);
    let problem = "--listen \"127.0.0.1:1\": --listen has this address too; expected it once";
    assert_eq!(twice.unwrap_err(), [problem]);
    let file = "[[listeners]]\naddress = '0.0.0.0:1'";
    let beside = resolved(&[], &[("TOLLGATE_LISTEN", "1")], Some(file));
    let problem = "t.toml:2: listeners.address = '0.0.0.0:1': 0.0.0.0:1 takes the connections to 127.0.0.1:1 too (TOLLGATE_LISTEN); \
        expected one of the two alone";
    assert_eq!(beside.unwrap_err(), [problem]);
}

/// Each is a mistake of its own, and all are told.
#[test]
fn all_mistakes_of_a_listener_at_once() {
    let file = "[[listeners]]\nname = ''\naddress = 'x'\nbackend = 'nobody'\ntls = 1\n[[listeners.routes]]\npath = 'x'\nlistener = 1";
    let got = resolved(&[], &[], Some(file)).unwrap_err();
    let lines: Vec<_> = got
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            "t.toml:2:",
            "t.toml:3:",
            "t.toml:4:",
            "t.toml:5:",
            "t.toml:6:",
            "t.toml:7:",
            "t.toml:8:"
        ]
    );
}
