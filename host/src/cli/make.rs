//! `new`, `build` and `dev`, as typed.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Clone, Args)]
pub struct NewArgs {
    /// Language: rust, js, ts, python, go, c, cpp, zig, assemblyscript or wat
    #[arg(value_name = "LANG")]
    pub language: String,

    /// Name of the plugin and of the new directory: lower-case letters and digits, with `-` between words
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Template to start from: minimal, auth, rewrite-body or mock-endpoint
    #[arg(long, value_name = "KIND", default_value = "minimal")]
    pub from: String,

    /// Directory in which the project is created
    #[arg(long, value_name = "PARENT", default_value = ".")]
    pub dir: PathBuf,
}

#[derive(Debug, Clone, Args)]
pub struct BuildArgs {
    /// The plugin's project directory
    #[arg(value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,

    /// Install missing tools first, and print the commands that do it
    #[arg(long)]
    pub install: bool,

    /// Output file, instead of build/NAME.wasm
    #[arg(short, long, value_name = "FILE", conflicts_with = "tools")]
    pub output: Option<PathBuf>,

    /// Remove function names from the component: it is smaller, and traps no longer say where they happened
    #[arg(long, conflicts_with = "tools")]
    pub strip: bool,

    /// Show every command in full
    #[arg(short, long, conflicts_with = "tools")]
    pub verbose: bool,

    /// Print the tools that would be used and their versions, and build nothing
    #[arg(long)]
    pub tools: bool,

    /// With --tools: print JSON
    #[arg(long, requires = "tools")]
    pub json: bool,
}

#[derive(Debug, Clone, Args)]
pub struct DevArgs {
    /// The plugin's project directory
    #[arg(value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,

    /// The plugins directory of `tollgate run`
    ///
    /// [env: TOLLGATE_PLUGINS] [default: plugins]
    #[arg(long, value_name = "DIR")]
    pub plugins: Option<PathBuf>,

    /// After each save, show what the plugins would do now with the last 1,000 exchanges of this tape, and what the save changed
    #[arg(long, value_name = "FILE")]
    pub tape: Option<PathBuf>,

    /// Which exchanges of the tape; see `tollgate tape show --help`
    #[arg(long, value_name = "FILTER", requires = "tape")]
    pub filter: Option<String>,

    /// Configuration file (TOML) for the plugins that run on the tape, as for `run`
    ///
    /// [env: TOLLGATE_CONFIG]
    #[arg(long, value_name = "FILE", requires = "tape")]
    pub config: Option<PathBuf>,

    /// Run standard wasi:http components on the tape too, as for `run`
    ///
    /// [env: TOLLGATE_STANDARD_COMPONENTS=true]
    #[arg(long, requires = "tape")]
    pub standard_components: bool,

    /// Install missing tools first, and print the commands that do it
    #[arg(long)]
    pub install: bool,

    /// Show every command in full
    #[arg(short, long)]
    pub verbose: bool,
}
