//! The program: arguments → configuration → runtime → [`App`] → signal → drain → exit code.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tollgate::app::{App, StartError};
use tollgate::cli::{Cli, Command, RunArgs};
use tollgate::config::{self, Config};
use tollgate::{descriptors, essential, telemetry, tools};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The command line or the configuration is wrong (`EX_USAGE` of sysexits.h).
const USAGE: u8 = 64;

/// Exchanges were still running when the time to drain was over.
const NOT_DRAINED: u8 = 75;

/// How long the end of the process waits for work on threads of its own, such as a compilation. A large plugin is compiled for ten
/// seconds and more; what is written then goes to a file of its own first, so nothing is left half written.
const LAST_WORK: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(args) => {
            let code = essential::call("main", || run(&args));
            telemetry::flush();
            code
        }
        Command::CheckConfig(args) => {
            let code = match configure(&args.run) {
                Ok(config) => tools::check_config(&config, !args.no_plugins),
                Err(code) => code,
            };
            telemetry::flush();
            code
        }
        Command::New(args) => tools::new(&args),
        Command::Build(args) => tools::build(&args),
        Command::Dev(args) => tools::dev(&args),
        Command::Check(args) => tools::check(&args),
        Command::Test(args) => tools::test(&args),
        Command::Tape(args) => tools::tape(&args),
        Command::Status(args) => tools::status(&args),
        Command::Plugins(args) => tools::plugins(&args),
        Command::Reload(args) => tools::reload(&args),
        Command::Logs(args) => tools::logs(&args),
        Command::Completions(args) => tools::completions(&args),
        Command::Man => tools::man(),
        Command::WhatIf(args) => tools::what_if(&args),
    }
}

fn run(args: &RunArgs) -> ExitCode {
    let config = match configure(args) {
        Ok(config) => config,
        Err(code) => return code,
    };
    descriptors::raise_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.workers.get())
        .thread_name("worker")
        .enable_all()
        .build();
    let served = runtime.map_err(StartError::from).and_then(|runtime| {
        let served = runtime.block_on(serve(config, args.clone()));
        runtime.shutdown_timeout(LAST_WORK);
        served
    });
    match served {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            tracing::warn!(
                "exchanges were still running when the time to drain was over; they were cut off"
            );
            ExitCode::from(NOT_DRAINED)
        }
        Err(error) => {
            telemetry::say(&format!("tollgate: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn configure(args: &RunArgs) -> Result<Config, ExitCode> {
    let config = config::resolve(args, |key| std::env::var_os(key)).map_err(|errors| {
        telemetry::say(&format!(
            "tollgate: the configuration has mistakes:\n{errors}"
        ));
        ExitCode::from(USAGE)
    })?;
    telemetry::start(args.log.as_deref()).map_err(|error| {
        telemetry::say(&format!("tollgate: {error}"));
        ExitCode::from(USAGE)
    })?;
    Ok(config)
}

/// Serves until a signal, then drains. False when exchanges had to be cut off.
async fn serve(config: Config, args: RunArgs) -> Result<bool, StartError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let again = Box::new(move || config::resolve(&args, |key| std::env::var_os(key)));
    let app = App::start(config, again).await?;
    telemetry::print(app.announcement());
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hang_up.recv() => app.reload(),
        }
    }
    tracing::info!(
        "stopping: no new connections, waiting for the exchanges that run (again to stop at once)"
    );
    tokio::select! {
        drained = app.drain() => Ok(drained),
        _ = terminate.recv() => Ok(false),
        _ = interrupt.recv() => Ok(false),
    }
}
