//! How plugins of a language are built, as data: `recipe.toml` of the language's templates, or `[build]` of a project's
//! own `plugin.toml`.
//!
//! Read as the configuration is: every mistake at once, each with its file, line and key.

use std::path::Path;

use super::placeholders;
use crate::config::ConfigErrors;
use crate::config::file::{Mistakes, Scalar, TomlDocument, TomlTable, Value};

/// What a way makes unless it says otherwise.
const DEFAULT_OUTPUT: &str = "{build}/parts/core.wasm";

/// The program and its arguments, with placeholders. Never empty.
pub type Words = Vec<String>;

/// The ways of building, and what they are made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recipe {
    /// Globs of the project's files that a build reads, beside those that every project has.
    pub watch: Vec<String>,
    /// Whose helper library is copied into a new project, where it isn't the language's own.
    pub sdk: Option<String>,
    /// The first one whose tools are all there is taken. Never empty.
    pub ways: Vec<Way>,
}

/// One way of building.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    pub name: String,
    pub tools: Vec<Tool>,
    pub steps: Vec<BuildStep>,
    /// A core module, a component or the text of one, with placeholders.
    pub output: String,
    /// For ways that compile with cargo.
    pub cargo: Option<Cargo>,
}

/// Where cargo's files are, with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cargo {
    /// The project's target directory.
    pub target: String,
    /// Where what it has in common with other projects is kept.
    pub cache: String,
}

/// A program that must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    pub name: String,
    /// Commands by which the tool may be had, best first. Empty for what is only probed.
    pub tries: Vec<Words>,
    /// Arguments that print the version; empty if nothing does.
    pub version: Vec<String>,
    /// A whole command that succeeds if the tool is there. What it prints is the version if nothing else says it.
    pub probe: Option<Words>,
    /// What installs it.
    pub install: Vec<Words>,
}

/// A command of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildStep {
    pub run: Words,
    /// Variables that are set for it. Sorted by name.
    pub env: Vec<(String, String)>,
}

impl Recipe {
    /// Reads `recipe.toml`; the path is for messages alone.
    ///
    /// # Errors
    /// All mistakes in it.
    pub fn parse(path: &Path, text: &str) -> Result<Recipe, ConfigErrors> {
        let mistakes = Mistakes::default();
        let recipe = {
            let document = TomlDocument::parse(path, text, &mistakes);
            let mut root = document.root();
            // For whoever reads the file; the folder's name is what counts.
            root.text("language");
            if mistakes.is_empty() {
                Recipe::read(root, &mistakes)
            } else {
                Recipe::default()
            }
        };
        mistakes.or(recipe)
    }

    /// Reads a table with the keys of a recipe. What is wrong is noted, and then the result is of no use.
    pub fn read(mut table: TomlTable<'_>, mistakes: &Mistakes) -> Recipe {
        let watch = table.list("watch", "globs").unwrap_or_default();
        let sdk = table.text("sdk").map(|entry| entry.text);
        let place = table.place.clone();
        let ways: Vec<Way> = tables(&mut table, "ways")
            .map(|way| read_way(way, mistakes))
            .collect();
        if ways.is_empty() && !table.has("ways") {
            mistakes.add(
                place,
                "no way of building; at least one table [[ways]] is needed",
            );
        }
        table.finish(&["run", "output", "tools", "steps"]);
        Recipe {
            watch: watch
                .iter()
                .filter_map(|entry| entry.read(mistakes, glob))
                .collect(),
            sdk,
            ways,
        }
    }
}

fn glob(text: &str) -> Result<String, String> {
    match globset::Glob::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn read_way(mut table: TomlTable<'_>, mistakes: &Mistakes) -> Way {
    let name = required(&mut table, mistakes, any_name);
    let mut tools: Vec<Tool> = Vec::new();
    for tool in tables(&mut table, "tools") {
        let tool = read_tool(tool, &tools, mistakes);
        tools.push(tool);
    }
    let steps = tables(&mut table, "steps")
        .map(|step| read_step(step, &tools, mistakes))
        .collect();
    let output = table.table("output").and_then(|mut output| {
        let file = output.text("file");
        output.finish(&[]);
        file?.read(mistakes, |text| checked(text, &[]))
    });
    let cargo = table
        .table("cargo")
        .and_then(|cargo| read_cargo(cargo, mistakes));
    table.finish(&["file", "run", "install"]);
    Way {
        cargo,
        name,
        tools,
        steps,
        output: output.unwrap_or_else(|| DEFAULT_OUTPUT.to_owned()),
    }
}

fn read_cargo(mut table: TomlTable<'_>, mistakes: &Mistakes) -> Option<Cargo> {
    for key in ["target", "cache"] {
        if !table.has(key) {
            mistakes.add(table.place.clone(), format!("`{key}` is missing"));
        }
    }
    let (target, cache) = (table.text("target"), table.text("cache"));
    table.finish(&[]);
    let read = |entry: Option<Scalar>| entry?.read(mistakes, |text| checked(text, &[]));
    let (target, cache) = (read(target), read(cache));
    Some(Cargo {
        target: target?,
        cache: cache?,
    })
}

fn read_tool(mut table: TomlTable<'_>, before: &[Tool], mistakes: &Mistakes) -> Tool {
    let place = table.place.clone();
    let name = required(&mut table, mistakes, placeholder_name);
    let mut known = commands_of(before);
    if known.contains(&name.as_str()) || placeholders::PLACES.contains(&name.as_str()) {
        let problem = format!("the name `{name}` is taken; a tool's name stands for its command");
        mistakes.add(place.clone(), problem);
    }
    let tries = read_commands(&mut table, "try", &known, mistakes);
    let install = read_commands(&mut table, "install", &known, mistakes);
    let version = table.list("version", "arguments").unwrap_or_default();
    let version = version.into_iter().map(|entry| entry.text).collect();
    if !tries.is_empty() {
        known.push(&name);
    }
    let probe = table
        .take("probe")
        .and_then(|value| read_words(value, &known, mistakes));
    if !table.has("try") && !table.has("probe") {
        mistakes.add(
            place,
            "a tool needs `try` (commands) or `probe` (a command that succeeds if it is there)",
        );
    }
    table.finish(&["run", "file"]);
    Tool {
        name,
        tries,
        version,
        probe,
        install,
    }
}

fn read_step(mut table: TomlTable<'_>, tools: &[Tool], mistakes: &Mistakes) -> BuildStep {
    let known = commands_of(tools);
    let place = table.place.clone();
    let run = match table.take("run") {
        Some(value) => read_words(value, &known, mistakes),
        None => {
            mistakes.add(place, "a step needs `run`, the words of a command");
            None
        }
    };
    let env = table.table("env").map_or_else(Vec::new, |env| {
        let read = |(name, value): (&str, Value<'_>)| {
            let value = value.text()?.read(mistakes, |text| checked(text, &known))?;
            Some((name.to_owned(), value))
        };
        env.values().filter_map(read).collect()
    });
    table.finish(&[]);
    BuildStep {
        run: run.unwrap_or_default(),
        env,
    }
}

/// The tools that have a command.
fn commands_of(tools: &[Tool]) -> Vec<&str> {
    let with_command = tools.iter().filter(|tool| !tool.tries.is_empty());
    with_command.map(|tool| tool.name.as_str()).collect()
}

/// The tables of a list of tables; anything else is noted.
fn tables<'s>(
    table: &mut TomlTable<'s>,
    key: &'static str,
) -> impl Iterator<Item = TomlTable<'s>> + use<'s> {
    let value = table.take(key);
    let value = value.and_then(|value| {
        if value.value.is_array() && !(key == "ways" && value.is_empty_list()) {
            Some(value)
        } else {
            value.wrong(&format!("tables, each beginning with [[{key}]]"))
        }
    });
    value
        .into_iter()
        .flat_map(Value::items)
        .filter_map(Value::table)
}

fn required(
    table: &mut TomlTable<'_>,
    mistakes: &Mistakes,
    check: fn(&str) -> Result<String, String>,
) -> String {
    if !table.has("name") {
        mistakes.add(table.place.clone(), "`name` is missing");
    }
    let name = table.text("name");
    name.and_then(|entry| entry.read(mistakes, check))
        .unwrap_or_default()
}

fn any_name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("expected a name".to_owned());
    }
    Ok(text.to_owned())
}

/// A tool's name stands in braces for its command.
fn placeholder_name(text: &str) -> Result<String, String> {
    if placeholders::is_name(text) {
        return Ok(text.to_owned());
    }
    Err(
        "expected a name of lower-case letters, digits, `-` and `_`, beginning with a letter"
            .to_owned(),
    )
}

fn read_commands(
    table: &mut TomlTable<'_>,
    key: &'static str,
    known: &[&str],
    mistakes: &Mistakes,
) -> Vec<Words> {
    let Some(value) = table.take(key) else {
        return Vec::new();
    };
    if !value.value.is_array() || value.is_empty_list() {
        value.wrong::<()>("a list of commands, each a list of words");
        return Vec::new();
    }
    let commands = value.items();
    commands
        .filter_map(|command| read_words(command, known, mistakes))
        .collect()
}

fn read_words(value: Value<'_>, known: &[&str], mistakes: &Mistakes) -> Option<Words> {
    if !value.value.is_array() || value.is_empty_list() {
        return value.wrong("a command as a list of words, the program first");
    }
    let read = |word: Value<'_>| word.text()?.read(mistakes, |text| checked(text, known));
    // All of them before the first mistake counts.
    let words: Vec<Option<String>> = value.items().map(read).collect();
    words.into_iter().collect()
}

fn checked(text: &str, tools: &[&str]) -> Result<String, String> {
    placeholders::check(text, tools)?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
