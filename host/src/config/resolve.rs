//! Flags over environment over file over defaults, judged as a whole.
//!
//! Every value of every layer is read, also one that a stronger layer hides: a mistake in the file
//! does not wait for the day on which a flag is left out. One file below for each part of the
//! configuration file; what they share is in [`layers`].

mod access_log;
mod addresses;
mod admin;
mod allow;
mod backends;
mod cache;
mod destinations;
mod layers;
mod listeners;
mod matches;
mod plugins;
mod record;
mod replay;
mod routes;
mod server;
mod services;
mod tracing;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

pub use plugins::{plugin_file, settings};
pub(crate) use plugins::{read_limits, settings_in};

use self::layers::{Layers, chosen};
use super::file::{Mistakes, TomlDocument, TomlTable};
use super::{Config, ConfigErrors, DEFAULT_DRAIN, DEFAULT_PLUGINS, PluginLimits, WatchMode, units};
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
    let (path, text) = layers.config_file().unzip();
    let base = path.as_deref().unwrap_or(Path::new(""));
    let text = text.unwrap_or_default();
    let document = TomlDocument::parse(base, &text, &mistakes);
    let base = base.parent().unwrap_or(Path::new(""));
    let mut config = layers.config(document.root(), base);
    drop(document);
    config.file = path;
    mistakes.or(config)
}

/// Keys of tables, for people who write them at the top of the file.
const IN_TABLES: [&str; 80] = [
    "admin.token-file",
    "admin.hosts",
    "access-log.format",
    "tracing.endpoint",
    "tracing.sample",
    "tracing.service-name",
    "tls.certificate",
    "tls.key",
    "tls.self-signed",
    "tls.cleartext",
    "server.max-connections",
    "server.max-requests",
    "server.max-streams",
    "server.max-head",
    "server.max-fields",
    "server.max-target",
    "server.max-body",
    "server.header-timeout",
    "server.idle-timeout",
    "server.body-timeout",
    "server.request-timeout",
    "server.tunnel-timeout",
    "server.half-close",
    "server.drain-delay",
    "forwarding.x-forwarded",
    "forwarding.forwarded",
    "forwarding.via",
    "backends.NAME.address",
    "backends.NAME.addresses",
    "backends.NAME.balance",
    "backends.NAME.protocol",
    "backends.NAME.host",
    "backends.NAME.connect-timeout",
    "backends.NAME.first-byte-timeout",
    "backends.NAME.resolve-every",
    "backends.NAME.tls.verify",
    "backends.NAME.tls.ca",
    "backends.NAME.tls.server-name",
    "backends.NAME.ejection",
    "backends.NAME.ejection.failures",
    "backends.NAME.replay",
    "cache.dir",
    "cache.max-size",
    "state.store",
    "state.path",
    "state.durability",
    "state.prefix",
    "state.max-key",
    "state.max-value",
    "state.max-bytes",
    "state.max-entries",
    "outbound.max-request",
    "outbound.max-response",
    "outbound.max-calls",
    "outbound.max-at-once",
    "outbound.ca",
    "record.enabled",
    "record.tape",
    "record.tape-size",
    "record.tape-age",
    "record.tape-files",
    "record.exchanges",
    "record.bytes",
    "record.body",
    "record.mask-defaults",
    "record.mask-fields",
    "record.mask-keys",
    "limits.deadline",
    "limits.memory",
    "limits.body",
    "limits.max-calls",
    "limits.body-timeout",
    "limits.trial",
    "limits.file-size",
    "plugin.NAME.order",
    "plugin.NAME.settings",
    "plugin.NAME.on-failure",
    "plugin.NAME.match",
    "plugin.NAME.enabled",
    "plugin.NAME.required",
];

impl Layers<'_> {
    /// Path and text of the configuration file; none if there is none or it can't be read.
    fn config_file(&self) -> Option<(PathBuf, String)> {
        let (path, place) = self.path("config", self.args.config.as_deref(), None)?;
        match read_file(&path, LARGEST_FILE, "TOML") {
            Ok(text) => Some((path, text)),
            Err(problem) => {
                self.mistakes.add(place, problem);
                None
            }
        }
    }

    fn config(&self, mut file: TomlTable<'_>, base: &Path) -> Config {
        let args = self.args;
        let listen = self.listen(&mut file);
        let listen = listen.as_deref();
        let reuse_port = file.switch("reuse-port");
        let reuse_port = self.switch("reuse-port", args.reuse_port, reuse_port);
        let admin = self.admin(&mut file, base);
        let destinations = self.destinations(&mut file, base, listen.is_some());
        self.check_addresses(listen, admin::tcp(admin.as_ref()).as_ref(), &destinations);
        let plugins = plugins::directory(&mut file).map(|entry| (entry, base));
        let plugins = self.path("plugins", args.plugins.as_deref(), plugins);
        let standard = file.switch("standard-components");
        let standard = self.switch("standard-components", args.standard_components, standard);
        let watch = self.value("watch", &args.watch, file.text("watch"), units::watch_mode);
        let workers = file.number("workers");
        let workers = self.value("workers", &args.workers, workers, units::workers);
        let drain = self.value("drain", &args.drain, file.text("drain"), units::time);
        let tls = self.tls(file.table("tls"), base);
        let listeners = self.listeners(listen, destinations.listeners, tls.as_ref());
        let server = self.server(file.table("server"));
        let forwarding = self.forwarding(file.table("forwarding"));
        let cache = self.cache(file.table("cache"), base);
        let tracing = self.tracing(file.table("tracing"));
        let access_log = self.access_log(file.table("access-log"), base);
        let state = self.state(file.table("state"), base);
        let outbound = self.outbound(file.table("outbound"), base);
        let record = self.record(file.table("record"), base, admin.is_some());
        let defaults = self.limits(file.table("limits"));
        let plugin = file
            .table("plugin")
            .map(|table| self.plugins(&table, &destinations.names));
        file.finish(&IN_TABLES);
        Config {
            file: None,
            listeners,
            reuse_port: chosen(reuse_port, false),
            admin: admin.map(|(admin, _)| admin),
            server,
            forwarding,
            backends: destinations.backends,
            routes: destinations.routes,
            echo: destinations.echo,
            echo_fixed: destinations.echo_fixed,
            plugins: chosen(plugins, PathBuf::from(DEFAULT_PLUGINS)),
            standard_components: chosen(standard, false),
            watch: chosen(watch, WatchMode::default()),
            access_log,
            tracing,
            cache,
            state,
            outbound,
            record,
            workers: workers.map_or_else(default_workers, |(workers, _)| workers),
            drain: chosen(drain, DEFAULT_DRAIN),
            defaults: defaults.limits(PluginLimits::default()),
            plugin: plugin.unwrap_or_default(),
            beside: BTreeMap::new(),
            overlay: BTreeMap::new(),
        }
    }
}

/// Bytes of a configuration file. Ten thousand routes take two million.
const LARGEST_FILE: u64 = 16 << 20;

/// The text of a file that may be anything; at most this many bytes, whole MiB.
///
/// # Errors
/// What is there instead, or what went wrong.
pub fn read_file(path: &Path, most: u64, format: &str) -> Result<String, String> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        _ => format!("can't be read: {error}"),
    };
    // A named pipe that nobody writes to would not be open before somebody does.
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let mut options = fs::OpenOptions::new();
    options.read(true).custom_flags(nonblocking);
    let file = options.open(path).map_err(failed)?;
    let kind = file.metadata().map_err(failed)?.file_type();
    if kind.is_dir() {
        return Err(format!("this is a directory; expected a {format} file"));
    }
    if !kind.is_file() {
        return Err(format!(
            "this is a device, a pipe or a socket; expected a {format} file"
        ));
    }
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > most {
        let most = most >> 20;
        return Err(format!("larger than {most} MiB; expected a {format} file"));
    }
    String::from_utf8(bytes).map_err(|_| format!("not UTF-8; expected a {format} file"))
}

fn default_workers() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

#[cfg(test)]
mod tests;
