//! The command line as typed: what clap needs and nothing more.
//!
//! The comments below are the help that people read. Values stay text here, because
//! [`crate::config::resolve`] judges them together with environment and file and reports every
//! mistake at once; it reads the environment too.

mod examine;
mod make;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use examine::{CheckArgs, TestArgs};
pub use make::{BuildArgs, DevArgs, NewArgs};

/// An HTTP proxy whose behaviour is WebAssembly plugins, reloaded as they change
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// How `run` ends, for whoever starts it again.
const EXIT_CODES: &str = "Exit codes:
  0   stopped by SIGTERM or SIGINT, all requests done
  1   could not start: the address is taken, say
  64  a mistake in the command line or the configuration
  70  a part of the proxy that it can't do without has failed; the last line of the log says which. Start it again
  75  stopped, but requests that took longer than the time to drain were cut off";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve: pass requests through the plugins to the backend
    #[command(after_long_help = EXIT_CODES)]
    Run(RunArgs),
    /// Check the configuration that `run` would use, report every mistake, and end
    CheckConfig(RunArgs),
    /// Make a directory with a new plugin: its smallest source, its test, and how to go on
    New(NewArgs),
    /// Build a plugin with its language's own tools, and check what came of it
    Build(BuildArgs),
    /// Build a plugin whenever its source is saved, straight into the plugins directory
    Dev(DevArgs),
    /// Say whether files are plugins, what they import and what they cost
    Check(CheckArgs),
    /// Run a plugin on cases kept as files, without a network
    Test(TestArgs),
}

/// What may be said of a run. Each flag wins over its environment variable, that over the
/// configuration file, that over the default. An empty environment variable counts as absent.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    /// Address and port for clients; a port alone means 127.0.0.1
    ///
    /// [env: TOLLGATE_LISTEN] [default: 127.0.0.1:4567]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,

    /// Where requests go: a URL with http://, https://, h2c:// or unix:, or `echo` for a built-in backend
    /// that answers with the request it got
    ///
    /// `h2c://` is HTTP/2 in cleartext, `unix:/PATH` a socket of this machine. The built-in backend listens on 127.0.0.1:4566, or on a free port if that is taken; `echo://ADDR` fixes its address. [env: TOLLGATE_BACKEND] [default: echo]
    #[arg(long, value_name = "URL")]
    pub backend: Option<String>,

    /// Serve TLS, with a certificate made for this run or with one from two PEM files
    ///
    /// Without a value `self-signed`. [env: TOLLGATE_TLS]
    #[arg(
        long,
        value_name = "self-signed|CHAIN.pem,KEY.pem",
        num_args = 0..=1,
        default_missing_value = "self-signed"
    )]
    pub tls: Option<String>,

    /// Answer cleartext too, on the port that serves TLS
    ///
    /// [env: TOLLGATE_TLS_CLEARTEXT=true]
    #[arg(long)]
    pub tls_cleartext: bool,

    /// Address and port for GET /live and GET /ready; a port alone means 127.0.0.1
    ///
    /// [env: TOLLGATE_ADMIN] [default: off]
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<String>,

    /// Let other processes listen on the same address, so that a new one can start before the old one
    /// ends (SO_REUSEPORT)
    ///
    /// [env: TOLLGATE_REUSE_PORT=true]
    #[arg(long)]
    pub reuse_port: bool,

    /// Directory of the plugins
    ///
    /// [env: TOLLGATE_PLUGINS] [default: plugins]
    #[arg(long, value_name = "DIR")]
    pub plugins: Option<PathBuf>,

    /// Serve components for wasi:http (0.2 proxy, 0.3 service and middleware) along with plugins
    ///
    /// wasmtime calls its support of WASI 0.3 experimental, so they run in an engine of their own. [env: TOLLGATE_STANDARD_COMPONENTS=true]
    #[arg(long)]
    pub standard_components: bool,

    /// Configuration file (TOML); without it flags, environment and defaults are all there is
    ///
    /// [env: TOLLGATE_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// How changed plugins are noticed: file events, a periodic look, or not at all
    ///
    /// [env: TOLLGATE_WATCH] [default: events]
    #[arg(long, value_name = "events|poll|off")]
    pub watch: Option<String>,

    /// Directory for compiled plugins
    ///
    /// [env: TOLLGATE_CACHE_DIR] [default: $XDG_CACHE_HOME/tollgate or ~/.cache/tollgate]
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    pub cache_dir: Option<PathBuf>,

    /// Compile every plugin afresh and keep nothing on disk
    ///
    /// [env: TOLLGATE_NO_CACHE=true]
    #[arg(long)]
    pub no_cache: bool,

    /// Threads that serve requests
    ///
    /// [env: TOLLGATE_WORKERS] [default: one for each CPU]
    #[arg(long, value_name = "N")]
    pub workers: Option<String>,

    /// How long running requests may take to end after a signal to stop
    ///
    /// [env: TOLLGATE_DRAIN] [default: 30s]
    #[arg(long, value_name = "TIME")]
    pub drain: Option<String>,

    /// What to log, on stderr: a level (off, error, warn, info, debug, trace), or `target=level` pairs with commas between
    ///
    /// What plugins print and log has the target `plugin`, that of one plugin `plugin::NAME`: `info,plugin::cors=debug`. Pairs without a level turn off everything that they don't name. RUST_LOG is read when neither this flag nor TOLLGATE_LOG is set. [env: TOLLGATE_LOG] [default: info]
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
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
            ("tollgate run --tls a b", false),
            ("tollgate run --reuse-port true", false),
            ("tollgate check-config --config t.toml", true),
            ("tollgate run --cache-dir a --no-cache", false),
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
