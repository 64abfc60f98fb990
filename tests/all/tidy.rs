//! Style held by a test and not by review: every file says why it exists, none is too long, no function is, and the
//! host's modules import downwards only.

mod circles;
mod read;
mod spawning;
mod ways;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a file without its inline tests. Tests in files of their own may be longer.
const MOST_LINES: usize = 400;

/// Lines of a function from `fn` to its closing brace.
const MOST_FUNCTION_LINES: usize = 70;

/// Files with functions that are longer than they should be, each with the reason.
const LONG_FUNCTIONS: [(&str, &str); 6] = [
    ("host/src/proxy/http1/chunks.rs", "one table of cases"),
    ("host/src/proxy/http1/server/write.rs", "one table of cases"),
    (
        "host/src/plugin/watch/settle/tests.rs",
        "one table of cases",
    ),
    (
        "plugins/arn-rewrite/src/find_tests.rs",
        "one table of cases",
    ),
    ("plugins/chaos/src/tests.rs", "one table of cases"),
    ("tests/all/refused.rs", "one table of cases"),
];

/// The host's modules from low to high; those of one row know nothing of one another.
const LAYERS: [&[&str]; 11] = [
    &[
        "counted",
        "descriptors",
        "dial",
        "matching",
        "metrics",
        "stamp",
        "text",
        "timer",
    ],
    &["message", "telemetry", "cli", "tls"],
    &["outbound", "essential"],
    &["store", "record", "access_log", "export", "otlp"],
    &["config"],
    &["interceptor"],
    &["proxy", "plugin", "echo"],
    &["what_if"],
    &["admin"],
    &["app", "tools"],
    &["main"],
];

/// What only one place may say, and where.
const CONFINED: [(&str, &[&str]); 5] = [
    (
        "bincode::",
        &[
            "host/src/plugin/cache/header.rs",
            "host/src/record/tape/codec.rs",
        ],
    ),
    (
        "bindgen!",
        &[
            "host/src/plugin/host/key_value/",
            "host/src/plugin/host/standard.rs",
            "host/src/plugin/kind/hooks/",
            "plugin-sdk/",
        ],
    ),
    (
        "unsafe {",
        &[
            "host/src/plugin/wasm/compile.rs",
            "host/src/plugin/wasm/crossing.rs",
        ],
    ),
    ("#[ignore", &[]),
    // It would get round the direction of imports.
    ("super::super::", &[]),
];

/// A file's text without what is not code.
struct Source {
    /// Relative to the workspace, with `/` between.
    path: String,
    text: String,
    /// The same, with comments and the insides of literals blanked out; as many lines.
    code: String,
}

#[test]
fn every_file_says_first_why_it_exists() {
    let silent = sources()
        .into_iter()
        .filter(|source| !source.text.starts_with("//! "));
    assert_none("begins without `//!`", silent.map(|source| source.path));
}

#[test]
fn files_are_short() {
    let long = sources().into_iter().filter(|source| {
        let is_tests = source.path.ends_with("tests.rs") || source.path.contains("/tests/");
        !is_tests && without_inline_tests(&source.code).lines().count() > MOST_LINES
    });
    assert_none(
        &format!("has more than {MOST_LINES} lines"),
        long.map(|source| source.path),
    );
}

#[test]
fn functions_are_short() {
    let mut long = Vec::new();
    for source in sources() {
        for (line, length) in functions(&source.code) {
            let excused = LONG_FUNCTIONS.iter().any(|(path, _)| source.path == *path);
            if length > MOST_FUNCTION_LINES && !excused {
                long.push(format!("{}:{line} ({length} lines)", source.path));
            }
        }
    }
    assert_none(
        &format!("is a function of more than {MOST_FUNCTION_LINES} lines"),
        long,
    );
}

#[test]
fn some_words_have_one_place() {
    let mut strays = Vec::new();
    for source in sources() {
        for (word, places) in CONFINED {
            if source.code.contains(word)
                && !places.iter().any(|place| source.path.starts_with(place))
            {
                strays.push(format!("{} says {word}", source.path));
            }
        }
    }
    assert_none("where only another file may", strays);
}

#[test]
fn the_host_imports_downwards() {
    let layer = |module: &str| LAYERS.iter().position(|row| row.contains(&module));
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for source in sources() {
        let Some(inside) = source.path.strip_prefix("host/src/") else {
            continue;
        };
        let own = inside.split(['/', '.']).next().unwrap();
        if own == "lib" {
            continue;
        }
        let Some(from) = layer(own) else {
            wrong.push(format!("{own} has no layer"));
            continue;
        };
        for module in imports(&source.code) {
            seen.insert(module.clone());
            if module != own && layer(&module).is_none_or(|to| to >= from) {
                wrong.push(format!("{} imports crate::{module}", source.path));
            }
        }
    }
    assert!(
        seen.contains("message") && seen.contains("interceptor"),
        "imports are found at all: {seen:?}"
    );
    assert_none("is upwards or sideways", wrong);
}

/// Modules of the crate that the code names: `crate::x::…` and `tollgate::x::…`, lists in braces included.
fn imports(code: &str) -> Vec<String> {
    let mut modules = Vec::new();
    for start in ["crate::", "tollgate::"] {
        for (at, _) in code.match_indices(start) {
            let names_own_crate =
                code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            let rest = &code[at + start.len()..];
            if names_own_crate {
                continue;
            }
            let list = rest
                .strip_prefix('{')
                .map_or(rest, |list| &list[..list.find('}').unwrap_or(list.len())]);
            let items: Vec<&str> = if rest.starts_with('{') {
                list.split(',').collect()
            } else {
                vec![rest]
            };
            for item in items {
                let name = item
                    .trim()
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next()
                    .unwrap();
                if name.starts_with(|c: char| c.is_lowercase()) {
                    modules.push(name.to_owned());
                }
            }
        }
    }
    modules
}

/// The lines on which functions begin (from 1), and how many lines each has.
fn functions(code: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let Some(body) = code[at..]
            .find(['{', ';'])
            .filter(|end| code[at + end..].starts_with('{'))
        else {
            continue;
        };
        let mut depth = 0;
        let end = code[at + body..].char_indices().find(|(_, c)| {
            depth += i32::from(*c == '{') - i32::from(*c == '}');
            depth == 0
        });
        let end = end.map_or(code.len(), |(end, _)| at + body + end);
        let line = code[..at].lines().count().max(1);
        found.push((
            line,
            code[at..end].lines().count() + usize::from(code[..end].ends_with('\n')),
        ));
    }
    found
}

fn without_inline_tests(code: &str) -> &str {
    let at = code.match_indices("#[cfg(test)]\nmod ").find(|(at, _)| {
        let line = code[at + 13..].lines().next().unwrap();
        line.ends_with('{')
    });
    at.map_or(code, |(at, _)| &code[..at])
}

fn assert_none(what: &str, found: impl IntoIterator<Item = String>) {
    let found: Vec<String> = found.into_iter().collect();
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

/// Every Rust file that this repository's people wrote; what cargo wrote is in directories with a `CACHEDIR.TAG`.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut directories: Vec<PathBuf> = ["host/src", "plugin-sdk/src", "tests"]
        .map(|path| root.join(path))
        .into();
    directories.extend(
        fs::read_dir(root.join("plugins"))
            .unwrap()
            .map(|entry| entry.unwrap().path().join("src")),
    );
    let mut found = Vec::new();
    while let Some(directory) = directories.pop() {
        let Ok(entries) = fs::read_dir(&directory) else {
            continue;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                if !path.join("CACHEDIR.TAG").exists() {
                    directories.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(source(root, &path));
            }
        }
    }
    assert!(found.len() > 50, "only {} files were found", found.len());
    found
}

fn source(root: &Path, path: &Path) -> Source {
    let text = fs::read_to_string(path).unwrap();
    let path = path
        .strip_prefix(root)
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    Source {
        path,
        code: blanked(&text),
        text,
    }
}

/// Blanks out comments and the insides of strings and characters. Line breaks stay.
fn blanked(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = literal_length(rest, code.chars().last());
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.extend(
                rest[..length]
                    .chars()
                    .map(|c| if c == '\n' { '\n' } else { ' ' }),
            );
            rest = &rest[length..];
        }
    }
    code
}

/// Bytes of the comment or literal that the text begins with; 0 when it begins with neither.
fn literal_length(text: &str, before: Option<char>) -> usize {
    let up_to = |end: &str, from: usize| {
        text[from..]
            .find(end)
            .map_or(text.len(), |at| from + at + end.len())
    };
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return up_to("*/", 2);
    }
    if text.starts_with('"') {
        return quoted_length(text, '"');
    }
    if !in_word && text.starts_with('r') {
        let hashes = text[1..].bytes().take_while(|byte| *byte == b'#').count();
        if text[1 + hashes..].starts_with('"') {
            return up_to(&format!("\"{}", "#".repeat(hashes)), hashes + 2);
        }
    }
    if let Some(rest) = text.strip_prefix('\'') {
        let mut chars = rest.chars();
        let (first, second) = (chars.next(), chars.next());
        if first == Some('\\') || second == Some('\'') {
            return quoted_length(text, '\'');
        }
    }
    0
}

fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

#[test]
fn the_reader_knows_code_from_words() {
    let text = "fn a() { // fn b() {\n let s = \"}\\\"{\"; let r = r#\"}\"\"#; let c = '}'; let l: &'static str = s;\n}\nfn f();\n";
    assert_eq!(functions(&blanked(text)), [(1, 3)]);
    assert_eq!(
        imports("use crate::{a::B, c}; crate::d::e(); mycrate::f; tollgate::g::h"),
        ["a", "c", "d", "g"]
    );
    assert_eq!(
        without_inline_tests("a\n#[cfg(test)]\nmod tests;\nb\n#[cfg(test)]\nmod tests {\n"),
        "a\n#[cfg(test)]\nmod tests;\nb\n"
    );
}

/// Each guest has a test that uses it, or it is no use.
#[test]
fn no_guest_is_forgotten() {
    let tests: String = sources()
        .into_iter()
        .filter(|s| s.path.starts_with("tests/all/"))
        .map(|s| s.text)
        .collect();
    let names = tollgate_tests::guest_names();
    assert!(names.len() > 20, "{names:?}");
    assert_none(
        "is used in no test",
        names
            .into_iter()
            .filter(|name| !tests.contains(&format!("\"{name}\""))),
    );
}
