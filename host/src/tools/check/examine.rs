//! One file, taken as far as the loader would take it, with what each step took.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::imports::{Import, import};
use super::times;
use crate::config::{Config, Limits, PluginConfig};
use crate::interceptor::{Hook, InterceptError};
use crate::plugin::load::{self, Loaded};
use crate::plugin::{
    CompileError, ContentHash, Engines, Guest, HooksCompiler, PluginError, PluginVersion,
    Resources, StandardCompilers, Tier, Trial, Workbench,
};

/// One thread calls the plugin. A permit for it, so that a call runs as it does in the proxy.
const THREADS: usize = 1;
const HELD: usize = 2;

/// Why a file is not good.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// By its name, or because another file goes before it.
    #[error("not loaded: {0}")]
    Place(String),
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
    /// What the first calls of the two hooks came to; none of a standard component, whose one function has no more to say.
    pub trial: Option<Trial>,
    /// Whether it serves after its trial.
    pub works: bool,
    /// How the trial's call of a standard component failed, which then serves all the same.
    pub failed: Option<InterceptError>,
    pub calls: Vec<Calls>,
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

/// Many calls of one function.
#[derive(Debug)]
pub(super) struct Calls {
    pub hook: Hook,
    pub tier: Tier,
    pub count: usize,
    pub median: Duration,
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
            compiler: HooksCompiler::new(engines).map_err(failed)?,
            cache: None,
            resources: Resources::new(THREADS, HELD),
            runtime: runtime.handle().clone(),
            standard: StandardCompilers::new(memory),
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
        let version = PluginVersion::new(name(path), hash, self.plugin_config(&name(path)));
        let guest = self.compile(&Arc::new(version), &loaded, findings)?;
        let trial = self.runtime.block_on(guest.trial());
        let trial = trial.map_err(|(hook, error)| match hook {
            Some(hook) => PluginError::FirstCall { hook, error },
            None => PluginError::Start(error),
        })?;
        findings.works = true;
        findings.failed = trial.handle.clone();
        findings.trial = matches!(guest, Guest::Hooks(_)).then_some(trial);
        use InterceptError::{Next, Returned};
        if !matches!(findings.failed, None | Some(Returned(_) | Next(_))) {
            // Its other calls would fail as this one did.
            return Ok(());
        }
        findings.calls = self.runtime.block_on(times::time_calls(&guest))?;
        Ok(())
    }

    /// In both tiers; the better one that works goes on. What one compiler declines the loader leaves to the other.
    fn compile(
        &self,
        version: &Arc<PluginVersion>,
        loaded: &Loaded,
        findings: &mut Findings,
    ) -> Result<Guest, PluginError> {
        let compile = |tier| {
            let start = Instant::now();
            let guest = self.bench.compile(version, loaded, tier);
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
                standard: true,
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
