//! `check` and `test`, as typed.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// Plugin files
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub struct TestArgs {
    /// A plugin's directory, or a plugin file
    #[arg(value_name = "DIR|FILE", default_value = ".")]
    pub plugin: PathBuf,
}
