//! The commands that ask a running proxy, over its admin listener.

mod client;
mod error;
mod follow;
mod words;

use std::future::Future;
use std::io::{self, Write as _};
use std::process::ExitCode;

use serde_json::Value;

use crate::cli::{AdminArgs, LogsArgs, PluginsArgs, ReloadArgs, StatusArgs};
use crate::telemetry;

use client::AdminClient;
use error::AskError;

/// Shows what a running proxy does.
pub fn status(args: &StatusArgs) -> ExitCode {
    run(&args.at, async |client| {
        let status = client.get("/api/v1/status").await?;
        show(&args.at, &status, words::status);
        Ok(ExitCode::SUCCESS)
    })
}

/// Shows its plugins, or one of them.
pub fn plugins(args: &PluginsArgs) -> ExitCode {
    run(&args.at, async |client| {
        match &args.name {
            None => show(
                &args.at,
                &client.get("/api/v1/plugins").await?,
                words::plugins,
            ),
            Some(name) => {
                let path = format!("/api/v1/plugins/{}", client::escaped(name));
                show(&args.at, &client.get(&path).await?, words::plugin);
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Has it read its files again. The exit code says whether all of them serve.
pub fn reload(args: &ReloadArgs) -> ExitCode {
    run(&args.at, async |client| {
        let path = match &args.name {
            None => "/api/v1/reload".to_owned(),
            Some(name) => format!("/api/v1/plugins/{}/reload", client::escaped(name)),
        };
        let answer = client.post(&path).await?;
        let is_refused = |plugin: &Value| !plugin["error"].is_null();
        let (words, refused) = match &args.name {
            None => {
                let plugins = answer["plugins"].as_array();
                let refused = plugins.is_some_and(|all| all.iter().any(is_refused));
                (words::reloaded as fn(&Value) -> String, refused)
            }
            Some(_) => (
                words::plugin_line as fn(&Value) -> String,
                is_refused(&answer),
            ),
        };
        show(&args.at, &answer, words);
        Ok(match refused {
            true => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        })
    })
}

/// Shows the last lines of its log, and goes on if that is wanted.
pub fn logs(args: &LogsArgs) -> ExitCode {
    run(&args.at, async |client| {
        let path = format!("/api/v1/logs?limit={}", args.lines.clamp(1, 2_000));
        // Before the last lines are read, so that none is missed.
        let events = match args.follow {
            true => Some(client.events("/api/v1/events?only=log").await?),
            false => None,
        };
        let last = client.get(&path).await?;
        let mut told = 0;
        if args.lines > 0 {
            say_lines(&args.at, &last, &mut told);
        }
        let Some(mut events) = events else {
            return Ok(ExitCode::SUCCESS);
        };
        while let Some(lines) = events.next("log").await? {
            if !say_lines(&args.at, &lines, &mut told) {
                return Ok(ExitCode::SUCCESS);
            }
        }
        telemetry::say("tollgate: the proxy has ended the connection");
        Ok(ExitCode::FAILURE)
    })
}

/// Prints lines that were not printed yet. False when nobody reads any more.
fn say_lines(at: &AdminArgs, lines: &Value, told: &mut u64) -> bool {
    if let Some(lost) = lines["lost"].as_u64().filter(|lost| *lost > 0 && *told > 0) {
        telemetry::say(&format!(
            "tollgate: {lost} lines are lost, they came too fast"
        ));
    }
    for line in lines["lines"].as_array().into_iter().flatten() {
        let number = line["number"].as_u64().unwrap_or_default();
        if number <= *told {
            continue;
        }
        *told = number;
        let text = match at.json {
            true => line.to_string(),
            false => line["text"].as_str().unwrap_or_default().to_owned(),
        };
        if writeln!(io::stdout(), "{text}").is_err() {
            return false;
        }
    }
    io::stdout().flush().is_ok()
}

fn show(at: &AdminArgs, answer: &Value, words: impl Fn(&Value) -> String) {
    let text = match at.json {
        true => format!("{answer:#}\n"),
        false => words(answer),
    };
    // Whoever closed stdout sees the exit code.
    let _ = io::stdout().write_all(text.as_bytes());
}

/// Asks, and says what went wrong.
fn run<F>(at: &AdminArgs, ask: impl FnOnce(AdminClient) -> F) -> ExitCode
where
    F: Future<Output = Result<ExitCode, AskError>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let asked = match (AdminClient::new(at), runtime) {
        (Ok(client), Ok(runtime)) => runtime.block_on(ask(client)),
        (Err(error), _) => Err(error),
        (_, Err(error)) => Err(AskError::Usage(error.to_string())),
    };
    asked.unwrap_or_else(|error| {
        telemetry::say(&format!("tollgate: {error}"));
        error.exit_code()
    })
}
