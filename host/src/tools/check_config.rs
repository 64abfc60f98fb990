//! `tollgate check-config`, once the configuration has no mistakes by itself: whether the plugins that it names are there, and
//! whether the proxy would serve those that are. Each is loaded and started with its settings, on state that is empty and with
//! no network, so nothing of what it does lasts.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::process::ExitCode;

use super::exit::USAGE;
use super::lab::Lab;
use crate::config::{Config, Remark, remarks};
use crate::outbound;
use crate::plugin::watch::{self, PluginFiles};
use crate::plugin::{Cache, NO_BACKGROUND, PluginError, beside};
use crate::{telemetry, text};

/// What is said of a configuration.
#[derive(Debug, Default)]
struct Judgement {
    lines: Vec<String>,
    /// Whether the proxy could not serve everything.
    faulty: bool,
}

impl Judgement {
    fn fault(&mut self, line: String) {
        self.lines.push(line);
        self.faulty = true;
    }
}

/// Runs the command; with `start` the plugins are started.
pub fn check_config(config: &Config, start: bool) -> ExitCode {
    let judged = match judge(config, start) {
        Ok(judged) => judged,
        Err(error) => {
            telemetry::say(&format!("tollgate: {error}"));
            return ExitCode::FAILURE;
        }
    };
    for line in judged.lines {
        telemetry::say(&format!("tollgate: {line}"));
    }
    if judged.faulty {
        return ExitCode::from(USAGE);
    }
    // Whoever closed stdout sees the exit code.
    let _ = writeln!(io::stdout(), "the configuration is good");
    ExitCode::SUCCESS
}

fn judge(config: &Config, start: bool) -> Result<Judgement, String> {
    let mut judged = Judgement::default();
    let directory = &config.plugins;
    let unlisted = |error: io::Error| format!("cannot list {}: {error}", directory.display());
    let plugins = watch::plugins(directory, config.file.as_deref()).map_err(unlisted)?;
    let (beside, mistakes) = beside::read_all(&plugins, config);
    let config = Config {
        beside,
        ..config.clone()
    };
    let mut unknown = BTreeSet::new();
    for (name, error) in mistakes {
        judged.fault(format!("plugin {name}: {error}"));
        unknown.insert(name);
    }
    judge_names(&config, &plugins, &mut judged);
    if start {
        for candidate in watch::candidates(directory).map_err(unlisted)? {
            if let Some(problem) = candidate.problem {
                judged.fault(format!(
                    "{}: not loaded: {problem}",
                    text::path(&candidate.path)
                ));
            }
        }
        start_plugins(&config, &plugins, &unknown, &mut judged)?;
    }
    Ok(judged)
}

/// The plugins that the configuration names and that have no file, or can't be in the chain.
fn judge_names(config: &Config, plugins: &BTreeMap<String, PluginFiles>, judged: &mut Judgement) {
    let directory = &config.plugins;
    let place = match directory.exists() {
        true => format!(" in {}", directory.display()),
        false => format!(": the directory {} does not exist", directory.display()),
    };
    let with_code = plugins.iter().filter(|(_, files)| files.code.is_some());
    for remark in remarks(config, &with_code.map(|(name, _)| name.clone()).collect()) {
        match &remark {
            Remark::NoFile {
                name,
                required: true,
                ..
            } => judged.fault(format!(
                "{remark}{place}; requests that it would take part in would be answered 503; {}",
                remark.advice(name)
            )),
            Remark::NoFile { .. } => judged.lines.push(format!("{remark}{place}")),
            Remark::Disabled { .. } => judged.lines.push(remark.to_string()),
        }
    }
}

/// Loads and starts the plugins that would serve, but for those beside which there is a file of which nothing is known.
fn start_plugins(
    config: &Config,
    plugins: &BTreeMap<String, PluginFiles>,
    unknown: &BTreeSet<String>,
    judged: &mut Judgement,
) -> Result<(), String> {
    let known = plugins.iter().filter(|(name, _)| !unknown.contains(*name));
    let with_code = known.filter_map(|(name, files)| Some((name, files.code.as_ref()?)));
    let mut to_start = with_code
        .filter(|(name, _)| config.for_plugin(name).enabled)
        .peekable();
    if to_start.peek().is_none() {
        return Ok(());
    }
    let lab = Lab::new(cache(config), config.most_memory())?;
    for (name, code) in to_start {
        let mut plugin = config.for_plugin(name);
        let says_background = config.says_background(name);
        let may_call = plugin.allow.http.is_some();
        // It is granted, and leads nowhere.
        plugin.allow.http = plugin.allow.http.map(|_| outbound::Allow::default());
        let guest = lab.plugin_file(name, code, plugin);
        let tried = guest.and_then(|guest| Ok((lab.trial(&guest)?, guest)));
        match tried {
            Ok((trial, guest)) => {
                if says_background && !guest.has_background() {
                    judged.lines.push(format!("plugin {name}: {NO_BACKGROUND}"));
                }
                let warnings = trial.warnings().into_iter();
                let warnings = warnings.map(|warning| {
                    format!("plugin {name}: in its trial {}", text::lines(&warning))
                });
                judged.lines.extend(warnings);
            }
            Err(error) => {
                let alone = "; no request of a plugin is sent here, so one that needs an answer to start can't be checked \
                    (--no-plugins)";
                let advice = match &error {
                    PluginError::NotStarted(_) if may_call => alone,
                    _ => "",
                };
                let file = text::path(code);
                judged.fault(format!("plugin {name}: {file}: {error}{advice}"));
            }
        }
    }
    Ok(())
}

/// The cache of `run`, if there is one already.
fn cache(config: &Config) -> Option<Cache> {
    let directory = config
        .cache
        .dir
        .as_ref()
        .filter(|directory| directory.exists())?;
    Cache::open(directory, config.cache.max_bytes).ok()
}
