//! Flags, environment and file against one another, and the keys of part of the file; `tests/` has the rest.

mod allow;
mod beside;
mod destinations;
mod example;
mod listeners;
mod replay;
mod server;

use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use super::*;
use crate::config::{CacheConfig, DEFAULT_ECHO};

/// Resolves these flags (as typed), variables, and the file's text (in a directory of its own).
fn resolved(
    flags: &[&str],
    variables: &[(&str, &str)],
    file: Option<&str>,
) -> Result<(Config, PathBuf), Vec<String>> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.toml");
    let mut args = args(flags);
    if let Some(text) = file {
        fs::write(&path, text).unwrap();
        args.config = Some(path);
    }
    let env = |name: &str| {
        let found = variables.iter().find(|(n, _)| *n == name);
        found.map(|(_, value)| OsString::from(value))
    };
    let place = format!("{}/", dir.path().display());
    match resolve(&args, env) {
        Ok(config) => Ok((config, dir.path().to_owned())),
        Err(errors) => Err(errors
            .to_string()
            .lines()
            .map(|line| line.replace(&place, ""))
            .collect()),
    }
}

fn args(flags: &[&str]) -> RunArgs {
    use clap::Parser;
    let words = ["tollgate", "run"].iter().chain(flags);
    match crate::cli::Cli::try_parse_from(words).unwrap().command {
        crate::cli::Command::Run(args) => args,
        other => unreachable!("{other:?}"),
    }
}

/// The only address of the default backend.
fn default_url(config: &Config) -> String {
    match &config.backends["default"].addresses[..] {
        [url] => url.to_string(),
        other => panic!("{other:?}"),
    }
}

/// The addresses in `listen`.
fn listening(config: &Config) -> String {
    let [listener] = &config.listeners[..] else {
        panic!("{:?}", config.listeners)
    };
    let addresses: Vec<_> = listener.addresses.iter().map(ToString::to_string).collect();
    addresses.join(" ")
}

/// Resolves each first line (`;` for a line break) as a file, with the second for its only mistake.
fn assert_wrong(table: &str) {
    let lines: Vec<_> = table.trim().lines().collect();
    for case in lines.chunks(2) {
        let file = case[0].replace(" ; ", "\n");
        let expected = case[1].trim().replace("=> ", "t.toml:");
        let got = resolved(&[], &[], Some(&file));
        assert_eq!(got.unwrap_err(), [expected], "{file}");
    }
}

const EVERYTHING: &str = r#"
listen = "127.0.0.1:4567"
backend = "http://localhost:4566"
plugins = "my-plugins"
watch = "poll"
workers = 3
drain = "1m"

[cache]
dir = "/var/cache/t"
max-size = "10MiB"

[limits]
deadline = "2s"
memory = "128MiB"
body = 0x3e8
piece = 2000
max-calls = 5
body-timeout = "10s"
trial = "3s"
file-size = "64MiB"

[plugin.add-header]
enabled = false
order = -5
on-failure = "open"
settings = { name = "x-by", count = 3, ratio = 0.5, on = true, list = ["a", 1], nested = { a = "b" }, day = 2024-01-02 }
match = { host = "*.example.com", path = "/api/**", method = ["GET", "HEAD"] }
limits = { deadline = "200ms" }

[[plugin.audit.match]]
path = "/a"
[[plugin.audit.match]]
method = "POST"
"#;

#[test]
fn a_file_with_every_key() {
    let (config, dir) = resolved(&[], &[], Some(EVERYTHING)).unwrap();
    assert_eq!(listening(&config), "127.0.0.1:4567");
    assert_eq!(default_url(&config), "http://localhost:4566");
    assert_eq!(config.plugins, dir.join("my-plugins"));
    assert_eq!(config.watch, WatchMode::Poll);
    assert_eq!(config.workers.get(), 3);
    assert_eq!(config.drain, Duration::from_secs(60));
    let cache = CacheConfig {
        dir: Some("/var/cache/t".into()),
        homeless: false,
        max_bytes: 10 << 20,
    };
    assert_eq!(config.cache, cache);
    let defaults = PluginLimits {
        deadline: Duration::from_secs(2),
        memory: 128 << 20,
        body: 1000,
        piece: 2000,
        max_calls: 5,
        body_timeout: Duration::from_secs(10),
        trial: Duration::from_secs(3),
        file_size: 64 << 20,
    };
    assert_eq!(config.defaults, defaults);

    let plugin = config.for_plugin("add-header");
    assert!(!plugin.enabled);
    assert_eq!(plugin.order, -5);
    assert_eq!(plugin.on_failure, crate::config::OnFailure::Open);
    let deadline = Duration::from_millis(200);
    assert_eq!(
        plugin.limits,
        PluginLimits {
            deadline,
            ..defaults
        }
    );
    assert!(plugin.matches.matches("a.example.com", "/api/x", "HEAD"));
    assert!(!plugin.matches.matches("a.example.com", "/api/x", "POST"));
    let settings: Vec<_> = plugin
        .settings
        .texts()
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    let expected = [
        "count=3",
        "day=\"2024-01-02\"",
        "list=[\"a\",1]",
        "name=x-by",
        "nested={\"a\":\"b\"}",
        "on=true",
        "ratio=0.5",
    ];
    assert_eq!(settings, expected);

    let audit = config.for_plugin("audit");
    assert!(audit.enabled);
    assert_eq!((audit.order, audit.limits), (100, defaults));
    assert!(audit.matches.matches("", "/a", "GET"));
    assert!(audit.matches.matches("", "/b", "POST"));
    assert!(!audit.matches.matches("", "/b", "GET"));
    assert!(config.for_plugin("not-in-the-file").matches.is_everything());
}

#[test]
fn defaults() {
    for file in [None, Some("")] {
        let (config, _) = resolved(&[], &[("HOME", "/home/u")], file).unwrap();
        assert_eq!(listening(&config), "127.0.0.1:4567");
        assert_eq!(
            (config.echo, config.backends.len()),
            (Some(DEFAULT_ECHO), 0)
        );
        assert_eq!(config.plugins, Path::new("plugins"));
        assert_eq!(config.watch, WatchMode::Events);
        assert_eq!(config.workers, default_workers());
        assert_eq!(config.drain, Duration::from_secs(30));
        assert_eq!(config.cache.dir, Some("/home/u/.cache/tollgate".into()));
        let plugin = config.for_plugin("any");
        assert!(plugin.enabled && plugin.matches.is_everything() && plugin.settings.is_empty());
        assert_eq!(plugin.limits, PluginLimits::default());
    }
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let flags = [
        "--listen=1",
        "--backend=http://f",
        "--plugins=f",
        "--watch=off",
        "--cache-dir=f",
        "--workers=1",
        "--drain=1s",
    ];
    let variables = [
        ("TOLLGATE_LISTEN", "2"),
        ("TOLLGATE_BACKEND", "http://e"),
        ("TOLLGATE_PLUGINS", "e"),
        ("TOLLGATE_WATCH", "poll"),
        ("TOLLGATE_CACHE_DIR", "e"),
        ("TOLLGATE_WORKERS", "2"),
        ("TOLLGATE_DRAIN", "2s"),
    ];
    let file = "listen = 3\nbackend = 'http://c'\nplugins = 'c'\nwatch = 'events'\nworkers = 3\n\
        drain = '3s'\ncache.dir = 'c'";
    let shown = |config: &Config, dir: &Path| {
        let short = |path: &Path| path.strip_prefix(dir).unwrap_or(path).display().to_string();
        let Config {
            plugins,
            watch,
            cache,
            workers,
            drain,
            ..
        } = config;
        let cache = short(cache.dir.as_deref().unwrap());
        format!(
            "{} {} {} {watch:?} {cache} {workers} {drain:?}",
            listening(config).trim_start_matches("127.0.0.1:"),
            default_url(config),
            short(plugins)
        )
    };
    let blank = variables.map(|(name, _)| (name, ""));
    type Case<'c> = (&'c [&'c str], &'c [(&'c str, &'c str)], &'c str);
    let cases: [Case<'_>; 3] = [
        (&flags, &variables, "1 http://f f Off f 1 1s"),
        (&[], &variables, "2 http://e e Poll e 2 2s"),
        (&[], &blank, "3 http://c c Events c 3 3s"),
    ];
    for (flags, variables, expected) in cases {
        let (config, dir) = resolved(flags, variables, Some(file)).unwrap();
        assert_eq!(shown(&config, &dir), expected);
    }
}

/// Flags, variables, the file's `cache.dir`, and where the cache is.
const CACHES: &str = "
                 | XDG_CACHE_HOME=/x HOME=/h        |         => /x/tollgate
                 | HOME=/h                          |         => /h/.cache/tollgate
                 | XDG_CACHE_HOME=relative HOME=/h  |         => /h/.cache/tollgate
                 | HOME=                            |         => none
                 |                                  |         => none
    --no-cache   | HOME=/h TOLLGATE_CACHE_DIR=/e    | '/c'    => none
                 | HOME=/h                          | false   => none
                 | TOLLGATE_CACHE_DIR=/e            | false   => /e
    --cache-dir=/f | TOLLGATE_NO_CACHE=1            | false   => /f
                 | TOLLGATE_NO_CACHE=true           | '/c'    => none
                 | TOLLGATE_NO_CACHE=1 TOLLGATE_CACHE_DIR=/e |  => none
                 | HOME=/h TOLLGATE_NO_CACHE=true   |         => none
                 | TOLLGATE_NO_CACHE=false          | '/c'    => /c
                 | HOME=/h TOLLGATE_NO_CACHE=0      | false   => /h/.cache/tollgate
                 | HOME=/h TOLLGATE_NO_CACHE=       | '/c'    => /c
";

#[test]
fn where_the_cache_is() {
    for case in CACHES.trim_matches(['\n', ' ']).lines() {
        let (given, expected) = case.split_once("=> ").unwrap();
        let given: Vec<_> = given.split('|').map(str::trim).collect();
        let flags: Vec<_> = given[0].split_whitespace().collect();
        let variables: Vec<_> = given[1]
            .split_whitespace()
            .map(|v| v.split_once('=').unwrap())
            .collect();
        let file = match given[2] {
            "" => String::new(),
            dir => format!("cache.dir = {dir}"),
        };
        let (config, _) = resolved(&flags, &variables, Some(&file)).unwrap();
        let got = config
            .cache
            .dir
            .map_or("none".to_owned(), |dir| dir.display().to_string());
        assert_eq!(got, expected, "{case}");
    }
}

#[test]
fn every_mistake_at_once_flags_first_then_environment_then_lines() {
    let file = r#"workers = "four"
plgins = "x"
drain = 30
[plugin.auth]
match = { path = "/api**" }
"#;
    let flags = ["--listen", "nowhere", "--watch=sometimes"];
    let variables = [
        ("TOLLGATE_BACKEND", "localhost:4566"),
        ("TOLLGATE_DRAIN", "soon"),
    ];
    let got = resolved(&flags, &variables, Some(file)).unwrap_err();
    let expected = [
        "--listen \"nowhere\": expected an IP address and port such as 127.0.0.1:4567 (names are not looked up)",
        "--watch \"sometimes\": expected events, poll or off",
        "TOLLGATE_BACKEND=\"localhost:4566\": expected a URL; did you mean http://localhost:4566?",
        "TOLLGATE_DRAIN=\"soon\": expected a time with its unit, such as 500ms, 30s or 1m30s",
        "t.toml:1: workers = \"four\": expected a whole number",
        "t.toml:2: plgins: unknown key; did you mean plugins?",
        "t.toml:3: drain = 30: expected a string",
        "t.toml:5: plugin.auth.match.path = \"/api**\": `**` stands for whole segments and between slashes only, as in /api/**",
    ];
    assert_eq!(got, expected);
}

/// A file with `;` for its line breaks, then the line and text of its only mistake.
const WRONG: &str = r#"
listen = true
=> 1: listen = true: expected a string
listen = []
=> 1: listen: expected at least one address
listen = ['127.0.0.1:1', ; true]
=> 2: listen = true: expected a string
listen = ':80'
=> 1: listen = ':80': expected 127.0.0.1:80 for this machine only or 0.0.0.0:80 for everyone
backend = 'http://u:secret@a'
=> 1: backend = 'http://…@a': a user and password in the URL are not sent on; expected http://a and the field `authorization` set by client or plugin
plugins = ''
=> 1: plugins = '': expected a path
plugins = '~/p'
=> 1: plugins = '~/p': `~` is the shell's and has no meaning here; expected the path in full
[plugins.auth] ; order = 1
=> 1: plugins: expected a string, the directory; the table of one plugin is [plugin.NAME]
watch = 'Poll'
=> 1: watch = 'Poll': expected events, poll or off
workers = 0
=> 1: workers = 0: expected a number from 1 to 1024
workers = 0x400_0
=> 1: workers = 0x400_0: expected a number from 1 to 1024
workers = 2.5
=> 1: workers = 2.5: expected a whole number
drain = '25h'
=> 1: drain = '25h': expected at most 24h
cache = 'x'
=> 1: cache = 'x': expected a table
cache.dir = true
=> 1: cache.dir = true: expected a string, or false for no cache
cache.max_size = 1
=> 1: cache.max_size: unknown key; did you mean max-size?
cache.max-size = -1
=> 1: cache.max-size = -1: expected a number of bytes or a size such as 64KiB, 256MiB or 1GB
deadline = '1s'
=> 1: deadline: unknown key; did you mean limits.deadline?
zzz = '1s'
=> 1: zzz: unknown key; expected one of listen, reuse-port, admin, backend, backends, routes, listeners, plugins, standard-components, watch, workers, drain, tls, server, forwarding, cache, tracing, access-log, state, outbound, record, limits, plugin
limits.deadline = '0s'
=> 1: limits.deadline = '0s': must be greater than 0
limits.memory = '4GB' ; limits.body-timeout = 5
=> 2: limits.body-timeout = 5: expected a string
limits.memory = '32KiB'
=> 1: limits.memory = '32KiB': expected 64KiB to 4GiB
limits.max-calls = 0
=> 1: limits.max-calls = 0: expected a number from 1 to 4294967295
plugin = 1
=> 1: plugin = 1: expected a table
plugin.a = 1
=> 1: plugin.a = 1: expected a table
[[plugin.a]]
=> 1: plugin.a: expected a table
[plugin.'a b']
=> 1: plugin."a b": a plugin's name has 1 to 64 letters, digits, `-`, `_` or `.` and begins with a letter or digit
[plugin.'a.wasm']
=> 1: plugin."a.wasm": a plugin's name is its file name without the extension
[plugin.a.wasm]
=> 1: plugin.a.wasm: unknown key; expected one of limits, enabled, required, order, on-failure, settings, allow, background, match
[plugin.a] ; enabled = 'yes'
=> 2: plugin.a.enabled = 'yes': expected true or false
[plugin.a] ; order = 3_000_000_000
=> 2: plugin.a.order = 3_000_000_000: expected a number from -2147483648 to 2147483647
[plugin.a] ; on_failure = 'open'
=> 2: plugin.a.on_failure: unknown key; did you mean on-failure?
[plugin.a] ; on-failure = 'fail'
=> 2: plugin.a.on-failure = 'fail': expected closed or open
[plugin.a] ; body = 1
=> 2: plugin.a.body: unknown key; did you mean limits.body?
[plugin.a] ; path = '/'
=> 2: plugin.a.path: unknown key; did you mean match.path?
[plugin.a] ; settings.x = nan
=> 2: plugin.a.settings.x = nan: expected a finite number, as JSON has no other
[plugin.a] ; settings.x = [1, { y = -inf }]
=> 2: plugin.a.settings.x: expected a finite number, as JSON has no other
[plugin.a] ; settings.x = 99999999999999999999
=> 2: plugin.a.settings.x = 99999999999999999999: expected a number that fits 64 bits
[plugin.a] ; match = []
=> 2: plugin.a.match: expected at least one rule; enabled = false switches a plugin off
[plugin.a] ; match = {}
=> 2: plugin.a.match: expected at least one of host, path and method
[plugin.a] ; match = '/x'
=> 2: plugin.a.match = '/x': expected a table with host, path or method, or a list of such
[plugin.a] ; match = [ ; { path = '/x' }, ; 7]
=> 4: plugin.a.match = 7: expected a table
[plugin.a] ; match.method = []
=> 2: plugin.a.match.method: expected at least one method
[plugin.a] ; match.method = ['GET', ; 'get']
=> 3: plugin.a.match.method = 'get': methods are case-sensitive; did you mean "GET"?
[plugin.a] ; match.hots = 'a'
=> 2: plugin.a.match.hots: unknown key; did you mean host?
"#;

#[test]
fn one_mistake_in_the_file() {
    assert_wrong(WRONG);
}

/// What a message proposes must be a key.
#[test]
fn the_keys_that_are_proposed_are_keys() {
    let backend = backends::IN_BACKEND_TABLES.map(|key| format!("backends.a.{key}"));
    let plugin = plugins::IN_PLUGIN_TABLES.map(|key| format!("plugin.a.{key}"));
    let keys = IN_TABLES.map(str::to_owned).into_iter();
    for key in keys.chain(backend).chain(plugin) {
        // Whatever the value should be, it is no date.
        let file = format!("{key} = 2024-01-02");
        let got = resolved(&[], &[], Some(&file)).map_err(|mistakes| mistakes.join("; "));
        let got = got.unwrap_err();
        assert!(!got.contains("unknown key"), "{key}: {got}");
        assert!(got.contains(&format!("{key} = ")), "{key}: {got}");
    }
}

#[test]
fn a_file_that_is_no_toml_gives_all_its_syntax_mistakes_and_hides_nothing_else() {
    let file = "listen = \nworkers = 'x'\n[cache\n[limits]\nkey = \"api-secret";
    let got = resolved(&["--drain=x"], &[], Some(file)).unwrap_err();
    assert!(got[0].starts_with("--drain \"x\": "), "{got:?}");
    for (line, got) in [1, 3, 5].iter().zip(&got[1..]) {
        assert!(got.starts_with(&format!("t.toml:{line}: ")), "{got}");
        assert!(!got.contains("secret"), "{got}");
    }
    assert_eq!(got.len(), 4, "{got:?}");
    let twice = resolved(&[], &[], Some("workers = 1\nworkers = 2")).unwrap_err();
    assert_eq!(twice, ["t.toml:2: duplicate key"]);
}

#[test]
fn a_file_that_can_not_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let latin = dir.path().join("latin.toml");
    fs::write(&latin, b"listen = '\xfc'").unwrap();
    let cases = [
        (dir.path().join("none.toml"), "no such file"),
        (
            dir.path().to_owned(),
            "this is a directory; expected a TOML file",
        ),
        (latin, "not UTF-8; expected a TOML file"),
    ];
    for (path, problem) in cases {
        let flag = format!("--config={}", path.display());
        let got = resolved(&[&flag, "--workers=0"], &[], None).unwrap_err();
        assert_eq!(got[0], format!("--config {path:?}: {problem}"));
        assert!(got[1].starts_with("--workers"), "{got:?}");
        let shown = path.display().to_string();
        let got = resolved(&[], &[("TOLLGATE_CONFIG", &shown)], None).unwrap_err();
        assert_eq!(got, [format!("TOLLGATE_CONFIG={path:?}: {problem}")]);
    }
}

#[test]
fn bytes_that_are_not_utf_8() {
    let odd = OsString::from_vec(vec![b'/', 0xfc]);
    let env = |name: &str| {
        ["TOLLGATE_PLUGINS", "TOLLGATE_DRAIN"]
            .contains(&name)
            .then(|| odd.clone())
    };
    let got = resolve(&args(&[]), env).unwrap_err().to_string();
    assert_eq!(got, "TOLLGATE_DRAIN=\"/\u{fffd}\": expected UTF-8");
    let env = |name: &str| (name == "TOLLGATE_PLUGINS").then(|| odd.clone());
    assert_eq!(
        resolve(&args(&[]), env).unwrap().plugins,
        PathBuf::from(&odd)
    );
}

#[test]
fn a_backend_that_is_the_proxy_itself() {
    let problem = "requests would come back; expected another backend";
    for (listen, backend) in [("4566", "http://localhost:4566"), ("9000", "echo://9000")] {
        let flags = [format!("--listen={listen}"), format!("--backend={backend}")];
        let got = resolved(&flags.each_ref().map(String::as_str), &[], None).unwrap_err();
        assert!(
            got[0].starts_with("--backend ") && got[0].contains(problem),
            "{got:?}"
        );
    }
    let got = resolved(&[], &[("TOLLGATE_BACKEND", "http://127.0.0.1:4567")], None).unwrap_err();
    assert!(got[0].contains(problem), "{got:?}");
    let got = resolved(&["--listen=4566"], &[], None).unwrap_err();
    assert!(
        got[0].starts_with("--listen \"4566\": ") && got[0].contains(problem),
        "{got:?}"
    );
    let unread = resolved(
        &["--listen=x", "--backend=http://127.0.0.1:4567"],
        &[],
        None,
    );
    assert_eq!(unread.unwrap_err().len(), 1);
}
