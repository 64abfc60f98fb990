//! The default backend, `[backends.NAME]` and `[[routes]]`.

use super::*;
use crate::config::backend::{
    BackendConfig, BackendTls, Balance, Ejection, HostField, Protocol, ReplayConfig,
};
use crate::matching::RouteHost;

const EVERYTHING: &str = "
backend = 'http://localhost:1'
[backends.users]
addresses = ['https://a:8001', 'https://b']
balance = 'least-pending'
protocol = 'http2'
host = 'rewrite'
connect-timeout = '1s'
first-byte-timeout = '2s'
body-timeout = '3s'
idle-timeout = '4s'
max-connections = 5
max-head = '8KiB'
max-fields = 21
resolve-every = '6s'
[backends.users.tls]
verify = true
ca = 'ca.pem'
server-name = 'users.internal'
certificate = 'client.pem'
key = '/etc/key.pem'
[backends.users.ejection]
failures = 0
time = '7s'
[[routes]]
path = '/users/'
backend = 'users'
plugins = ['add-header', 'cors']
[[routes]]
host = 'API.example.com.'
backend = 'unix:api.sock'
plugins = []
";

#[test]
fn every_key() {
    let (config, dir) = resolved(&[], &[], Some(EVERYTHING)).unwrap();
    let users = &config.backends["users"];
    let expected = BackendConfig {
        addresses: users.addresses.clone(),
        balance: Balance::LeastPending,
        protocol: Protocol::Http2,
        host: HostField::Rewrite,
        tls: BackendTls {
            verify: true,
            ca: Some(dir.join("ca.pem")),
            server_name: Some("users.internal".to_owned()),
            client: Some((dir.join("client.pem"), "/etc/key.pem".into())),
        },
        connect_timeout: Duration::from_secs(1),
        first_byte_timeout: Duration::from_secs(2),
        body_timeout: Duration::from_secs(3),
        idle_timeout: Duration::from_secs(4),
        max_connections: 5,
        max_head: 8 << 10,
        max_fields: 21,
        resolve_every: Duration::from_secs(6),
        ejection: Ejection {
            failures: 0,
            time: Duration::from_secs(7),
        },
        replay: ReplayConfig::default(),
    };
    assert_eq!(users, &expected);
    assert_eq!(urls(users), "https://a:8001 https://b");
    let socket = format!("unix:{}", dir.join("api.sock").display());
    assert_eq!(urls(&config.backends[&socket]), socket);
    assert_eq!(default_url(&config), "http://localhost:1");

    let [api, users, default] = &config.routes[..] else {
        panic!("{:?}", config.routes)
    };
    let host = RouteHost::Exact("api.example.com".to_owned());
    assert_eq!((&api.host, api.path.as_str()), (&Some(host), "/"));
    assert_eq!(
        (&api.backend, api.plugins.as_deref()),
        (&socket, Some(&[][..]))
    );
    assert_eq!(
        (users.path.as_str(), users.backend.as_str()),
        ("/users", "users")
    );
    assert_eq!(users.plugins.as_ref().unwrap(), &["add-header", "cors"]);
    assert_eq!((&default.host, default.path.as_str()), (&None, "/"));
    assert_eq!(
        (default.backend.as_str(), &default.plugins),
        ("default", &None)
    );
}

/// The addresses of a backend with spaces between.
fn urls(backend: &BackendConfig) -> String {
    let urls: Vec<_> = backend.addresses.iter().map(ToString::to_string).collect();
    urls.join(" ")
}

/// The flag `--backend`, the file (`;` for a line break), and what becomes of it: the embedded backend's port, the
/// backends, and the routes as `host path backend`.
const DEFAULTS: &str = "
         |                                          => 4566 | | - / default
         | backend = 'echo'                         => 4566 | | - / default
    echo://9 | backend = 'http://a'                 => 9    | | - / default
    http://f | backend = 'http://a'                 => -    | default=http://f/Auto | - / default
    h2c://f  |                                      => -    | default=http://f/Http2 | - / default
    unix:s   |                                      => -    | default=unix:s/Auto | - / default
    unix:s   | backend = 'unix:/a'                  => -    | default=unix:s/Auto | - / default
         | backends.a.address = 'https://a'         => 4566 | a=https://a/Auto | - / default
         | backends.a.addresses = ['h2c://a', 'h2c://b'] => 4566 | a=http://a,http://b/Http2 | - / default
         | backends.a.address = 'h2c://a' ; backends.a.protocol = 'auto' => 4566 | a=http://a/Http2 | - / default
         | backends.default.address = 'http://a'    => -    | default=http://a/Auto | - / default
         | backend = 'h2c://a' ; backends.default.balance = 'least-pending' => - | default=http://a/Http2 | - / default
    http://f | backends.default.address = 'h2c://a' => -    | default=http://f/Auto | - / default
    http://f | backends.default.address = 'https://a' ; backends.default.tls.verify = false => - | default=http://f/Auto | - / default
    h2c://f  | backends.default.address = 'http://a' ; backends.default.protocol = 'http1' => - | default=http://f/Http2 | - / default
    http://f | backends.default.protocol = 'http1'  => -    | default=http://f/Http1 | - / default
    echo     | backends.default.address = 'http://a' => 4566 | | - / default
    echo     | backends.default.protocol = 'http1'  => 4566 | | - / default
         | [[routes]] ; backend = 'http://r'        => -    | http://r=http://r/Auto | - / http://r
         | routes = []                              => 4566 | | - / default
         | [[routes]] ; path = '/r' ; backend = 'h2c://r' => - | h2c://r=http://r/Http2 | - /r h2c://r
         | [[routes]] ; path = '/r' ; backend = 'http://r' ; [[routes]] ; path = '/s' ; backend = 'http://r' => - | http://r=http://r/Auto | - /r http://r, - /s http://r
         | backend = 'echo' ; [[routes]] ; path = '/r' ; backend = 'http://r' => 4566 | http://r=http://r/Auto | - /r http://r, - / default
         | backend = 'echo' ; [[routes]] ; path = '/r' ; backend = 'default' => 4566 | | - /r default, - / default
         | backend = 'http://a' ; [[routes]] ; backend = 'default' => - | default=http://a/Auto | - / default
    http://f | [[routes]] ; host = 'h' ; backend = 'http://r' => - | default=http://f/Auto http://r=http://r/Auto | h / http://r, - / default
         | backends.default.address = 'http://a' ; [[routes]] ; path = '/r' ; backend = 'default' => - | default=http://a/Auto | - /r default
         | backends.echo.address = 'http://a' ; [[routes]] ; backend = 'echo' => - | echo=http://a/Auto | - / echo
";

#[test]
fn the_default_backend_and_its_route() {
    for case in DEFAULTS.trim().lines() {
        let (given, expected) = case.split_once("=> ").unwrap();
        let (flag, file) = given.split_once('|').unwrap();
        let flags = match flag.trim() {
            "" => Vec::new(),
            url => vec!["--backend", url],
        };
        let file = file.trim().replace(" ; ", "\n");
        let (config, _) = resolved(&flags, &[], Some(&file)).unwrap();
        let echo = config.echo.map_or("-".to_owned(), |a| a.port().to_string());
        let backends: Vec<_> = (config.backends.iter())
            .map(|(name, b)| format!("{name}={}/{:?}", urls(b).replace(' ', ","), b.protocol))
            .collect();
        let routes: Vec<_> = config.routes.iter().map(shown).collect();
        let got = [echo, backends.join(" "), routes.join(", ")];
        let expected: Vec<_> = expected.split('|').map(str::trim).collect();
        assert_eq!(got, expected[..], "{case}");
    }
}

/// A route as `host path backend`.
fn shown(route: &crate::config::route::RouteConfig) -> String {
    let host = match &route.host {
        None => "-".to_owned(),
        Some(RouteHost::Exact(host)) => host.clone(),
        Some(RouteHost::Below(host)) => format!("*.{host}"),
    };
    format!("{host} {} {}", route.path, route.backend)
}

#[test]
fn the_first_route_that_fits_is_the_best() {
    let routes = [
        ("", "/api"),
        ("*.example.com", "/"),
        ("*.example.com", "/api"),
        ("*.b.example.com", "/"),
        ("a.example.com", "/api"),
        ("a.example.com", "/api/v1"),
        ("", "/api/v1"),
        ("*.com", "/api/v1/deep"),
    ];
    let route = |(at, (host, path)): (usize, &(&str, &str))| {
        let host = match *host {
            "" => String::new(),
            host => format!("host = '{host}'\n"),
        };
        format!("[[routes]]\n{host}path = '{path}'\nbackend = 'http://{at}'\n")
    };
    let tables: String = routes.iter().enumerate().map(route).collect();
    let file = format!("backend = 'http://rest'\n{tables}");
    let (config, _) = resolved(&[], &[], Some(&file)).unwrap();
    let cases = [
        ("a.example.com", "/api/v1/x", "http://5"),
        ("A.Example.com:80", "/api/v2", "http://4"),
        ("a.example.com", "/x", "http://1"),
        ("c.example.com", "/api/x", "http://2"),
        ("x.b.example.com", "/api/v1/deep", "http://3"),
        ("x.com", "/api/v1/deep/er", "http://7"),
        ("x.com", "/api/v1", "http://6"),
        ("[::1]:80", "/api", "http://0"),
        ("other.test", "*", "default"),
        ("", "/", "default"),
    ];
    for (host, path, expected) in cases {
        let route = config.routes.iter().find(|route| route.fits(host, path));
        assert_eq!(route.unwrap().backend, expected, "{host}{path}");
    }
}

const WRONG: &str = r#"
backend = 'https://u:secret@a'
    => 1: backend = 'https://…@a': a user and password in the URL are not sent on; expected https://a and the field `authorization` set by client or plugin
backend = 'http://a/b'
    => 1: backend = 'http://a/b': requests go to the path that the client asked for, so the URL can have none; expected http://a
[backend.users] ; address = 'http://a'
    => 1: backend: expected a string, the URL; the table of one backend is [backends.NAME]
backends = 'http://a'
    => 1: backends = 'http://a': expected a table
backends.a = 'http://a'
    => 1: backends.a = 'http://a': expected a table
[backends.'a b'] ; address = 'http://a'
    => 1: backends."a b": a backend's name has 1 to 64 letters, digits, `-`, `_` or `.` and begins with a letter or digit
[backends.a]
    => 1: backends.a: expected address or addresses
[backends.default] ; protocol = 'http2'
    => 1: backends.default: expected address or addresses
[backends.a] ; address = 'http://a' ; addresses = ['http://b']
    => 1: backends.a: expected address or addresses, not both
[backends.a] ; addresses = []
    => 2: backends.a.addresses: expected at least one URL
[backends.a] ; addresses = 'http://a'
    => 2: backends.a.addresses = 'http://a': expected a list of URLs
[backends.a] ; address = ['http://a']
    => 2: backends.a.address: expected a string
[backends.a] ; addresses = ['http://a', ; 1]
    => 3: backends.a.addresses = 1: expected a string
[backends.a] ; addresses = ['http://a', ; 'localhost:80']
    => 3: backends.a.addresses = 'localhost:80': expected a URL; did you mean http://localhost:80?
[backends.a] ; addresses = ['http://a', ; 'https://b']
    => 3: backends.a.addresses = 'https://b': the addresses of one backend have one scheme; expected http:// as in the first
[backends.a] ; addresses = ['h2c://a', ; 'http://b']
    => 3: backends.a.addresses = 'http://b': the addresses of one backend have one scheme; expected h2c:// as in the first
[backends.a] ; addresses = ['http://a', ; 'http://a/']
    => 3: backends.a.addresses = 'http://a/': this address stands in the list twice; expected it once
[backends.a] ; address = 'echo'
    => 2: backends.a.address = 'echo': only the default backend can be the embedded one, with backend = "echo" at the top; expected a URL such as http://localhost:4566
backend = 'http://a' ; [backends.default] ; address = 'http://b'
    => 2: backends.default: the default backend has its address from `backend` at the top; expected one of the two alone
[backends.a] ; address = 'http://a' ; balance = 'random'
    => 3: backends.a.balance = 'random': expected round-robin or least-pending
[backends.a] ; address = 'http://a' ; protocol = 'h2'
    => 3: backends.a.protocol = 'h2': expected auto, http1 or http2
[backends.a] ; address = 'h2c://a' ; protocol = 'http1'
    => 3: backends.a.protocol = 'http1': h2c:// is HTTP/2; expected addresses with http://, or no protocol
[backends.a] ; address = 'http://a' ; host = 'a/b'
    => 3: backends.a.host = 'a/b': expected keep, rewrite, or a host such as api.internal or api.internal:8080
[backends.a] ; address = 'unix:/a' ; host = 'rewrite'
    => 3: backends.a.host = 'rewrite': a socket has no host to send; expected keep, or the host to send
[backends.a] ; address = 'http://a' ; connect-timeout = '0s'
    => 3: backends.a.connect-timeout = '0s': must be greater than 0
[backends.a] ; address = 'http://a' ; first-byte-timeout = 60
    => 3: backends.a.first-byte-timeout = 60: expected a string
[backends.a] ; address = 'http://a' ; body-timeout = '2d'
    => 3: backends.a.body-timeout = '2d': expected at most 24h
[backends.a] ; address = 'http://a' ; body-timeout = '2w'
    => 3: backends.a.body-timeout = '2w': expected a time with its unit, such as 500ms, 30s or 1m30s
[backends.a] ; address = 'http://a' ; idle-timeout = '0s'
    => 3: backends.a.idle-timeout = '0s': must be greater than 0
[backends.a] ; address = 'http://a' ; resolve-every = '0s'
    => 3: backends.a.resolve-every = '0s': must be greater than 0
[backends.a] ; address = 'http://a' ; max-connections = 0
    => 3: backends.a.max-connections = 0: expected a number from 1 to 4294967295
[backends.a] ; address = 'http://a' ; max-head = '2MiB'
    => 3: backends.a.max-head = '2MiB': expected 1KiB to 1MiB
[backends.a] ; address = 'http://a' ; max-fields = 10001
    => 3: backends.a.max-fields = 10001: expected a number from 20 to 10000
[backends.a] ; address = 'http://a' ; tls = {}
    => 3: backends.a.tls: http:// is cleartext; expected addresses with https://, or no tls
backend = 'unix:/a' ; [backends.default.tls] ; verify = false
    => 2: backends.default.tls: unix: is cleartext; expected addresses with https://, or no tls
[backends.a] ; address = 'https://a' ; tls.verify = 'no'
    => 3: backends.a.tls.verify = 'no': expected true or false
[backends.a] ; address = 'https://a' ; tls = { verify = false, ca = 'ca.pem' }
    => 3: backends.a.tls.ca = 'ca.pem': verify = false accepts any certificate; expected one of the two alone
[backends.a] ; address = 'https://a' ; tls.ca = ''
    => 3: backends.a.tls.ca = '': expected a path
[backends.a] ; address = 'https://a' ; tls.server-name = 'a:443'
    => 3: backends.a.tls.server-name = 'a:443': expected a name such as users.internal or an IP address, without port
[backends.a] ; address = 'https://a' ; tls.certificate = 'a'
    => 3: backends.a.tls.certificate = 'a': a certificate needs its private key; expected key too
[backends.a] ; address = 'https://a' ; tls.key = 'a'
    => 3: backends.a.tls.key = 'a': a private key needs its certificate; expected certificate too
[backends.a] ; address = 'https://a' ; tls.insecure = true
    => 3: backends.a.tls.insecure: unknown key; expected one of verify, ca, server-name, certificate, key
[backends.a] ; address = 'https://a' ; verify = false
    => 3: backends.a.verify: unknown key; did you mean tls.verify?
[backends.a] ; address = 'http://a' ; ejection.failures = -1
    => 3: backends.a.ejection.failures = -1: expected a number from 0 to 4294967295
[backends.a] ; address = 'http://a' ; ejection.time = '0s'
    => 3: backends.a.ejection.time = '0s': must be greater than 0
[backends.a] ; adress = 'http://a' ; address = 'http://a'
    => 2: backends.a.adress: unknown key; did you mean address?
[backends.a] ; address = 'http://127.0.0.1:4567'
    => 2: backends.a.address = 'http://127.0.0.1:4567': the proxy listens on 127.0.0.1:4567 and its backend is http://127.0.0.1:4567, so requests would come back; expected another backend or another listen address
[[routes]] ; backend = 'h2c://localhost:4567'
    => 2: routes.backend = 'h2c://localhost:4567': the proxy listens on 127.0.0.1:4567 and its backend is http://localhost:4567, so requests would come back; expected another backend or another listen address
routes = 'x'
    => 1: routes = 'x': expected tables, each below [[routes]]
[routes] ; backend = 'http://a'
    => 1: routes: expected tables, each below [[routes]]
routes = [1]
    => 1: routes = 1: expected a table
[[route]] ; backend = 'http://a'
    => 1: route: unknown key; did you mean routes?
[[routes]] ; path = '/a'
    => 1: routes: expected backend: a name of [backends] or a URL
[[routes]] ; backend = 1
    => 2: routes.backend = 1: expected a string
[[routes]] ; backend = 'a'
    => 2: routes.backend = 'a': unknown backend; expected a name of [backends] or a URL
[[routes]] ; backend = 'default'
    => 2: routes.backend = 'default': no default backend is given; expected `backend` at the top, or [backends.default]
[[routes]] ; backend = 'echo'
    => 2: routes.backend = 'echo': only the default backend can be the embedded one, with backend = "echo" at the top; expected a URL such as http://localhost:4566
backends.users.address = 'http://a' ; [[routes]] ; backend = 'user'
    => 3: routes.backend = 'user': unknown backend; did you mean "users"?
[[routes]] ; backend = 'localhost:80'
    => 2: routes.backend = 'localhost:80': expected a URL; did you mean http://localhost:80?
[[routes]] ; backend = 'http://a' ; host = 'a.test:80'
    => 3: routes.host = 'a.test:80': the port doesn't count here; expected "a.test"
[[routes]] ; backend = 'http://a' ; host = 'http://a.test'
    => 3: routes.host = 'http://a.test': expected a host alone, without "/"
[[routes]] ; backend = 'http://a' ; host = '::1'
    => 3: routes.host = '::1': expected an IPv6 address in brackets: [::1]
[[routes]] ; backend = 'http://a' ; host = '*'
    => 3: routes.host = '*': expected no host at all for a route of any host
[[routes]] ; backend = 'http://a' ; host = 'api.*.test'
    => 3: routes.host = 'api.*.test': expected a host such as example.com, or *.example.com for all names below it
[[routes]] ; backend = 'http://a' ; host = '*.*.test'
    => 3: routes.host = '*.*.test': expected a host such as example.com, or *.example.com for all names below it
[[routes]] ; backend = 'http://a' ; host = ''
    => 3: routes.host = '': expected a host such as example.com, or *.example.com for all names below it
[[routes]] ; backend = 'http://a' ; host = 'bücher.test'
    => 3: routes.host = 'bücher.test': expected the name as it is sent, in its ASCII form (xn--…)
[[routes]] ; backend = 'http://a' ; path = 'users'
    => 3: routes.path = 'users': a path begins with a slash; expected "/users"
[[routes]] ; backend = 'http://a' ; path = '/users?x'
    => 3: routes.path = '/users?x': the query doesn't count here; expected a path without `?` and `#`
[[routes]] ; backend = 'http://a' ; path = '/users/**'
    => 3: routes.path = '/users/**': a path holds for all below it; expected "/users"
[[routes]] ; backend = 'http://a' ; path = '/*'
    => 3: routes.path = '/*': a path holds for all below it; expected "/"
[[routes]] ; backend = 'http://a' ; path = '/users*'
    => 3: routes.path = '/users*': patterns are not served; expected a prefix of whole segments, such as /api
[[routes]] ; backend = 'http://a' ; path = '/a//b'
    => 3: routes.path = '/a//b': expected no empty segment
[[routes]] ; backend = 'http://a' ; path = '/a b'
    => 3: routes.path = '/a b': paths are compared as they are sent; expected %-encoding, such as /a%20b
[[routes]] ; backend = 'http://a' ; plugins = 'cors'
    => 3: routes.plugins = 'cors': expected a list of names of plugins
[[routes]] ; backend = 'http://a' ; plugins = ['cors', ; 'a.wasm']
    => 4: routes.plugins = 'a.wasm': a plugin's name is its file name without the extension
[[routes]] ; backend = 'http://a' ; plugins = ['cors', ; 'cors']
    => 4: routes.plugins = 'cors': this plugin stands in the list twice; expected it once
[[routes]] ; backend = 'http://a' ; prefix = '/'
    => 3: routes.prefix: unknown key; expected one of host, path, backend, plugins
[[routes]] ; backend = 'http://a' ; [[routes]] ; path = '/' ; backend = 'http://b'
    => 3: routes: the route of line 1 has the same host and path; expected one of the two alone
[[routes]] ; host = 'A.test' ; path = '/x' ; backend = 'http://a' ; [[routes]] ; host = 'a.test.' ; path = '/x/' ; backend = 'http://b'
    => 5: routes: the route of line 1 has the same host and path; expected one of the two alone
[[routes]] ; host = '[::1]' ; backend = 'http://a' ; [[routes]] ; host = '[0:0::1]' ; backend = 'http://b'
    => 4: routes: the route of line 1 has the same host and path; expected one of the two alone
"#;

#[test]
fn one_mistake_in_the_file() {
    assert_wrong(WRONG);
}

#[test]
fn what_a_flag_hides_is_still_judged() {
    let cases = [
        (
            "backend = 'http://a'\nbackends.default.address = 'http://b'",
            "t.toml:2: backends.default: the default backend has its address from `backend` at the top; \
             expected one of the two alone",
        ),
        (
            "backends.default.address = 'http://b'\nbackends.default.tls.ca = 'a'",
            "t.toml:2: backends.default.tls: http:// is cleartext; expected addresses with https://, or no tls",
        ),
    ];
    for (file, expected) in cases {
        for flag in ["--backend=https://f", "--backend=echo"] {
            let got = resolved(&[flag], &[], Some(file)).unwrap_err();
            assert_eq!(got, [expected], "{flag}");
        }
    }
}

#[test]
fn one_mistake_does_not_make_another() {
    let cases = [
        "backend = 'x:'\n[[routes]]\nbackend = 'default'",
        "[backends.a]\naddress = 1\n[[routes]]\nbackend = 'a'",
        "[backends.a]\naddress = 'x:'\ntls.verify = false\nhost = 'rewrite'",
        "backend = 'x:'\n[backends.default]\nbalance = 'round-robin'",
        "[[routes]]\npath = 'x'\nbackend = 'http://a'\n[[routes]]\nbackend = 'http://b'",
    ];
    for file in cases {
        let got = resolved(&[], &[], Some(file)).unwrap_err();
        assert_eq!(got.len(), 1, "{file}: {got:?}");
    }
}
