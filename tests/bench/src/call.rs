//! What the two calls of a plugin cost without any network: thread CPU time for one exchange through the chain, the best
//! and the median of many batches. A busy machine disturbs a batch of a few milliseconds far less than it disturbs a
//! proxy under load, so this is where to look while working on the path of a call.
//!
//! `call DIR` takes the plugins of a directory as `tollgate run` would.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tollgate::config::route::RouteConfig;
use tollgate::config::{self, Config};
use tollgate::interceptor::{ChainSource, Link, Transform};
use tollgate::message::Exchange;
use tollgate::plugin::{
    Chains, Engines, HooksCompiler, Order, PluginTable, Resources, StandardCompilers, Supervisor,
    Tier, Workbench, watch,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCHES: usize = 200;
const CALLS: u32 = 2000;

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1) else {
        eprintln!("usage: call DIRECTORY-OF-PLUGINS");
        return ExitCode::from(64);
    };
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    match runtime.block_on(measure(directory.into())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(error.as_ref()),
    }
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("call: {error}");
    ExitCode::FAILURE
}

async fn measure(directory: PathBuf) -> Result<(), Box<dyn std::error::Error>> {
    let (chains, table) = (
        Arc::new(Chains::default()),
        Arc::new(PluginTable::default()),
    );
    let all = RouteConfig {
        listener: None,
        host: None,
        path: "/".to_owned(),
        backend: String::new(),
        plugins: None,
    };
    let route = chains.replace(&[all], &[]).remove(0);
    let _running = serve(directory, &chains, &table).await?;
    let chain = route.current();
    let hooks = chain.links().iter().map(|link| match link {
        Link::Hooks(hooks) => Ok(hooks.clone()),
        Link::Around(_) | Link::Missing(_) => Err("a plugin without hooks is not measured"),
    });
    let plugins = hooks.collect::<Result<Vec<_>, _>>()?;
    let mut times: Vec<f64> = Vec::with_capacity(BATCHES);
    for _ in 0..BATCHES {
        let before = cpu_time();
        for _ in 0..CALLS {
            let mut exchange = Box::new(Exchange::blank());
            for plugin in &plugins {
                let (back, verdict) = plugin.forward_request(exchange).await;
                verdict?;
                exchange = back;
            }
            for plugin in plugins.iter().rev() {
                let (back, done) = plugin.return_response(exchange).await;
                done?;
                exchange = back;
            }
        }
        times.push((cpu_time() - before).as_secs_f64() * 1e6 / f64::from(CALLS));
    }
    times.sort_by(f64::total_cmp);
    let count = plugins.len();
    println!(
        "{count} plugins, CPU us per exchange: best {:.2}, median {:.2}",
        times[0],
        times[BATCHES / 2]
    );
    Ok(())
}

/// What keeps the plugins in service.
type Running = (watch::Watcher, mpsc::Sender<Order>);

/// Brings the plugins up and waits for their best code.
async fn serve(
    directory: PathBuf,
    chains: &Arc<Chains>,
    table: &Arc<PluginTable>,
) -> Result<Running, Box<dyn std::error::Error>> {
    let args = tollgate::cli::RunArgs {
        plugins: Some(directory.clone()),
        ..Default::default()
    };
    let config: Arc<Config> = Arc::new(config::resolve(&args, |_| None)?);
    let bench = Workbench {
        compiler: HooksCompiler::new(Engines::new(config.defaults.memory)?)?,
        cache: None,
        resources: Resources::new(
            1,
            2,
            tollgate::plugin::Services::new(None, tollgate::outbound::OutboundConfig::default())?,
        ),
        runtime: tokio::runtime::Handle::current(),
        standard: StandardCompilers::new(tollgate::config::PluginLimits::default().memory),
        most_memory: config.defaults.memory,
    };
    let (watcher, changes) = watch::watch(
        directory,
        None,
        config::WatchMode::Poll,
        Duration::from_secs(3600),
    )?;
    let (supervisor, ready) =
        Supervisor::new(config, Arc::new(bench), chains.clone(), table.clone());
    let (orders, ordered) = mpsc::channel(1);
    tokio::spawn(supervisor.run(changes, ordered));
    ready.await?;
    let optimized = |table: &PluginTable| {
        table.snapshot().iter().all(|plugin| {
            plugin
                .serving
                .as_ref()
                .is_none_or(|serving| serving.tier == Tier::Optimized)
        })
    };
    while !optimized(table) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok((watcher, orders))
}

/// CPU time of this thread, which is the only one that calls plugins.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
