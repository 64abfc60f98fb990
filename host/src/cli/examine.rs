//! `check` and `test`, as typed.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// Plugin files, or directories of them
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// Print one JSON document in place of words
    #[arg(long)]
    pub json: bool,

    /// Configuration file: a plugin is tried out with the settings and limits that it gives to a plugin of the
    /// file's name
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub struct TestArgs {
    /// A plugin's directory, or a plugin file
    #[arg(value_name = "DIR|FILE", default_value = ".")]
    pub plugin: PathBuf,

    /// Directory of the cases, or one file of them
    ///
    /// [default: what plugin.toml says, else `tests` in the plugin's directory or beside the plugin file]
    #[arg(long, value_name = "DIR")]
    pub cases: Option<PathBuf>,

    /// Write what came into the cases, as what is expected from now on
    #[arg(long)]
    pub update: bool,

    /// The time at which the plugin's wall clock stands, such as 2026-01-01T00:00:00Z, or `real` for the machine's
    ///
    /// [default: what the case or plugin.toml says, else 2026-01-01T00:00:00Z]
    #[arg(long, value_name = "TIME")]
    pub now: Option<String>,

    /// What the plugin's random numbers begin from, a whole number, or `real` for the system's randomness
    ///
    /// [default: what the case or plugin.toml says, else 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<String>,

    /// Run only cases that have this in their name
    #[arg(long, value_name = "NAME")]
    pub filter: Option<String>,

    /// Print one JSON document in place of words
    #[arg(long)]
    pub json: bool,

    /// Compile the plugin afresh and keep nothing on disk
    #[arg(long)]
    pub no_cache: bool,
}
