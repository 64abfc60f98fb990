//! `tape`, as typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What a filter is made of, for those who don't know mitmproxy.
const FILTERS: &str = "Filters are mitmproxy's filter expressions. REGEX takes no notice of case.
  ~m REGEX  method            ~u REGEX  URL (also REGEX alone)   ~d REGEX  host
  ~c 404    status            ~c 500-599  a range                ~e        failed or cut off
  ~h REGEX  a field's line    ~hq, ~hs  of request, response     ~t, ~tq, ~ts REGEX  media type
  ~b REGEX  body              ~bq, ~bs  of request, response     ~a        images, styles, scripts
  ~q        no response       ~s        a response               ~websocket, ~http, ~all
  ~src, ~dst REGEX  address of client, backend                   ~p REGEX  a plugin took part
  ~changed  a plugin changed something
  ! not     & and     | or     ( )     side by side means and; quote what has blanks: ~h \"x-a: b\"";

#[derive(Debug, Clone, Args)]
pub struct TapeArgs {
    #[command(subcommand)]
    pub command: TapeCommand,
}

#[derive(Debug, Clone, Subcommand)]
pub enum TapeCommand {
    /// Print one line for each exchange, or one exchange whole with what each plugin changed
    #[command(after_long_help = FILTERS)]
    Show(TapeShowArgs),
    /// Copy the exchanges that match a filter to another tape
    #[command(after_long_help = FILTERS)]
    Grep(TapeGrepArgs),
    /// Write the exchanges as a HAR (HTTP Archive 1.2)
    #[command(after_long_help = FILTERS)]
    Export(TapeExportArgs),
    /// Make a tape of a HAR, as browsers and proxies write it
    Import(TapeImportArgs),
}

#[derive(Debug, Clone, Args)]
pub struct TapeShowArgs {
    /// The tape; `-` for standard input
    #[arg(value_name = "FILE")]
    pub tape: PathBuf,

    /// Which exchanges, or the id of one (16 hexadecimal digits)
    #[arg(value_name = "FILTER|ID")]
    pub filter: Vec<String>,

    /// Print JSON, one document on each line
    #[arg(long)]
    pub json: bool,

    /// Print no more than this many exchanges
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
}

#[derive(Debug, Clone, Args)]
pub struct TapeGrepArgs {
    /// The tape; `-` for standard input
    #[arg(value_name = "FILE")]
    pub tape: PathBuf,

    /// Which exchanges
    #[arg(value_name = "FILTER", required = true)]
    pub filter: Vec<String>,

    /// The new tape; `-` for standard output
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
}

#[derive(Debug, Clone, Args)]
pub struct TapeExportArgs {
    /// Write a HAR
    #[arg(long, required = true)]
    pub har: bool,

    /// The tape; `-` for standard input
    #[arg(value_name = "FILE")]
    pub tape: PathBuf,

    /// Which exchanges
    #[arg(value_name = "FILTER")]
    pub filter: Vec<String>,

    /// The HAR; `-` for standard output
    #[arg(short, long, value_name = "OUT", default_value = "-")]
    pub output: PathBuf,
}

#[derive(Debug, Clone, Args)]
pub struct TapeImportArgs {
    /// The HAR to read; `-` for standard input
    #[arg(long, value_name = "HAR")]
    pub har: PathBuf,

    /// The new tape; `-` for standard output
    #[arg(short, long, value_name = "TAPE")]
    pub output: PathBuf,
}

#[derive(Debug, Clone, Args)]
pub struct WhatIfArgs {
    /// The tape; `-` for standard input
    #[arg(value_name = "TAPE")]
    pub tape: PathBuf,

    /// Which exchanges; see `tollgate tape show --help`
    #[arg(value_name = "FILTER")]
    pub filter: Vec<String>,

    /// The plugins directory
    ///
    /// [env: TOLLGATE_PLUGINS] [default: plugins]
    #[arg(long, value_name = "DIR")]
    pub plugins: Option<PathBuf>,

    /// Configuration file (TOML), as for `run`
    ///
    /// [env: TOLLGATE_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Run standard wasi:http components as plugins too, as for `run`
    ///
    /// [env: TOLLGATE_STANDARD_COMPONENTS=true]
    #[arg(long)]
    pub standard_components: bool,

    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
}
