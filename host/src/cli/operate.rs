//! `status`, `plugins`, `reload` and `logs`, as typed: commands that ask a running proxy.

use std::path::PathBuf;

use clap::Args;

/// Where the running proxy is.
#[derive(Debug, Clone, Args)]
pub struct AdminArgs {
    /// The admin listener of the running proxy: an address and port, a port alone, or a unix socket
    ///
    /// [env: TOLLGATE_ADMIN] [default: 127.0.0.1:4599]
    #[arg(long, value_name = "ADDR|unix:PATH")]
    pub admin: Option<String>,

    /// File with the token of the admin listener, if it asks for one
    ///
    /// [env: TOLLGATE_ADMIN_TOKEN_FILE, or the token itself in TOLLGATE_ADMIN_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    pub at: AdminArgs,
}

#[derive(Debug, Clone, Args)]
pub struct PluginsArgs {
    /// One plugin: its settings, what is granted to it, and what happened to it; without it, a line for every plugin
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    #[command(flatten)]
    pub at: AdminArgs,
}

#[derive(Debug, Clone, Args)]
pub struct ReloadArgs {
    /// One plugin, whose files are read again; without it, the configuration and every plugin
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    #[command(flatten)]
    pub at: AdminArgs,
}

#[derive(Debug, Clone, Args)]
pub struct LogsArgs {
    /// Go on printing lines as they come
    #[arg(long, short)]
    pub follow: bool,

    /// How many of the last lines to print
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    pub lines: u32,

    #[command(flatten)]
    pub at: AdminArgs,
}

#[derive(Debug, Clone, Args)]
pub struct CompletionsArgs {
    /// The shell that is to complete tollgate's commands and options
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}
