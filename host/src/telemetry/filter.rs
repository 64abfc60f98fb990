//! What is logged: the filter as a user writes it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{Directive, LevelFilter};
use tracing_subscriber::layer::{Context, Layer};

use super::error::TelemetryError;

/// What is logged when nothing is said.
const DEFAULT_FILTER: &str = "info";

/// The target of what plugins write, and what begins that of one plugin alone.
const PLUGIN: &str = "plugin";
const ONE_PLUGIN: &str = "plugin::";

/// Where targets begin that something in this process has: its own and those of its libraries.
const ROOTS: [&str; 16] = [
    "tollgate",
    PLUGIN,
    "h2",
    "hyper",
    "hyper_util",
    "mio",
    "notify",
    "rustls",
    "tokio",
    "tokio_rustls",
    "tower",
    "tracing",
    "want",
    "wasmtime",
    "cranelift",
    "regalloc2",
];

/// What is logged.
#[derive(Debug)]
pub struct Chosen {
    pub filter: EnvFilter,
    /// In force beside it where plugins are told apart.
    pub plugins: Option<PluginLevels>,
    /// What of `RUST_LOG` could not be understood. Other programs read it, too, so that is no error.
    pub ignored: Vec<String>,
}

/// The filter of the strongest source that has one. An empty variable counts as absent.
pub fn chosen(
    flag: Option<&str>,
    env: impl Fn(&str) -> Option<OsString>,
) -> Result<Chosen, TelemetryError> {
    let variable = |name| {
        let value = env(name).filter(|value| !value.is_empty())?;
        Some(value.to_string_lossy().into_owned())
    };
    let flag = flag.map(|text| parse("--log", text)).transpose()?;
    let ours = variable("TOLLGATE_LOG")
        .map(|text| parse("TOLLGATE_LOG", &text))
        .transpose()?;
    if let Some(chosen) = flag.or(ours) {
        return Ok(chosen);
    }
    match variable("RUST_LOG") {
        Some(text) => parse_leniently(&text),
        None => parse("default", DEFAULT_FILTER),
    }
}

/// Reads directive by directive: the error of a whole filter doesn't say which of them it is.
fn parse(origin: &'static str, text: &str) -> Result<Chosen, TelemetryError> {
    let mut reading = FilterReading::default();
    for directive in directives(text).map(str::trim) {
        reading
            .take(directive)
            .map_err(|advice| TelemetryError::Filter {
                origin,
                directive: directive.to_owned(),
                advice,
            })?;
    }
    Ok(reading.done())
}

/// `RUST_LOG` as far as it is understood, over the default: it may have been set for another program.
fn parse_leniently(text: &str) -> Result<Chosen, TelemetryError> {
    let mut reading = FilterReading::default();
    let mut ignored = Vec::new();
    // A later level alone replaces it.
    for directive in [DEFAULT_FILTER]
        .into_iter()
        .chain(directives(text))
        .map(str::trim)
    {
        if !directive.is_empty() && reading.take(directive).is_err() {
            ignored.push(directive.to_owned());
        }
    }
    Ok(Chosen {
        ignored,
        ..reading.done()
    })
}

/// The directives that were read so far.
struct FilterReading {
    filter: EnvFilter,
    /// Of everything that no directive names.
    level: LevelFilter,
    /// Of plugins that no directive names.
    of_plugins: Option<LevelFilter>,
    by_name: BTreeMap<String, LevelFilter>,
    names_notify: bool,
}

impl Default for FilterReading {
    fn default() -> Self {
        let off = EnvFilter::builder().with_default_directive(LevelFilter::OFF.into());
        Self {
            filter: off.parse_lossy(""),
            level: LevelFilter::OFF,
            of_plugins: None,
            by_name: BTreeMap::new(),
            names_notify: false,
        }
    }
}

impl FilterReading {
    /// Takes one directive, or says what to write in its place.
    fn take(&mut self, directive: &str) -> Result<(), String> {
        if directive.is_empty() {
            // It would be read as a level.
            return Err(String::new());
        }
        if let Ok(level) = directive.parse::<LevelFilter>() {
            return self.take_level(level);
        }
        if let Some((name, level)) = of_one_plugin(directive) {
            let level = level.parse().map_err(|_| String::new())?;
            self.by_name.insert(name.to_owned(), level);
            return Ok(());
        }
        if directive.starts_with(ONE_PLUGIN) {
            return Err(String::new());
        }
        check_target(directive)?;
        let parsed: Directive = directive.parse().map_err(|_| String::new())?;
        if let Some(level) = directive.strip_prefix("plugin=") {
            self.of_plugins = level.parse().ok();
        }
        self.names_notify |= directive.split('=').next() == Some("notify");
        self.add(parsed);
        Ok(())
    }

    /// A level beyond `info` alone is about this program and its plugins: wasmtime's compilers would drown them out.
    /// Theirs is to be had by name, `cranelift=debug`.
    fn take_level(&mut self, level: LevelFilter) -> Result<(), String> {
        self.level = level;
        if level <= LevelFilter::INFO {
            self.add(level.into());
            return Ok(());
        }
        self.add(LevelFilter::INFO.into());
        for target in ["tollgate", PLUGIN] {
            let directive = format!("{target}={level}").parse::<Directive>();
            self.add(directive.map_err(|error| error.to_string())?);
        }
        Ok(())
    }

    fn add(&mut self, directive: Directive) {
        let filter = std::mem::take(&mut self.filter);
        self.filter = filter.add_directive(directive);
    }

    fn done(mut self) -> Chosen {
        if self.level >= LevelFilter::INFO && !self.names_notify {
            // At `info` it tells that a watch goes with its directory, which is what we have said already.
            if let Ok(directive) = "notify=warn".parse() {
                self.add(directive);
            }
        }
        let others = self.of_plugins.unwrap_or(self.level);
        let most = self
            .by_name
            .values()
            .copied()
            .fold(others, LevelFilter::max);
        let mut plugins = None;
        if !self.by_name.is_empty() {
            // A level is always a directive.
            if let Ok(directive) = format!("{PLUGIN}={most}").parse() {
                self.add(directive);
            }
            plugins = Some(PluginLevels {
                by_name: self.by_name,
                others,
            });
        }
        Chosen {
            filter: self.filter,
            plugins,
            ignored: Vec::new(),
        }
    }
}

/// The name and the level of `plugin::NAME=LEVEL`; without a level it is all of them.
fn of_one_plugin(directive: &str) -> Option<(&str, &str)> {
    let rest = directive.strip_prefix(ONE_PLUGIN)?;
    let (name, level) = rest.split_once('=').unwrap_or((rest, "trace"));
    (!name.is_empty()).then_some((name, level))
}

/// Whether somebody can have meant this target. A slip in a level or a name would otherwise turn off everything and say
/// nothing.
fn check_target(directive: &str) -> Result<(), String> {
    let target = directive.split(['=', '[']).next().unwrap_or_default();
    let root = target.split(':').next().unwrap_or_default();
    // A filter of spans alone has no target.
    let is_known = target.is_empty()
        || ROOTS.contains(&root)
        || root.starts_with("wasmtime_")
        || root.starts_with("cranelift_");
    if is_known {
        return Ok(());
    }
    let words = ["off", "error", "warn", "info", "debug", "trace"];
    let candidates = words.iter().chain(&ROOTS);
    let word = root.to_ascii_lowercase();
    let near = candidates.map(|known| (strsim::damerau_levenshtein(&word, known), known));
    let slips = if word.len() > 5 { 2 } else { 1 };
    match near.min().filter(|(distance, _)| *distance <= slips) {
        Some((_, known)) => Err(format!("; did you mean {known}?")),
        // The target of a library that is not on the list, perhaps; with a level it does no harm to others.
        None if directive.contains('=') && !target.is_empty() => Ok(()),
        None => Err(String::new()),
    }
}

/// Levels of plugins by name: one target for each would need a callsite for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginLevels {
    by_name: BTreeMap<String, LevelFilter>,
    others: LevelFilter,
}

impl<S: Subscriber> Layer<S> for PluginLevels {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        if event.metadata().target() != PLUGIN {
            return true;
        }
        let mut name = NamedPlugin(self.others, self);
        event.record(&mut name);
        *event.metadata().level() <= name.0
    }
}

/// Looks for the field that names the plugin of an event.
struct NamedPlugin<'a>(LevelFilter, &'a PluginLevels);

impl Visit for NamedPlugin<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == PLUGIN
            && let Some(level) = self.1.by_name.get(value)
        {
            self.0 = *level;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

/// The directives between the commas that are not inside a span's fields (`[span{a=1,b=2}]`).
fn directives(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    text.split(move |c| {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(flag: Option<&str>, ours: Option<&str>, rust: Option<&str>) -> Result<Chosen, String> {
        let env = |name: &str| {
            let value = match name {
                "TOLLGATE_LOG" => ours,
                "RUST_LOG" => rust,
                _ => None,
            };
            value.map(OsString::from)
        };
        chosen(flag, env).map_err(|e| e.to_string())
    }

    #[test]
    fn the_flag_wins_over_the_variables_over_the_default() {
        let cases = [
            (None, None, None, "info"),
            (None, Some(""), Some(""), "info"),
            (None, Some("warn"), Some("error"), "warn"),
            (
                Some("debug"),
                Some("warn"),
                None,
                "tollgate=debug,plugin=debug,info",
            ),
            (Some("off"), None, Some("info"), "off"),
            (
                Some("warn, tollgate::plugin=debug"),
                None,
                None,
                "tollgate::plugin=debug,warn",
            ),
            (
                Some("[exchange{id=1,plugin=2}]=trace"),
                None,
                None,
                "off,[exchange{id=1,plugin=2}]=trace",
            ),
            (None, None, Some("warn"), "warn"),
            (None, None, Some("hyper=debug"), "hyper=debug,info"),
            (
                None,
                None,
                Some("debug,mine=trace"),
                "tollgate=debug,plugin=debug,mine=trace,info",
            ),
        ];
        for (flag, ours, rust, expected) in cases {
            let got = read(flag, ours, rust).unwrap();
            let filter = got.filter.to_string().replace("notify=warn,", "");
            assert_eq!(filter, expected, "{flag:?} {ours:?} {rust:?}");
            assert!(got.ignored.is_empty(), "{:?}", got.ignored);
        }
    }

    #[test]
    fn what_rust_log_says_to_others_is_no_mistake() {
        let got = read(None, None, Some("mine,loud=!,warn,")).unwrap();
        assert_eq!(got.filter.to_string(), "warn");
        assert_eq!(got.ignored, ["mine", "loud=!"]);
    }

    #[test]
    fn a_bad_filter_says_which_part_and_where() {
        let cases = [
            (Some("loud=!"), None, "--log: \"loud=!\" "),
            (
                Some("info,tollgate=loud,warn"),
                None,
                "--log: \"tollgate=loud\" ",
            ),
            (Some(""), None, "--log: \"\" "),
            (Some("info,"), None, "--log: \"\" "),
            (Some("plugin::=info"), None, "--log: \"plugin::=info\" "),
            (Some("plugin::a=loud"), None, "--log: \"plugin::a=loud\" "),
            (None, Some("tollgate=5x"), "TOLLGATE_LOG: \"tollgate=5x\" "),
            (
                Some("info"),
                Some("tollgate=5x"),
                "TOLLGATE_LOG: \"tollgate=5x\" ",
            ),
        ];
        for (flag, ours, expected) in cases {
            let got = read(flag, ours, None).unwrap_err();
            assert!(got.starts_with(expected), "{got}");
        }
    }

    #[test]
    fn what_nobody_can_have_meant_is_an_error() {
        let cases = [
            ("nonsense", ""),
            ("verbose", ""),
            ("inof", "did you mean info?"),
            ("Warm", "did you mean warn?"),
            ("eror", "did you mean error?"),
            ("traec", "did you mean trace?"),
            ("debugg", "did you mean debug?"),
            ("tolgate=debug", "did you mean tollgate?"),
            ("plugins::cors=debug", "did you mean plugin?"),
        ];
        for (word, advice) in cases {
            let got = read(Some(word), None, None).unwrap_err();
            assert!(got.contains(word) && got.contains(advice), "{got}");
        }
        for word in [
            "INFO",
            "tollgate",
            "hyper",
            "3",
            "wasmtime_wasi=debug",
            "plugin::a.b-c",
            "other::lib=debug",
        ] {
            assert!(read(Some(word), None, None).is_ok(), "{word}");
        }
    }

    #[test]
    fn what_the_watcher_library_says_is_to_be_had_by_name() {
        let cases = [
            ("info", true),
            ("debug", true),
            ("info,notify::inotify=trace", true),
            ("warn", false),
            ("info,notify=info", false),
            ("notify=debug,info", false),
        ];
        for (text, is_quiet) in cases {
            let filter = read(Some(text), None, None).unwrap().filter.to_string();
            assert_eq!(filter.contains("notify=warn"), is_quiet, "{text}: {filter}");
        }
    }

    #[test]
    fn a_plugin_can_be_told_from_the_others() {
        let cases = [
            (
                "info,plugin::cors=debug",
                "plugin=debug,info",
                "info",
                "debug",
            ),
            ("plugin::cors", "plugin=trace", "off", "trace"),
            (
                "debug,plugin::cors=warn",
                "tollgate=debug,plugin=debug,info",
                "debug",
                "warn",
            ),
            (
                "plugin::cors=off,warn,plugin=error",
                "plugin=error,warn",
                "error",
                "off",
            ),
        ];
        for (text, filter, others, cors) in cases {
            let got = read(Some(text), None, None).unwrap();
            let without_off = got
                .filter
                .to_string()
                .replace("notify=warn,", "")
                .replace("off,", "")
                .replace(",off", "");
            assert_eq!(without_off, filter, "{text}");
            let by_name = [("cors".to_owned(), cors.parse().unwrap())].into();
            let others = others.parse().unwrap();
            assert_eq!(
                got.plugins,
                Some(PluginLevels { by_name, others }),
                "{text}"
            );
        }
    }
}
