//! `new`, `build` and `dev`, as typed.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Clone, Args)]
pub struct NewArgs {
    /// rust, js, ts, python, go, c, cpp, zig, assemblyscript or wat
    #[arg(value_name = "LANG")]
    pub language: String,

    /// The plugin's name, and the directory that is made
    #[arg(value_name = "NAME")]
    pub name: String,
}

#[derive(Debug, Clone, Args)]
pub struct BuildArgs {
    /// The plugin's directory
    #[arg(value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,
}

#[derive(Debug, Clone, Args)]
pub struct DevArgs {
    /// The plugin's directory
    #[arg(value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,
}
