//! Commands and tools as people read them, and as they can paste them into a shell.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;

use super::find::{FoundTool, FoundTools, MissingTools, nearest};
use crate::tools::project::Project;

/// How long the line of a step may be that isn't shown in full.
const LINE: usize = 100;

/// The same for a script that is named in a message.
const SHORT: usize = 60;

/// A command as a shell would take it.
pub fn line(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    quoted.join(" ")
}

/// The program's name and the word after it that says what it does. A tool goes by the recipe's name for it, also where a
/// shell or `env` starts it, which are no help to whoever reads that one failed.
pub fn short(words: &[String], tools: &[FoundTool]) -> String {
    let words = by_name(words, tools);
    let name = words.first().map_or("", |program| base(program));
    match words.get(1) {
        Some(word) if word == "-c" && words.len() > 2 => cut(
            &line(&[name.to_owned(), word.clone(), words[2].clone()]),
            SHORT,
        ),
        Some(word) if !word.starts_with('-') && !word.contains('/') => format!("{name} {word}"),
        _ => name.to_owned(),
    }
}

/// The words from the first tool on, which is named as in the recipe; all of them if there is no tool among them.
fn by_name(words: &[String], tools: &[FoundTool]) -> Vec<String> {
    let found = (0..words.len()).find_map(|at| {
        let starts =
            |tool: &&FoundTool| !tool.command.is_empty() && words[at..].starts_with(&tool.command);
        // The longest, where one tool's command is the beginning of another's.
        let tool = tools
            .iter()
            .filter(starts)
            .max_by_key(|tool| tool.command.len())?;
        Some((tool, at + tool.command.len()))
    });
    match found {
        Some((tool, rest)) => [std::slice::from_ref(&tool.name), &words[rest..]].concat(),
        None => words.to_vec(),
    }
}

fn cut(line: &str, most: usize) -> String {
    let line = line.replace('\n', " ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// A step's command: in full with its variables, or what fits a line.
pub fn step(
    words: &[String],
    env: &[(String, String)],
    in_full: bool,
    tools: &[FoundTool],
) -> String {
    if in_full {
        let env = env
            .iter()
            .map(|(name, value)| format!("{name}={} ", quoted(value)));
        return env.collect::<String>() + &line(words);
    }
    let mut words = by_name(words, tools);
    if let Some(program) = words.first_mut() {
        *program = base(program).to_owned();
    }
    cut(&line(&words), LINE)
}

/// What is missing, what installs it, and that tollgate would.
pub fn missing(project: &Project, lacking: &[MissingTools<'_>]) -> String {
    let Some(way) = nearest(lacking) else {
        return "the recipe has no way of building".to_owned();
    };
    let names: Vec<&str> = way.missing.iter().map(|tool| tool.name.as_str()).collect();
    let mut text = format!(
        "{} is missing to build {} ({})",
        names.join(" and "),
        project.name,
        project.language
    );
    for other in lacking
        .iter()
        .filter(|other| other.way.name != way.way.name)
    {
        let names: Vec<&str> = other
            .missing
            .iter()
            .map(|tool| tool.name.as_str())
            .collect();
        let _ = write!(
            text,
            "; the way `{}` lacks {}",
            other.way.name,
            names.join(" and ")
        );
    }
    let mut commands: Vec<String> = Vec::new();
    for words in way.missing.iter().flat_map(|tool| &tool.install) {
        let command = format!("\n  {}", line(words));
        // One command may bring several tools.
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    if commands.is_empty() {
        text.push_str("; install it with your system's packages");
    } else {
        let directory = quoted(&project.given.display().to_string());
        let _ = write!(
            text,
            "; install with `tollgate build --install {directory}`, or by hand:{}",
            commands.concat()
        );
    }
    text
}

/// The tools that are there, one a line: name, version, command.
pub fn table(tools: &[FoundTool]) -> String {
    let width = |of: fn(&FoundTool) -> usize| tools.iter().map(of).max().unwrap_or(0);
    let (names, versions) = (width(|t| t.name.len()), width(|t| t.version.len()));
    let mut text = String::new();
    for tool in tools {
        let command = line(&tool.command);
        let row = format!(
            "{:names$}  {:versions$}  {command}",
            tool.name, tool.version
        );
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

/// The same for programs. `lacking` is empty if a way can be taken.
pub fn tools_json(
    project: &Project,
    found: Option<&FoundTools>,
    lacking: &[MissingTools<'_>],
) -> String {
    let way = nearest(lacking);
    let name = found
        .map(|found| &found.way)
        .or(way.map(|missing| missing.way));
    let tools = found.map_or_else(
        || way.map_or(&[][..], |missing| &missing.found[..]),
        |found| &found.tools[..],
    );
    let tool = |tool: &FoundTool| json!({ "name": tool.name, "version": tool.version, "command": tool.command });
    let missing: Vec<_> = way
        .into_iter()
        .flat_map(|missing| &missing.missing)
        .map(|tool| json!({ "name": tool.name, "install": tool.install }))
        .collect();
    json!({
        "name": project.name,
        "language": project.language,
        "way": name.map(|way| &way.name),
        "tools": tools.iter().map(tool).collect::<Vec<_>>(),
        "missing": missing,
    })
    .to_string()
}

/// A word as it must be written in a shell.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn base(program: &str) -> &str {
    let name = Path::new(program)
        .file_name()
        .and_then(|name| name.to_str());
    name.unwrap_or(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &[&str]) -> Vec<String> {
        line.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn commands_can_be_pasted_into_a_shell() {
        let tricky = words(&["a b", "$x", "it's", "", "--x=1", "a*"]);
        assert_eq!(line(&tricky), r"'a b' '$x' 'it'\''s' '' --x=1 'a*'");
        let echo: Vec<String> = words(&["printf", "%s|"])
            .into_iter()
            .chain(tricky)
            .collect();
        let output = std::process::Command::new("sh")
            .arg("-c")
            .arg(line(&echo))
            .output()
            .unwrap();
        assert_eq!(output.stdout, b"a b|$x|it's||--x=1|a*|");
    }

    #[test]
    fn a_step_fits_a_line_unless_it_is_wanted_in_full() {
        let long = "x".repeat(200);
        let command = words(&["/opt/bin/zig", "build-exe", &long]);
        let env = [("A".to_owned(), "b c".to_owned())];
        let shown = step(&command, &env, false, &[]);
        assert!(
            shown.starts_with("zig build-exe xxx") && shown.ends_with("x…"),
            "{shown}"
        );
        assert_eq!(shown.chars().count(), 101);
        assert_eq!(
            step(&command, &env, true, &[]),
            format!("A='b c' /opt/bin/zig build-exe {long}")
        );
        assert_eq!(short(&command, &[]), "zig build-exe");
        assert_eq!(
            short(&words(&["/x/sh", "-c", "exit 3"]), &[]),
            "sh -c 'exit 3'"
        );
    }

    #[test]
    fn a_tool_goes_by_its_name_whatever_starts_it() {
        let tool = |name: &str, command: &[&str]| FoundTool {
            name: name.to_owned(),
            version: String::new(),
            command: words(command),
        };
        let tools = [
            tool("probed", &[]),
            tool("python", &["/t/python"]),
            tool("zig", &["/t/python", "-m", "ziglang"]),
            tool("cargo", &["/usr/bin/cargo"]),
        ];
        let cases: [(&[&str], &str, &str); 3] = [
            (
                &[
                    "sh",
                    "-c",
                    "exec \"$@\" *.c",
                    "build",
                    "/t/python",
                    "-m",
                    "ziglang",
                    "cc",
                    "-Oz",
                ],
                "zig cc",
                "zig cc -Oz",
            ),
            (
                &["env", "-u", "X", "/usr/bin/cargo", "build", "-q"],
                "cargo build",
                "cargo build -q",
            ),
            (&["/x/cp", "a", "b"], "cp a", "cp a b"),
        ];
        for (command, name, shown) in cases {
            let command = words(command);
            assert_eq!(short(&command, &tools), name);
            assert_eq!(step(&command, &[], false, &tools), shown);
        }
    }

    #[test]
    fn the_table_of_tools_has_columns() {
        let tool = |name: &str, version: &str, command: &[&str]| FoundTool {
            name: name.to_owned(),
            version: version.to_owned(),
            command: words(command),
        };
        let tools = [
            tool("zig", "0.17.1", &["/x/python", "-m", "ziglang"]),
            tool("sysroot", "", &[]),
        ];
        assert_eq!(
            table(&tools),
            "zig      0.17.1  /x/python -m ziglang\nsysroot\n"
        );
    }
}
