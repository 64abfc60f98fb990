//! `tape`, as typed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

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
    /// Send the requests again, in order, to a server
    #[command(after_long_help = SEND)]
    Send(TapeSendArgs),
}

/// What is sent, and how it ends.
const SEND: &str = "What is sent is what the backend got, after every plugin; requests that a plugin answered did not reach it. With --as client it is
what clients sent. One request at a time, each when the one before it was answered. Each has the field `x-tollgate-replay: ID`.
Not sent, with a line that says why: exchanges that failed or were cut off (--failed sends them), long polls (--long-polls), WebSockets,
and requests of which the tape does not have the whole body. By default reads are sent, too: ids may be known by them alone.
Sending stops at the first request that fails: no answer, or an error (400 or more) where there was none then.

Exit codes:
  0   every request got the status of then
  1   some got another one, or failed
  2   nothing could be sent, for example because something of the requests is masked
  64  a mistake in the command line";

#[derive(Debug, Clone, Args)]
pub struct TapeSendArgs {
    /// The tape, or a HAR
    #[arg(value_name = "FILE")]
    pub tape: PathBuf,

    /// Which exchanges; see `tollgate tape show --help`
    #[arg(value_name = "FILTER")]
    pub filter: Vec<String>,

    /// Where to send them: http://, https://, h2c:// or unix:
    #[arg(long, value_name = "URL")]
    pub to: String,

    /// How fast: as soon as the one before is answered, as they came then, or so many in a second
    #[arg(long, value_name = "none|original|N/s", default_value = "none", value_parser = pace)]
    pub pace: SendPace,

    /// Use the ids that the server gives now in the place of those of then
    ///
    /// A value that stands at the same place in both answers (in JSON, XML or a header field), differs, and looks like an id is replaced
    /// in later requests, in target, fields and body.
    #[arg(long)]
    pub map_ids: bool,

    /// Send what the backend got, or what the client sent (to a proxy)
    #[arg(long = "as", value_name = "backend|client", default_value = "backend")]
    pub send_as: SendAs,

    /// Only requests that change something: not GET or HEAD, and no operations that read, such as DescribeInstances
    #[arg(long)]
    pub changes: bool,

    /// Also exchanges that failed, or had no answer
    #[arg(long)]
    pub failed: bool,

    /// Also requests that wait for something to happen
    #[arg(long)]
    pub long_polls: bool,

    /// Go on after a request that fails
    #[arg(long)]
    pub keep_going: bool,

    /// When something of a request was masked: send nothing at all, leave it out, or send it with [masked]
    #[arg(long, value_name = "refuse|skip|send", default_value = "refuse")]
    pub masked: SendMasked,

    /// Set a header field of every request; may be given more than once
    #[arg(long, value_name = "NAME: VALUE", value_parser = set_field)]
    pub set_field: Vec<(String, String)>,

    /// Send the host of then, not that of the URL
    #[arg(long)]
    pub keep_host: bool,

    /// Accept any certificate
    #[arg(long)]
    pub insecure: bool,

    /// Print what would be sent, and send nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Which of two requests is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SendAs {
    Backend,
    Client,
}

/// What becomes of requests of which something was masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SendMasked {
    Refuse,
    Skip,
    Send,
}

/// How fast requests are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SendPace {
    None,
    Original,
    PerSecond(f64),
}

fn pace(text: &str) -> Result<SendPace, String> {
    let rate = || text.strip_suffix("/s")?.trim().parse::<f64>().ok();
    match (text, rate()) {
        ("none", _) => Ok(SendPace::None),
        ("original", _) => Ok(SendPace::Original),
        (_, Some(rate)) if (0.001..=1e6).contains(&rate) => Ok(SendPace::PerSecond(rate)),
        _ => Err("expected none, original, or requests in a second such as 5/s".to_owned()),
    }
}

fn set_field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| "expected NAME: VALUE".to_owned())?;
    let (name, value) = (name.trim(), value.trim());
    let is_field = http::HeaderName::from_bytes(name.as_bytes()).is_ok()
        && http::HeaderValue::from_str(value).is_ok();
    match is_field {
        true => Ok((name.to_owned(), value.to_owned())),
        false => Err("not a header field".to_owned()),
    }
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
