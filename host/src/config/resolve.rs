//! Flags over environment over file over defaults, judged as a whole.
//!
//! Every value of every layer is read, also one that a stronger layer hides: a mistake in the file
//! does not wait for the day on which a flag is left out.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use toml::de::DeValue;

use super::file::{Document, Entry, Mistakes, Table, Value};
use super::{
    Backend, CacheConfig, Config, ConfigErrors, Limits, Place, PluginConfig, WatchMode,
    check_plugin_name, matching, units,
};
use super::{DEFAULT_CACHE_BYTES, DEFAULT_DRAIN, DEFAULT_ECHO, DEFAULT_LISTEN, DEFAULT_PLUGINS};
use crate::cli::RunArgs;

/// The configuration of a run; `env` looks a variable of the environment up.
///
/// An empty variable counts as absent. Paths in the file are relative to the file's directory,
/// others to the working directory. Only the configuration file is opened.
///
/// # Errors
/// All mistakes of all layers, in the order flags, environment, file.
pub fn resolve(
    args: &RunArgs,
    env: impl Fn(&str) -> Option<OsString>,
) -> Result<Config, ConfigErrors> {
    let mistakes = Mistakes::default();
    let layers = Layers {
        args,
        env: &env,
        mistakes: &mistakes,
    };
    let (path, text) = layers.config_file().unwrap_or_default();
    let document = Document::parse(&path, &text, &mistakes);
    let config = layers.config(document.root(), path.parent().unwrap_or(Path::new("")));
    drop(document);
    mistakes.or(config)
}

/// Keys of tables, for people who write them at the top of the file.
const IN_TABLES: [&str; 10] = [
    "cache.dir",
    "cache.max-size",
    "limits.deadline",
    "limits.memory",
    "limits.body",
    "limits.max-calls",
    "limits.body-timeout",
    "plugin.NAME.order",
    "plugin.NAME.settings",
    "plugin.NAME.on-failure",
];
/// Keys of tables, for people who write them right into a plugin's table.
const IN_PLUGIN_TABLES: [&str; 8] = [
    "limits.deadline",
    "limits.memory",
    "limits.body",
    "limits.max-calls",
    "limits.body-timeout",
    "match.host",
    "match.path",
    "match.method",
];

struct Layers<'a> {
    args: &'a RunArgs,
    env: &'a dyn Fn(&str) -> Option<OsString>,
    mistakes: &'a Mistakes,
}

impl Layers<'_> {
    /// Path and text of the configuration file; none if there is none or it can't be read.
    fn config_file(&self) -> Option<(PathBuf, String)> {
        let (path, place) = self.path("config", self.args.config.as_deref(), None)?;
        match read_file(&path) {
            Ok(text) => Some((path, text)),
            Err(problem) => {
                self.mistakes.add(place, problem);
                None
            }
        }
    }

    fn config(&self, mut file: Table<'_>, base: &Path) -> Config {
        let args = self.args;
        let listen = self.value(
            "listen",
            &args.listen,
            file.text_or_number("listen"),
            units::listen,
        );
        let backend = self.value(
            "backend",
            &args.backend,
            file.text("backend"),
            units::backend,
        );
        self.refuse_loop(listen.as_ref(), backend.as_ref());
        let plugins = plugins_directory(&mut file).map(|entry| (entry, base));
        let plugins = self.path("plugins", args.plugins.as_deref(), plugins);
        let watch = self.value("watch", &args.watch, file.text("watch"), units::watch_mode);
        let workers = self.value(
            "workers",
            &args.workers,
            file.number("workers"),
            units::workers,
        );
        let drain = self.value("drain", &args.drain, file.text("drain"), units::time);
        let cache = self.cache(file.table("cache"), base);
        let defaults = self.limits(file.table("limits"), Limits::default());
        let plugin = file
            .table("plugin")
            .map(|table| self.plugins(&table, defaults));
        file.finish(&IN_TABLES);
        Config {
            listen: chosen(listen, DEFAULT_LISTEN),
            backend: chosen(backend, Backend::Echo(DEFAULT_ECHO)),
            plugins: chosen(plugins, PathBuf::from(DEFAULT_PLUGINS)),
            watch: chosen(watch, WatchMode::default()),
            cache,
            workers: workers.map_or_else(default_workers, |(workers, _)| workers),
            drain: chosen(drain, DEFAULT_DRAIN),
            defaults,
            plugin: plugin.unwrap_or_default(),
        }
    }

    /// The value of the strongest layer that gives one.
    fn value<T>(
        &self,
        name: &'static str,
        flag: &Option<String>,
        file: Option<Entry>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<(T, Place)> {
        let flag = flag.clone().map(|text| {
            let value = text.clone();
            let place = Place::Flag { name, value };
            Entry { place, text }
        });
        let layers = [flag, self.variable(name).and_then(|v| self.utf8(v)), file];
        let read = |entry: Entry| Some((entry.read(self.mistakes, &parse)?, entry.place));
        // Collected, so that all are read.
        let values: Vec<_> = layers.into_iter().flatten().filter_map(read).collect();
        values.into_iter().next()
    }

    /// As [`value`](Self::value), for paths; those of the file are relative to its directory.
    fn path(
        &self,
        name: &'static str,
        flag: Option<&Path>,
        file: Option<(Entry, &Path)>,
    ) -> Option<(PathBuf, Place)> {
        let flag = flag.map(|path| {
            let value = path.display().to_string();
            (path.to_owned(), Place::Flag { name, value })
        });
        let variable = self
            .variable(name)
            .map(|(value, place)| (PathBuf::from(value), place));
        let file = file.map(|(entry, base)| (PathBuf::from(entry.text), entry.place, base));
        let given = [flag, variable]
            .into_iter()
            .flatten()
            .map(|(path, place)| (path, place, Path::new("")));
        let paths: Vec<_> = given
            .chain(file)
            .filter_map(|(path, place, base)| match path_problem(&path) {
                None => Some((base.join(path), place)),
                Some(problem) => {
                    self.mistakes.add(place, problem);
                    None
                }
            })
            .collect();
        paths.into_iter().next()
    }

    /// The variable of a flag: `TOLLGATE_CACHE_DIR` for `cache-dir`.
    fn variable(&self, flag: &str) -> Option<(OsString, Place)> {
        let name = format!("TOLLGATE_{}", flag.replace('-', "_").to_uppercase());
        let value = (self.env)(&name).filter(|value| !value.is_empty())?;
        let shown = value.to_string_lossy().into_owned();
        Some((value, Place::Env { name, value: shown }))
    }

    fn utf8(&self, (value, place): (OsString, Place)) -> Option<Entry> {
        match value.into_string() {
            Ok(text) => Some(Entry { place, text }),
            Err(_) => {
                self.mistakes.add(place, "expected UTF-8");
                None
            }
        }
    }

    /// Refuses a backend that is the proxy itself.
    fn refuse_loop(
        &self,
        listen: Option<&(SocketAddr, Place)>,
        backend: Option<&(Backend, Place)>,
    ) {
        if !self.mistakes.is_empty() && (listen.is_none() || backend.is_none()) {
            // What is absent may have been given in a way that nobody could read.
            return;
        }
        let address = listen.map_or(DEFAULT_LISTEN, |(address, _)| *address);
        let target = backend.map_or(Backend::Echo(DEFAULT_ECHO), |(backend, _)| backend.clone());
        let place = backend
            .map(|(_, place)| place)
            .or(listen.map(|(_, place)| place));
        if let Some(place) = place
            && units::is_loop(address, &target)
        {
            let problem = format!(
                "the proxy listens on {address} and its backend is {target}, so requests would come back; \
                 expected another backend or another listen address"
            );
            self.mistakes.add(place.clone(), problem);
        }
    }

    fn cache(&self, file: Option<Table<'_>>, base: &Path) -> CacheConfig {
        let (mut off_in_file, mut dir, mut max_size) = (false, None, None);
        if let Some(mut table) = file {
            let value = table.take("dir");
            off_in_file = value
                .as_ref()
                .is_some_and(|value| value.value.as_bool() == Some(false));
            dir = value.filter(|_| !off_in_file).and_then(cache_directory);
            max_size = table.text_or_number("max-size");
            table.finish(&[]);
        }
        let dir = self.path(
            "cache-dir",
            self.args.cache_dir.as_deref(),
            dir.map(|entry| (entry, base)),
        );
        let off_in_env = self
            .variable("no-cache")
            .and_then(|v| self.utf8(v)?.read(self.mistakes, units::boolean));
        let off = match &dir {
            _ if self.args.no_cache => true,
            Some((_, Place::Flag { .. })) => false,
            Some(_) => off_in_env == Some(true),
            None => off_in_env.unwrap_or(off_in_file),
        };
        let max_bytes = max_size.and_then(|entry| entry.read(self.mistakes, units::size));
        let dir = dir.map(|(dir, _)| dir).or_else(|| self.default_cache());
        CacheConfig {
            dir: dir.filter(|_| !off),
            max_bytes: max_bytes.unwrap_or(DEFAULT_CACHE_BYTES),
        }
    }

    /// As the XDG base directory specification has it; none without a home.
    fn default_cache(&self) -> Option<PathBuf> {
        let absolute = |name| {
            (self.env)(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let home = || absolute("HOME").map(|home| home.join(".cache"));
        absolute("XDG_CACHE_HOME")
            .or_else(home)
            .map(|cache| cache.join("tollgate"))
    }

    fn limits(&self, file: Option<Table<'_>>, base: Limits) -> Limits {
        let mut limits = base;
        let Some(mut table) = file else { return limits };
        self.set(
            &mut limits.deadline,
            table.text("deadline"),
            units::time_above_zero,
        );
        self.set(
            &mut limits.memory,
            table.text_or_number("memory"),
            units::memory,
        );
        self.set(&mut limits.body, table.text_or_number("body"), units::size);
        self.set(
            &mut limits.max_calls,
            table.number("max-calls"),
            units::max_calls,
        );
        self.set(
            &mut limits.body_timeout,
            table.text("body-timeout"),
            units::time_above_zero,
        );
        table.finish(&[]);
        limits
    }

    /// Puts what the file says in the place of a default.
    fn set<T>(
        &self,
        slot: &mut T,
        entry: Option<Entry>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) {
        if let Some(value) = entry.and_then(|entry| entry.read(self.mistakes, parse)) {
            *slot = value;
        }
    }

    fn plugins(&self, table: &Table<'_>, defaults: Limits) -> BTreeMap<String, PluginConfig> {
        let plugin = |(name, value): (&str, Value<'_>)| {
            if let Err(problem) = check_plugin_name(name) {
                self.mistakes
                    .add(value.place.clone().without_value(), problem.to_string());
            }
            Some((name.to_owned(), self.plugin(value.table()?, defaults)))
        };
        table.values().filter_map(plugin).collect()
    }

    fn plugin(&self, mut table: Table<'_>, defaults: Limits) -> PluginConfig {
        let mut plugin = PluginConfig::new(self.limits(table.table("limits"), defaults));
        plugin.enabled = table.boolean("enabled").unwrap_or(plugin.enabled);
        self.set(&mut plugin.order, table.number("order"), units::order);
        self.set(
            &mut plugin.on_failure,
            table.text("on-failure"),
            units::on_failure,
        );
        if let Some(settings) = table.table("settings") {
            plugin.settings = texts(&settings);
        }
        if let Some(value) = table.take("match") {
            plugin.matches = matching::read(value, self.mistakes);
        }
        table.finish(&IN_PLUGIN_TABLES);
        plugin
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::IsADirectory => "this is a directory; expected a TOML file".to_owned(),
        _ => format!("can't be read: {error}"),
    })?;
    String::from_utf8(bytes).map_err(|_| "not UTF-8; expected a TOML file".to_owned())
}

/// `plugins` is the directory; `[plugins.NAME]` is what people write for `[plugin.NAME]`.
fn plugins_directory(file: &mut Table<'_>) -> Option<Entry> {
    let value = file.take("plugins")?;
    match value.value {
        DeValue::Table(_) => {
            value.wrong("a string, the directory; the table of one plugin is [plugin.NAME]")
        }
        _ => value.text(),
    }
}

fn cache_directory(value: Value<'_>) -> Option<Entry> {
    match value.value {
        DeValue::String(_) => value.text(),
        _ => value.wrong("a string, or false for no cache"),
    }
}

fn texts(table: &Table<'_>) -> Vec<(String, String)> {
    table
        .values()
        .filter_map(|(name, value)| Some((name.to_owned(), value.setting()?)))
        .collect()
}

fn chosen<T>(given: Option<(T, Place)>, default: T) -> T {
    given.map_or(default, |(value, _)| value)
}

fn default_workers() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn path_problem(path: &Path) -> Option<&'static str> {
    if path.as_os_str().is_empty() {
        return Some("expected a path");
    }
    let tilde = path.iter().next().is_some_and(|first| first == "~");
    tilde.then_some("`~` is the shell's and has no meaning here; expected the path in full")
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;
    use std::time::Duration;

    use super::*;

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
            crate::cli::Command::CheckConfig(_) => unreachable!(),
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
max-calls = 5
body-timeout = "10s"

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
        assert_eq!(config.listen.to_string(), "127.0.0.1:4567");
        assert_eq!(config.backend.to_string(), "http://localhost:4566");
        assert_eq!(config.plugins, dir.join("my-plugins"));
        assert_eq!(config.watch, WatchMode::Poll);
        assert_eq!(config.workers.get(), 3);
        assert_eq!(config.drain, Duration::from_secs(60));
        let cache = CacheConfig {
            dir: Some("/var/cache/t".into()),
            max_bytes: 10 << 20,
        };
        assert_eq!(config.cache, cache);
        let defaults = Limits {
            deadline: Duration::from_secs(2),
            memory: 128 << 20,
            body: 1000,
            max_calls: 5,
            body_timeout: Duration::from_secs(10),
        };
        assert_eq!(config.defaults, defaults);

        let plugin = config.for_plugin("add-header");
        assert!(!plugin.enabled);
        assert_eq!(plugin.order, -5);
        assert_eq!(plugin.on_failure, crate::config::OnFailure::Open);
        let deadline = Duration::from_millis(200);
        assert_eq!(
            plugin.limits,
            Limits {
                deadline,
                ..defaults
            }
        );
        assert!(plugin.matches.matches("a.example.com", "/api/x", "HEAD"));
        assert!(!plugin.matches.matches("a.example.com", "/api/x", "POST"));
        let settings: Vec<_> = plugin
            .settings
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
            assert_eq!(config.listen, DEFAULT_LISTEN);
            assert_eq!(config.backend, Backend::Echo(DEFAULT_ECHO));
            assert_eq!(config.plugins, Path::new("plugins"));
            assert_eq!(config.watch, WatchMode::Events);
            assert_eq!(config.workers, default_workers());
            assert_eq!(config.drain, Duration::from_secs(30));
            assert_eq!(config.cache.dir, Some("/home/u/.cache/tollgate".into()));
            let plugin = config.for_plugin("any");
            assert!(plugin.enabled && plugin.matches.is_everything() && plugin.settings.is_empty());
            assert_eq!(plugin.limits, Limits::default());
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
                listen,
                backend,
                plugins,
                watch,
                cache,
                workers,
                drain,
                ..
            } = config;
            let cache = short(cache.dir.as_deref().unwrap());
            format!(
                "{} {backend} {} {watch:?} {cache} {workers} {drain:?}",
                listen.port(),
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
listen = ':80'
    => 1: listen = ':80': expected 127.0.0.1:80 for this machine only or 0.0.0.0:80 for everyone
backend = 'https://a'
    => 1: backend = 'https://a': TLS to the backend is not served by this version; expected an http:// URL
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
    => 1: zzz: unknown key; expected one of listen, backend, plugins, watch, workers, drain, cache, limits, plugin
limits.deadline = '0s'
    => 1: limits.deadline = '0s': expected more than no time
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
    => 1: plugin.a.wasm: unknown key; expected one of limits, enabled, order, on-failure, settings, match
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
        let lines: Vec<_> = WRONG.trim().lines().collect();
        for case in lines.chunks(2) {
            let file = case[0].replace(" ; ", "\n");
            let expected = case[1].trim().replace("=> ", "t.toml:");
            assert_eq!(
                resolved(&[], &[], Some(&file)).unwrap_err(),
                [expected],
                "{file}"
            );
        }
        assert!(lines.len() > 80);
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
        let got =
            resolved(&[], &[("TOLLGATE_BACKEND", "http://127.0.0.1:4567")], None).unwrap_err();
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
}
