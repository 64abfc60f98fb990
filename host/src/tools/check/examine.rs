//! One file, taken as far as the loader would take it, with what each step took.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::imports::{Import, import};
use crate::config::{Config, Limits, PluginConfig};
use crate::interceptor::{Hook, InterceptError, Interceptor};
use crate::message::Exchange;
use crate::plugin::load::{self, ContentHash, Loaded};
use crate::plugin::{
    CompileError, Compiler, Engines, Facts, Guest, PluginError, Probed, Seats, Stock, Tier,
    Workbench,
};

/// Calls of each hook that are timed, and the time after which it is enough.
const CALLS: usize = 500;
const ENOUGH: Duration = Duration::from_secs(2);

/// Calls before those: the first ones make the instance and find the caches cold.
const WARM_UP: usize = 20;

/// One thread calls the plugin. A seat for it, so that a call runs as it does in the proxy.
const THREADS: usize = 1;
const SEATS: usize = 2;

/// Why a file is not good.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("{0}")]
    Plugin(#[from] PluginError),
    /// Its first calls went well, and a later one of the same kind didn't.
    #[error("call {number} of {hook} failed: it {error}")]
    LaterCall {
        number: usize,
        hook: Hook,
        error: InterceptError,
    },
}

/// What is known of a file, as far as it was found out before something stood in the way.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub hash: Option<ContentHash>,
    /// Bytes of the file.
    pub size: Option<u64>,
    pub loaded: Option<About>,
    pub baseline: Option<Compiled>,
    pub optimized: Option<Compiled>,
    pub probed: Option<Probed>,
    pub calls: Option<Calls>,
}

/// What a plugin says of itself.
#[derive(Debug)]
pub(super) struct About {
    pub contract: String,
    pub kind: String,
    /// Bytes of the component that was made of the file.
    pub component_size: u64,
    pub imports: Vec<Import>,
    pub exports: Vec<String>,
}

/// How long a compiler took, or why it declined.
pub(super) type Compiled = Result<Duration, String>;

/// The medians of many calls.
#[derive(Debug)]
pub(super) struct Calls {
    pub tier: Tier,
    pub count: usize,
    pub forward_request: Duration,
    pub return_response: Duration,
}

/// What is needed to look at plugins.
pub(super) struct Examiner {
    bench: Workbench,
    runtime: Runtime,
    config: Option<Config>,
}

impl Examiner {
    /// # Errors
    /// When the machine can't run the engine; says why.
    pub(super) fn new(config: Option<Config>) -> Result<Self, String> {
        let failed =
            |error: wasmtime::Error| format!("can't start the WebAssembly engine: {error:#}");
        let memory = config
            .as_ref()
            .map_or(Limits::default().memory, Config::most_memory);
        let engines = Engines::new(memory).map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let bench = Workbench {
            compiler: Compiler::new(engines).map_err(failed)?,
            cache: None,
            threads: THREADS,
            seats: Arc::new(Seats::new(SEATS)),
            runtime: runtime.handle().clone(),
            stock: Stock::new(memory),
        };
        Ok(Self {
            bench,
            runtime,
            config,
        })
    }

    /// Finds out what can be found out, and the first thing that stands in the way of service.
    pub(super) fn examine(&self, path: &Path) -> (Findings, Result<(), Refusal>) {
        let mut findings = Findings::default();
        let result = self.steps(path, &mut findings);
        (findings, result)
    }

    fn steps(&self, path: &Path, findings: &mut Findings) -> Result<(), Refusal> {
        findings.size = fs::metadata(path).ok().map(|metadata| metadata.len());
        let bytes = load::read(path, load::DEFAULT_MAX_SIZE).map_err(PluginError::from)?;
        let hash = ContentHash::of(&bytes);
        findings.hash = Some(hash);
        let loaded = load::load(bytes).map_err(PluginError::from)?;
        findings.loaded = Some(about(&loaded)?);
        let facts = Facts::new(name(path), hash, self.plugin_config(&name(path)));
        let guest = self.compile(&Arc::new(facts), &loaded, findings)?;
        let probed = self.runtime.block_on(guest.probe());
        findings.probed = Some(probed.map_err(|(hook, error)| match hook {
            Some(hook) => PluginError::FirstCall { hook, error },
            None => PluginError::Start(error),
        })?);
        if !guest.is_stock() {
            findings.calls = Some(self.runtime.block_on(time_calls(&guest))?);
        }
        Ok(())
    }

    /// In both tiers; the better one that works goes on. What one compiler declines the loader leaves to the other.
    fn compile(
        &self,
        facts: &Arc<Facts>,
        loaded: &Loaded,
        findings: &mut Findings,
    ) -> Result<Guest, PluginError> {
        let compile = |tier| {
            let start = Instant::now();
            let guest = self.bench.compile(facts, loaded, tier);
            (start.elapsed(), guest)
        };
        let (time, baseline) = compile(Tier::Baseline);
        let declined = |guest: &Result<Guest, PluginError>| {
            matches!(
                guest,
                Ok(_) | Err(PluginError::Compile(CompileError::Compile(_)))
            )
        };
        if !declined(&baseline) {
            return baseline;
        }
        findings.baseline = Some(compiled(time, &baseline));
        let (time, optimized) = compile(Tier::Optimized);
        findings.optimized = Some(compiled(time, &optimized));
        match (optimized, baseline) {
            (Ok(guest), _) | (Err(_), Ok(guest)) => Ok(guest),
            (Err(error), Err(_)) => Err(error),
        }
    }

    fn plugin_config(&self, name: &str) -> PluginConfig {
        match &self.config {
            Some(config) => config.for_plugin(name),
            None => PluginConfig {
                stock: true,
                ..PluginConfig::new(Limits::default())
            },
        }
    }
}

fn compiled(time: Duration, guest: &Result<Guest, PluginError>) -> Compiled {
    match guest {
        Ok(_) => Ok(time),
        Err(error) => Err(error.to_string()),
    }
}

fn about(loaded: &Loaded) -> Result<About, PluginError> {
    let interfaces = load::interfaces(&loaded.component)?;
    Ok(About {
        contract: loaded.kind.to_string(),
        kind: loaded.source.to_string(),
        component_size: loaded.component.len() as u64,
        imports: interfaces.imports.iter().map(|name| import(name)).collect(),
        exports: interfaces.exports,
    })
}

/// The name that a plugin file gives its plugin.
fn name(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Calls both hooks for exchanges of the host's own, as the proxy does: on instances that rest between calls.
async fn time_calls(guest: &Guest) -> Result<Calls, Refusal> {
    let (mut forward, mut back) = (Vec::with_capacity(CALLS), Vec::with_capacity(CALLS));
    let begin = Instant::now();
    for number in 0..WARM_UP + CALLS {
        if begin.elapsed() > ENOUGH && !forward.is_empty() {
            break;
        }
        let failed = |hook| {
            move |error| Refusal::LaterCall {
                number: number + 1,
                hook,
                error,
            }
        };
        let exchange = Box::new(Exchange::probe());
        let start = Instant::now();
        let (exchange, result) = guest.forward_request(exchange).await;
        let middle = Instant::now();
        sound(result).map_err(failed(Hook::ForwardRequest))?;
        let restart = Instant::now();
        let (_, result) = guest.return_response(exchange).await;
        let end = Instant::now();
        sound(result).map_err(failed(Hook::ReturnResponse))?;
        if number >= WARM_UP || begin.elapsed() > ENOUGH {
            forward.push(middle - start);
            back.push(end - restart);
        }
    }
    Ok(Calls {
        tier: guest.tier(),
        count: forward.len(),
        forward_request: median(forward),
        return_response: median(back),
    })
}

/// An error that the plugin returns is its own affair: the exchange was made up.
fn sound<T>(result: Result<T, InterceptError>) -> Result<(), InterceptError> {
    match result {
        Ok(_) | Err(InterceptError::Returned(_) | InterceptError::Body { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The middle one; of none, nothing.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        let times = |list: &[u64]| list.iter().map(|ms| Duration::from_millis(*ms)).collect();
        assert_eq!(median(times(&[9, 1, 2])), Duration::from_millis(2));
        assert_eq!(median(times(&[])), Duration::ZERO);
    }
}
