//! `check` and `test`, as typed.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// Plugin files, or directories of plugin files
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,

    /// Configuration file: the trial uses its settings and limits for the plugin with the
    /// file's name
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub struct TestArgs {
    /// A plugin's project directory, or a plugin file
    #[arg(value_name = "DIR|FILE", default_value = ".")]
    pub plugin: PathBuf,

    /// Directory of the test cases, or one file with test cases
    ///
    /// [default: what plugin.toml says, else `tests` in the project directory or next to the plugin file]
    #[arg(long, value_name = "DIR")]
    pub cases: Option<PathBuf>,

    /// Write the actual results into the cases as the new expectations
    #[arg(long)]
    pub update: bool,

    /// Fixed time of the plugin's wall clock, such as 2026-01-01T00:00:00Z, or `real` for the current time
    ///
    /// [default: what the case or plugin.toml says, else 2026-01-01T00:00:00Z]
    #[arg(long, value_name = "TIME")]
    pub now: Option<String>,

    /// Seed of the plugin's random numbers: an integer, or `real` for the system's random numbers
    ///
    /// [default: what the case or plugin.toml says, else 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<String>,

    /// Run only cases whose name contains this text
    #[arg(long, value_name = "NAME")]
    pub filter: Option<String>,

    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,

    /// Compile the plugin again, without a cache on disk
    #[arg(long)]
    pub no_cache: bool,
}
