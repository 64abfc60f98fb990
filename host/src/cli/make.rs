//! `new`, `build` and `dev`, as typed.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Clone, Args)]
pub struct NewArgs {
    /// rust, js, ts, python, go, c, cpp, zig, assemblyscript or wat
    #[arg(value_name = "LANG")]
    pub language: String,

    /// The plugin's name, and the directory that is made: lower-case letters and digits with `-` between words
    #[arg(value_name = "NAME")]
    pub name: String,

    /// What the plugin does to begin with: minimal, auth, rewrite-body or mock-endpoint
    #[arg(long, value_name = "KIND", default_value = "minimal")]
    pub from: String,

    /// Where to make the directory
    #[arg(long, value_name = "PARENT", default_value = ".")]
    pub dir: PathBuf,
}

#[derive(Debug, Clone, Args)]
pub struct BuildArgs {
    /// The plugin's directory
    #[arg(value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,

    /// Install what is missing first, with the commands that are shown
    #[arg(long)]
    pub install: bool,

    /// Where the component goes, in place of build/NAME.wasm
    #[arg(short, long, value_name = "FILE", conflicts_with = "tools")]
    pub output: Option<PathBuf>,

    /// Leave function names out of the component: it gets smaller, and traps no longer say where they happened
    #[arg(long, conflicts_with = "tools")]
    pub strip: bool,

    /// Show every command in full
    #[arg(short, long, conflicts_with = "tools")]
    pub verbose: bool,

    /// Say which tools would be used, in which version, and build nothing
    #[arg(long)]
    pub tools: bool,

    /// With --tools: as JSON
    #[arg(long, requires = "tools")]
    pub json: bool,
}

#[derive(Debug, Clone, Args)]
pub struct DevArgs {
    /// The plugin's directory
    #[arg(value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,

    /// Directory of the plugins, from which `tollgate run` takes them
    ///
    /// [env: TOLLGATE_PLUGINS] [default: plugins]
    #[arg(long, value_name = "DIR")]
    pub plugins: Option<PathBuf>,

    /// Install what is missing first, with the commands that are shown
    #[arg(long)]
    pub install: bool,

    /// Show every command in full
    #[arg(short, long)]
    pub verbose: bool,
}
