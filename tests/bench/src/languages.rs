//! What each language costs, and whether its memory stays bounded: prints the table of the README.
//!
//! `languages` takes the tour in every language, built in `plugins/tour`, and calls both hooks of
//! each for 100,000 exchanges with a JSON body of 512 B and 10,000 with one of 64 KiB: once as the proxy does, which
//! replaces instances by its policy, and once on one instance that is never replaced. It fails when a call failed, when
//! a body came out wrong, or when memory grew past a bound under the policy.

mod languages {
    pub mod compile;
    pub mod exchanges;
    pub mod plugins;
    pub mod sources;
    pub mod strain;
    pub mod table;
    pub mod tools;
}

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use languages::compile::{self, Times};
use languages::exchanges::Exchanges;
use languages::plugins::{self, Found};
use languages::strain::{self, Strained};
use languages::{sources, table, tools};
use tollgate::config::{PluginConfig, PluginLimits};
use tollgate::plugin::load;
use tollgate::plugin::{
    Engines, Guest, HooksCode, HooksCompiler, HooksPlugin, Instance, PluginKind, PluginVersion,
    Resources, Tier,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How much further than its start a plugin's memory may grow under the policy, in bytes.
const MOST_GROWTH: u64 = 128 << 20;

/// What an instance that is never replaced may grow to, in bytes: far more than the proxy allows, to see where it ends.
const ENDLESS: u64 = 1 << 30;

type BoxError = Box<dyn std::error::Error>;

/// Measures the tour in every language and prints a Markdown table.
#[derive(Debug, Parser)]
struct Args {
    /// A fiftieth of the exchanges
    #[arg(long)]
    quick: bool,

    /// The tree
    #[arg(long, value_name = "DIR", default_value = ".")]
    root: PathBuf,

    /// The proxy, which is asked for the tools of each language
    #[arg(long, value_name = "FILE", default_value = "target/release/tollgate")]
    tollgate: PathBuf,

    /// Languages (`rust`) or plugin files (`tour-rust.wasm`); all that are built if none is named
    #[arg(value_name = "LANG|FILE")]
    plugins: Vec<String>,
}

/// What was found out about a language: a row of the table.
#[derive(Debug)]
struct Row {
    language: String,
    tools: String,
    /// Of the smallest plugin's source, without comments and blank ones.
    lines: Option<usize>,
    /// Bytes of the component.
    size: usize,
    compile: Times,
    /// Bytes of linear memory of a new instance.
    start: u64,
    /// As the proxy calls it.
    policy: Strained,
    /// On one instance.
    endless: Strained,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let rows = runtime
        .map_err(BoxError::from)
        .and_then(|runtime| runtime.block_on(measure_all(&args)));
    match rows {
        Ok(rows) => report(&rows, &args),
        Err(error) => {
            eprintln!("languages: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure_all(args: &Args) -> Result<Vec<Row>, BoxError> {
    let compiler = HooksCompiler::new(Engines::new(ENDLESS)?)?;
    let mut rows = Vec::new();
    for found in plugins::find(&args.root, &args.plugins)? {
        let row = measure(&found, &compiler, args).await;
        rows.push(row.map_err(|error| format!("{}: {error}", found.file.display()))?);
    }
    Ok(rows)
}

async fn measure(found: &Found, compiler: &HooksCompiler, args: &Args) -> Result<Row, BoxError> {
    let exchanges = Exchanges::new(args.quick);
    let language = found.language.as_str();
    eprintln!("{language}: compiling");
    let loaded = load::load(load::read(&found.file, load::DEFAULT_MAX_SIZE)?)?;
    let PluginKind::Interceptor(contract) = loaded.kind else {
        return Err(format!("{} is no plugin of ours", found.file.display()).into());
    };
    let (code, times) = compile::measure(compiler, &loaded.component, contract)?;
    let code = Arc::new(code);
    let version = |limits: PluginLimits| {
        let config = PluginConfig {
            settings: exchanges.settings(),
            ..PluginConfig::new(limits)
        };
        Arc::new(PluginVersion::new(language.to_owned(), loaded.hash, config))
    };
    let start = Instance::new(&code.linked, &version(PluginLimits::default()))
        .await?
        .memory();
    eprintln!("{language}: on one instance");
    let endless = strain::on_one(&code, &version(endless_limits()), &exchanges).await?;
    eprintln!("{language}: as the proxy calls it");
    let guest = guest(code, version(PluginLimits::default()))?;
    let policy = strain::by_policy(&guest, &exchanges).await?;
    Ok(Row {
        language: plugins::title(language),
        tools: tools::describe(&args.tollgate, &found.project),
        lines: sources::lines(&smallest(&args.root, language)),
        size: loaded.component.len(),
        compile: times,
        start,
        policy,
        endless,
    })
}

/// Sets no bound but the engine's.
fn endless_limits() -> PluginLimits {
    PluginLimits {
        memory: ENDLESS,
        max_calls: u32::MAX,
        ..PluginLimits::default()
    }
}

/// The code as the proxy has it in service, called by one thread, with a permit left over.
fn guest(code: Arc<HooksCode>, version: Arc<PluginVersion>) -> Result<Guest, BoxError> {
    let code = Arc::into_inner(code).ok_or("the code is still in use")?;
    let resources = Resources::new(
        1,
        2,
        tollgate::plugin::Services::new(None, tollgate::outbound::OutboundConfig::default())?,
    );
    let plugin = HooksPlugin::new(version, Tier::Optimized, code, resources);
    Ok(Guest::Hooks(Arc::new(plugin)))
}

fn smallest(root: &Path, language: &str) -> PathBuf {
    root.join("host/templates").join(language).join("minimal")
}

/// Prints the table, and what is wrong.
fn report(rows: &[Row], args: &Args) -> ExitCode {
    print!("{}", table::markdown(rows, &Exchanges::new(args.quick)));
    let wrong: Vec<String> = rows.iter().flat_map(mistakes).collect();
    for mistake in &wrong {
        eprintln!("languages: {mistake}");
    }
    match wrong.is_empty() && !rows.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// What must not be under the policy.
fn mistakes(row: &Row) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Some(failure) = &row.policy.failure {
        let failures = row.policy.failures;
        wrong.push(format!(
            "{}: {failures} exchanges failed, the first so: {failure}",
            row.language
        ));
    }
    let grown = row.policy.peak.saturating_sub(row.start);
    if grown > MOST_GROWTH {
        wrong.push(format!(
            "{}: memory grew by {grown} bytes; {MOST_GROWTH} are allowed",
            row.language
        ));
    }
    wrong
}
