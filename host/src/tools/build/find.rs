//! Which way of building can be taken on this machine: the first one whose tools all answer.

use super::process::Runner;
use crate::tools::project::placeholders::{BuildPlaces, tool_of};
use crate::tools::project::recipe::{Recipe, Tool, Way, Words};

/// A way of which all is there.
#[derive(Debug, Clone)]
pub struct FoundTools {
    pub way: Way,
    pub tools: Vec<FoundTool>,
}

/// A tool that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTool {
    pub name: String,
    /// The program's path and what comes before all arguments. Empty for what is only probed.
    pub command: Words,
    /// As the tool says it, without words around it; empty if it wasn't asked.
    pub version: String,
}

/// What a way lacks.
#[derive(Debug)]
pub struct MissingTools<'r> {
    pub way: &'r Way,
    pub found: Vec<FoundTool>,
    /// Never empty.
    pub missing: Vec<MissingTool>,
}

/// A tool that didn't answer.
#[derive(Debug, PartialEq, Eq)]
pub struct MissingTool {
    pub name: String,
    /// What installs it, with the placeholders filled in.
    pub install: Vec<Words>,
}

/// Looks for the tools of the recipe's ways.
///
/// # Errors
/// What each way lacks.
pub fn find<'r>(
    recipe: &'r Recipe,
    places: &BuildPlaces,
    runner: &Runner,
) -> Result<FoundTools, Vec<MissingTools<'r>>> {
    let mut lacking = Vec::new();
    for way in &recipe.ways {
        match look(way, places, runner) {
            Ok(found) => return Ok(found),
            Err(missing) => lacking.push(missing),
        }
    }
    Err(lacking)
}

/// The way to complete: the first one that tollgate knows how to, else the first one.
pub fn nearest<'m, 'r>(lacking: &'m [MissingTools<'r>]) -> Option<&'m MissingTools<'r>> {
    let can_be_installed = |way: &&MissingTools<'_>| {
        let mut missing = way.missing.iter();
        missing.all(|tool| !tool.install.is_empty())
    };
    lacking.iter().find(can_be_installed).or(lacking.first())
}

/// Whether all tools of a way are there.
///
/// # Errors
/// What is missing.
pub fn look<'r>(
    way: &'r Way,
    places: &BuildPlaces,
    runner: &Runner,
) -> Result<FoundTools, MissingTools<'r>> {
    let (mut tools, mut missing) = (Vec::new(), Vec::new());
    for tool in &way.tools {
        match answer(tool, &tools, places, runner) {
            Some(found) => tools.push(found),
            None => missing.push(MissingTool {
                name: tool.name.clone(),
                install: tool
                    .install
                    .iter()
                    .map(|words| expand(words, &tools, places))
                    .collect(),
            }),
        }
    }
    if missing.is_empty() {
        Ok(FoundTools {
            way: way.clone(),
            tools,
        })
    } else {
        Err(MissingTools {
            way,
            found: tools,
            missing,
        })
    }
}

/// The words of a command, with the words of tools' commands among them. A tool that wasn't found is called by its name.
pub fn expand(words: &[String], tools: &[FoundTool], places: &BuildPlaces) -> Words {
    let mut expanded = Vec::with_capacity(words.len());
    for word in words {
        match tool_of(word) {
            Some(name) => match tools.iter().find(|tool| tool.name == name) {
                Some(tool) => expanded.extend(tool.command.iter().cloned()),
                None => expanded.push(name.to_owned()),
            },
            None => expanded.push(places.fill(word)),
        }
    }
    expanded
}

/// The tool by the first of its commands that answers.
fn answer(
    tool: &Tool,
    before: &[FoundTool],
    places: &BuildPlaces,
    runner: &Runner,
) -> Option<FoundTool> {
    if tool.tries.is_empty() {
        return asked(tool, Vec::new(), before, places, runner);
    }
    tool.tries.iter().find_map(|words| {
        let mut command = expand(words, before, places);
        let program = runner.program(command.first()?)?;
        command[0] = program.to_str()?.to_owned();
        asked(tool, command, before, places, runner)
    })
}

/// The tool by this command, if it answers.
fn asked(
    tool: &Tool,
    command: Words,
    before: &[FoundTool],
    places: &BuildPlaces,
    runner: &Runner,
) -> Option<FoundTool> {
    let mut found = FoundTool {
        name: tool.name.clone(),
        command,
        version: String::new(),
    };
    if let Some(probe) = &tool.probe {
        let mut tools = before.to_vec();
        tools.push(found.clone());
        found.version = version(&runner.ask(&expand(probe, &tools, places)).ok()??);
    }
    if !tool.version.is_empty() && !found.command.is_empty() {
        let arguments = tool.version.iter().map(|word| places.fill(word));
        let words: Words = found.command.iter().cloned().chain(arguments).collect();
        found.version = version(&runner.ask(&words).ok()??);
    }
    Some(found)
}

/// The version in what a tool says of itself: the first word that begins like one, else the first line if it is short.
fn version(said: &str) -> String {
    const SHORT: usize = 30;
    let is_version =
        |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    let words = said.split(|c: char| c.is_whitespace() || "(),".contains(c));
    let mut bare = words.map(|word| word.trim_start_matches(|c: char| c.is_ascii_alphabetic()));
    let line = said.lines().next().unwrap_or("").trim();
    let line = if line.len() <= SHORT { line } else { "" };
    bare.find(is_version).unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests;
