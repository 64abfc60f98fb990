//! The command line as typed: what clap needs and nothing more.
//!
//! The comments below are the help that people read. Values stay text here, because
//! [`crate::config::resolve`] judges them together with environment and file and reports every
//! mistake at once; it reads the environment too.

mod examine;
mod make;
mod operate;
mod tape;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use examine::{CheckArgs, TestArgs};
pub use make::{BuildArgs, DevArgs, NewArgs};
pub use operate::{AdminArgs, CompletionsArgs, LogsArgs, PluginsArgs, ReloadArgs, StatusArgs};
pub use tape::{
    SendAs, SendMasked, SendPace, TapeArgs, TapeCommand, TapeExportArgs, TapeGrepArgs,
    TapeImportArgs, TapeSendArgs, TapeShowArgs, WhatIfArgs,
};

/// An HTTP proxy that runs WebAssembly plugins and reloads them when they change
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// How `run` ends, for the program that starts it again.
const EXIT_CODES: &str = "Exit codes:
  0   stopped by SIGTERM or SIGINT, all requests completed
  1   could not start, for example because the address is in use
  64  a mistake in the command line or the configuration
  70  an essential part of the proxy has failed; the last line of the log says which. Start the proxy again
  75  stopped, but requests that took longer than the drain time were aborted";

/// What a what-if does, and how it ends.
const WHAT_IF: &str = "Each exchange begins with the request as the first plugin got it, and the backend's recorded answer takes the backend's place.
State begins empty and lasts over the run, clocks follow the tape, and calls to other servers are refused. What is masked on
the tape is masked for the plugins, too.

Exit codes, as those of diff:
  0   nothing differs
  1   something differs
  2   it could not be found out, for example because a plugin does not start
  64  a mistake in the command line or the configuration";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the proxy: forward requests through the plugins to the backend
    #[command(after_long_help = EXIT_CODES)]
    Run(RunArgs),
    /// Check the configuration that `run` would use, start its plugins, and report every mistake
    CheckConfig(CheckConfigArgs),
    /// Create a project for a new plugin: source, test cases, and a README
    New(NewArgs),
    /// Build a plugin with the tools of its language, and check the result
    Build(BuildArgs),
    /// Rebuild a plugin on every save, into the plugins directory of a running proxy
    Dev(DevArgs),
    /// Report whether files are plugins, their contract version, their imports and their cost
    Check(CheckArgs),
    /// Run a plugin with test cases from files, without a network
    Test(TestArgs),
    /// Look at recorded exchanges, take some of them out, write and read HARs
    Tape(TapeArgs),
    /// Show what a running proxy does: its addresses, its backends, how many requests it has
    Status(StatusArgs),
    /// Show the plugins of a running proxy, or one of them
    Plugins(PluginsArgs),
    /// Have a running proxy read its configuration and its plugins again, or one plugin
    Reload(ReloadArgs),
    /// Show the last lines of a running proxy's log
    Logs(LogsArgs),
    /// Print what a shell needs to complete tollgate's commands and options
    Completions(CompletionsArgs),
    /// Print the man page
    Man,
    /// Run recorded exchanges through the plugins as they are now, without a backend, and print what differs from then
    #[command(after_long_help = WHAT_IF)]
    WhatIf(WhatIfArgs),
}

/// The options of `run`. A flag overrides its environment variable, which overrides the configuration file, which
/// overrides the default. An empty environment variable counts as absent.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    /// Address and port for clients; a port alone means 127.0.0.1. May be repeated: all of them have the same routes
    ///
    /// Routes of one address alone are in the configuration file ([[listeners]]). Several addresses in the variable are separated by commas. [env: TOLLGATE_LISTEN] [default: 127.0.0.1:4567]
    #[arg(long, value_name = "ADDR")]
    pub listen: Vec<String>,

    /// The backend: a URL with http://, https://, h2c:// or unix:, `tape:FILE` for recorded answers, or `echo`
    /// for an embedded backend that answers with the request that it received
    ///
    /// `tape:FILE` (or `har:FILE`) answers from a tape or a HAR, and connects to nobody; see --replay. `h2c://` is HTTP/2 without TLS, `unix:/PATH` a unix socket. The embedded backend listens on 127.0.0.1:4566, or on a free port if that is in use; `echo://ADDR` sets its address. [env: TOLLGATE_BACKEND] [default: echo]
    #[arg(long, value_name = "URL")]
    pub backend: Option<String>,

    /// Serve TLS, with a self-signed certificate or with a certificate chain and a key from PEM files
    ///
    /// `--tls` without a value means `self-signed`, a certificate that is created at start. [env: TOLLGATE_TLS]
    #[arg(
        long,
        value_name = "self-signed|CHAIN.pem,KEY.pem",
        num_args = 0..=1,
        default_missing_value = "self-signed"
    )]
    pub tls: Option<String>,

    /// Accept plaintext too, on the same port as TLS
    ///
    /// [env: TOLLGATE_TLS_CLEARTEXT=true]
    #[arg(long)]
    pub tls_cleartext: bool,

    /// Address and port of the admin listener (API, metrics, GET /live and /ready); a port alone means 127.0.0.1
    ///
    /// `unix:PATH` is a unix socket. An address that others reach needs a token: --admin-token-file, or the token itself in
    /// TOLLGATE_ADMIN_TOKEN. [env: TOLLGATE_ADMIN] [default: off]
    #[arg(long, value_name = "ADDR|unix:PATH")]
    pub admin: Option<String>,

    /// File with the token that every request to the admin listener must have (`authorization: Bearer TOKEN`)
    ///
    /// [env: TOLLGATE_ADMIN_TOKEN_FILE] [default: none]
    #[arg(long, value_name = "FILE")]
    pub admin_token_file: Option<PathBuf>,

    /// Log every finished request to a file, or to stdout (`-`)
    ///
    /// The file is opened again on SIGHUP and when it has been renamed. [access-log] in the configuration file sets the format. [env: TOLLGATE_ACCESS_LOG] [default: off]
    #[arg(long, value_name = "FILE|-")]
    pub access_log: Option<PathBuf>,

    /// Send traces to a collector: an OTLP endpoint over HTTP, such as http://127.0.0.1:4318
    ///
    /// Without it, OTEL_EXPORTER_OTLP_ENDPOINT is read. [tracing] in the configuration file sets sampling. [env: TOLLGATE_OTLP] [default: off]
    #[arg(long, value_name = "URL")]
    pub otlp: Option<String>,

    /// Append every exchange to this file, the tape, for `tollgate tape` and `tollgate what-if`
    ///
    /// Secrets are masked; the table `record` of the configuration says what else, and how much of each body is kept. [env: TOLLGATE_RECORD] [default: off]
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,

    /// How a tape answers (with --backend tape:FILE); may be given more than once
    ///
    /// Requests are compared with recorded ones by method, path, query, body, and the fields x-amz-target and soapaction. Of several
    /// answers to like requests each is given once, in order, then the last again.
    /// KEY is one of: match-fields=NAME,… (these header fields instead), match-host=true, match-body=false, ignore-query=NAME,…
    /// (or *), ignore-keys=NAME,… (of JSON bodies and forms), repeat=last|once|cycle, pace=none|original,
    /// on-miss=502|404|…|URL (a status, or a backend to ask). [env: TOLLGATE_REPLAY, pairs separated by spaces]
    /// [default: on-miss=502 repeat=last pace=none]
    #[arg(long, value_name = "KEY=VALUE")]
    pub replay: Vec<String>,

    /// Allow other processes to listen on the same address, so that a new process can start before the old
    /// one ends (SO_REUSEPORT)
    ///
    /// [env: TOLLGATE_REUSE_PORT=true]
    #[arg(long)]
    pub reuse_port: bool,

    /// The plugins directory
    ///
    /// [env: TOLLGATE_PLUGINS] [default: plugins]
    #[arg(long, value_name = "DIR")]
    pub plugins: Option<PathBuf>,

    /// Run standard wasi:http components (0.2 proxy, 0.3 service and middleware) as plugins too
    ///
    /// wasmtime calls its support of WASI 0.3 experimental, so they run in engines of their own. [env: TOLLGATE_STANDARD_COMPONENTS=true]
    #[arg(long)]
    pub standard_components: bool,

    /// Configuration file (TOML); without it, only flags, environment variables and defaults apply
    ///
    /// [env: TOLLGATE_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// How changed plugin files are detected: by file events, by polling, or not at all
    ///
    /// [env: TOLLGATE_WATCH] [default: events]
    #[arg(long, value_name = "events|poll|off")]
    pub watch: Option<String>,

    /// Cache directory for compiled plugins
    ///
    /// [env: TOLLGATE_CACHE_DIR] [default: $XDG_CACHE_HOME/tollgate or ~/.cache/tollgate]
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    pub cache_dir: Option<PathBuf>,

    /// Compile every plugin again, without a cache on disk
    ///
    /// [env: TOLLGATE_NO_CACHE=true]
    #[arg(long)]
    pub no_cache: bool,

    /// Threads that serve requests
    ///
    /// [env: TOLLGATE_WORKERS] [default: one for each CPU]
    #[arg(long, value_name = "N")]
    pub workers: Option<String>,

    /// How long to wait for running requests after a signal to stop (graceful shutdown)
    ///
    /// [env: TOLLGATE_DRAIN] [default: 30s]
    #[arg(long, value_name = "TIME")]
    pub drain: Option<String>,

    /// What to log to stderr: a level (off, error, warn, info, debug, trace), or comma-separated `target=level` pairs
    ///
    /// Plugin output and plugin logs have the target `plugin`, those of one plugin `plugin::NAME`: `info,plugin::cors=debug`. Pairs without a default level turn off all targets that they don't name. RUST_LOG is read when neither this flag nor TOLLGATE_LOG is set. [env: TOLLGATE_LOG] [default: info]
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub struct CheckConfigArgs {
    #[command(flatten)]
    pub run: RunArgs,

    /// Do not load and start the plugins
    ///
    /// Without this option every plugin in the plugins directory is loaded and started with its settings, as `run` would do it,
    /// with empty state and without a network.
    #[arg(long)]
    pub no_plugins: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn clap_finds_nothing_wrong_with_the_definition() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_of_every_flag_names_its_variable() {
        let mut cli = Cli::command();
        let run = cli.find_subcommand_mut("run").unwrap();
        for flag in run.get_arguments().filter(|arg| arg.get_id() != "help") {
            let name = flag.get_long().unwrap().replace('-', "_").to_uppercase();
            let help = flag.get_long_help().unwrap().to_string();
            assert!(
                help.contains(&format!("[env: TOLLGATE_{name}")),
                "{name}: {help}"
            );
        }
    }

    #[test]
    fn tls_without_a_value_is_self_signed() {
        let cases = [
            ("tollgate run", None),
            ("tollgate run --tls", Some("self-signed")),
            ("tollgate run --tls --admin 1", Some("self-signed")),
            ("tollgate run --tls a,b", Some("a,b")),
            ("tollgate run --tls=a,b", Some("a,b")),
        ];
        for (line, expected) in cases {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            let Command::Run(args) = cli.command else {
                panic!("{line}")
            };
            assert_eq!(args.tls.as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn command_lines() {
        let cases = [
            ("tollgate run", true),
            (
                "tollgate run --listen 4567 --backend http://localhost:4566 --plugins p",
                true,
            ),
            (
                "tollgate run --watch off --workers 2 --drain 5s --no-cache --log debug",
                true,
            ),
            ("tollgate run --tls --tls-cleartext", true),
            ("tollgate run --tls self-signed --admin 4599", true),
            ("tollgate run --tls chain.pem,key.pem --reuse-port", true),
            (
                "tollgate run --backend tape:a --replay on-miss=404 --replay pace=original",
                true,
            ),
            ("tollgate run --tls a b", false),
            ("tollgate run --reuse-port true", false),
            ("tollgate check-config --config t.toml", true),
            ("tollgate check-config --no-plugins --plugins p", true),
            ("tollgate run --no-plugins", false),
            ("tollgate run --cache-dir a --no-cache", false),
            ("tollgate tape show t ~m POST", true),
            ("tollgate tape show t --json --limit 3", true),
            ("tollgate tape grep t ~e -o u", true),
            ("tollgate tape grep t -o u", false),
            ("tollgate tape grep t ~e", false),
            ("tollgate tape export --har t", true),
            ("tollgate tape export t", false),
            ("tollgate tape import --har h -o t", true),
            ("tollgate tape import --har h", false),
            ("tollgate tape send t --to http://h ~m POST", true),
            (
                "tollgate tape send t --to http://h --map-ids --pace 5/s --as client",
                true,
            ),
            (
                "tollgate tape send t --to http://h --pace original --masked skip --dry-run",
                true,
            ),
            ("tollgate tape send t --to http://h --pace 0/s", false),
            ("tollgate tape send t --to http://h --pace fast", false),
            ("tollgate tape send t --to http://h --set-field x-a:b", true),
            ("tollgate tape send t --to http://h --set-field x-a", false),
            ("tollgate tape send t", false),
            ("tollgate what-if t ~m GET --plugins p --json", true),
            ("tollgate what-if", false),
            ("tollgate run --lisen 1", false),
            ("tollgate run extra", false),
            ("tollgate walk", false),
            ("tollgate", false),
        ];
        for (line, good) in cases {
            assert_eq!(Cli::try_parse_from(line.split(' ')).is_ok(), good, "{line}");
        }
        let version = Cli::try_parse_from(["tollgate", "--version"])
            .unwrap_err()
            .to_string();
        assert_eq!(
            version.trim(),
            concat!("tollgate ", env!("CARGO_PKG_VERSION"))
        );
    }
}
