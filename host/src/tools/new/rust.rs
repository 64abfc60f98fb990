//! The Rust SDK outside of its workspace: what it has from there is written into it, and the contract is elsewhere.

use std::path::Path;

use toml::{Table, Value};

use super::templates::Content;

/// What the SDK's manifest refers to with `workspace = true`.
const WORKSPACE: &str = include_str!("../../../../Cargo.toml");

/// Where the SDK finds the contract: here, and in a project.
const CONTRACT: [&str; 2] = ["path: \"../wit/v0.1\"", "path: \"../wit\""];

/// A file of the SDK as it stands in a project.
pub fn standalone((path, content): Content) -> Content {
    let is = |name: &str| path == Path::new(name);
    let text = String::from_utf8_lossy(&content);
    let written = if is("Cargo.toml") {
        manifest(&text, WORKSPACE)
    } else if is("src/bindings.rs") {
        Some(text.replace(CONTRACT[0], CONTRACT[1]))
    } else {
        None
    };
    match written {
        Some(written) => (path, written.into_bytes()),
        None => (path, content),
    }
}

/// The manifest without references to a workspace. None if it refers to what isn't there, which a test rules out.
fn manifest(text: &str, workspace: &str) -> Option<String> {
    let mut manifest: Table = text.parse().ok()?;
    let workspace: Table = workspace.parse().ok()?;
    let workspace = workspace.get("workspace")?.as_table()?;
    let known = workspace.get("dependencies")?.as_table()?;
    manifest.remove("lints");
    manifest.remove("dev-dependencies");
    inherit(
        manifest.get_mut("package")?,
        workspace.get("package")?.as_table()?,
    )?;
    if let Some(dependencies) = manifest.get_mut("dependencies") {
        inherit(dependencies, known)?;
    }
    let targets = manifest.get_mut("target").and_then(Value::as_table_mut);
    for (_, target) in targets.into_iter().flatten() {
        if let Some(dependencies) = target.get_mut("dependencies") {
            inherit(dependencies, known)?;
        }
    }
    let note = "# Made by `tollgate new` from the SDK in tollgate's own tree.\n\n";
    Some(note.to_owned() + &toml::to_string(&manifest).ok()?)
}

/// Replaces each `{ workspace = true, … }` in a table by what the workspace has under its key, with the rest added.
fn inherit(table: &mut Value, workspace: &Table) -> Option<()> {
    for (key, value) in table.as_table_mut()? {
        let is_inherited = value.get("workspace").and_then(Value::as_bool) == Some(true);
        if !is_inherited {
            continue;
        }
        let inherited = workspace.get(key)?;
        let mut rest = std::mem::take(value.as_table_mut()?);
        rest.remove("workspace");
        *value = if rest.is_empty() {
            inherited.clone()
        } else {
            combined(inherited, rest)?
        };
    }
    Some(())
}

/// A dependency of the workspace with what a package says of it; features add up.
fn combined(inherited: &Value, rest: Table) -> Option<Value> {
    let mut all = match inherited {
        Value::String(version) => {
            Table::from_iter([("version".to_owned(), version.as_str().into())])
        }
        other => other.as_table()?.clone(),
    };
    for (key, value) in rest {
        match (all.get_mut(&key), value) {
            (Some(Value::Array(there)), Value::Array(more)) => there.extend(more),
            (_, value) => {
                all.insert(key, value);
            }
        }
    }
    Some(Value::Table(all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::new::templates;

    #[test]
    fn what_the_workspace_says_is_written_out() {
        let workspace = "[workspace.package]\nversion = \"1.2.3\"\n\
             [workspace.dependencies]\na = \"1\"\nb = { version = \"2\", features = [\"x\"] }\n";
        let text = "[package]\nname = \"p\"\nversion.workspace = true\n[lints]\nworkspace = true\n\
             [dependencies]\na.workspace = true\nc = \"3\"\n\
             [target.'cfg(unix)'.dependencies]\nb = { workspace = true, features = [\"y\"], optional = true }\n\
             a = { workspace = true, optional = true }\n";
        let written: Table = manifest(text, workspace).unwrap().parse().unwrap();
        let expected: Table = "[package]\nname = \"p\"\nversion = \"1.2.3\"\n\
             [dependencies]\na = \"1\"\nc = \"3\"\n\
             [target.'cfg(unix)'.dependencies]\nb = { version = \"2\", features = [\"x\", \"y\"], optional = true }\n\
             a = { version = \"1\", optional = true }\n"
            .parse()
            .unwrap();
        assert_eq!(written, expected);
        let unknown = "[package]\nname = \"p\"\n[dependencies]\nz.workspace = true\n";
        assert_eq!(manifest(unknown, workspace), None);
    }

    #[test]
    fn the_sdk_needs_nothing_of_its_tree() {
        let files = templates::library("rust");
        let text = |name: &str| {
            let (_, content) = files
                .iter()
                .find(|(path, _)| path == Path::new(name))
                .unwrap();
            String::from_utf8(content.clone()).unwrap()
        };
        let manifest: Table = text("Cargo.toml").parse().unwrap();
        assert!(
            !text("Cargo.toml").contains("workspace = true") && !manifest.contains_key("lints")
        );
        assert_eq!(
            manifest["package"]["version"].as_str(),
            Some(env!("CARGO_PKG_VERSION"))
        );
        assert!(manifest["dependencies"]["serde"]["features"].is_array());
        assert!(text("src/bindings.rs").contains(CONTRACT[1]));
        for (path, content) in &files {
            let content = String::from_utf8_lossy(content);
            let strays = content.matches("../").count() - content.matches(CONTRACT[1]).count();
            let in_words = content.matches("path = \"../plugin-sdk\"").count();
            assert_eq!(
                strays,
                in_words,
                "{} leads out of the project",
                path.display()
            );
        }
    }
}
