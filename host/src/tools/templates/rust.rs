//! The Rust SDK outside of its tree: the same files, without what only its own development needs.

use std::path::{Path, PathBuf};

/// Where the part of the manifest begins that is for the SDK's own tests and lints.
const DEVELOPMENT: &str = "\n[dev-dependencies]\n";

/// A file of the SDK as it stands in a project.
pub fn standalone((path, content): (PathBuf, Vec<u8>)) -> (PathBuf, Vec<u8>) {
    if path != Path::new("Cargo.toml") {
        return (path, content);
    }
    let text = String::from_utf8_lossy(&content);
    let manifest = text.split(DEVELOPMENT).next().unwrap_or(&text);
    (path, manifest.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use toml::{Table, Value};

    use super::*;
    use crate::plugin::load;
    use crate::tools::templates;

    fn text(name: &str) -> String {
        let files = templates::library("rust");
        let file = files.iter().find(|(path, _)| path == Path::new(name));
        String::from_utf8(file.unwrap().1.clone()).unwrap()
    }

    fn manifest() -> Table {
        text("Cargo.toml").parse().unwrap()
    }

    #[test]
    fn the_manifest_takes_nothing_from_the_workspace() {
        fn inherits(value: &Value) -> bool {
            value.as_table().is_some_and(|table| {
                table.contains_key("workspace") || table.values().any(inherits)
            })
        }
        let manifest = manifest();
        assert!(!manifest.values().any(inherits), "{manifest}");
        assert!(!manifest.contains_key("dev-dependencies") && !manifest.contains_key("lints"));
        assert!(manifest.contains_key("dependencies") && manifest.contains_key("target"));
    }

    #[test]
    fn the_manifest_says_what_the_workspace_says() {
        let sdk: Table = include_str!("../../../../plugin-sdk/Cargo.toml")
            .parse()
            .unwrap();
        let workspace: Table = include_str!("../../../../Cargo.toml").parse().unwrap();
        let workspace = &workspace["workspace"];
        for (key, value) in workspace["package"].as_table().unwrap() {
            assert_eq!(&sdk["package"][key], value, "package.{key}");
        }
        for (tool, lints) in workspace["lints"].as_table().unwrap() {
            for (lint, level) in lints.as_table().unwrap() {
                let own = sdk["lints"][tool].get(lint);
                assert_eq!(own, Some(level), "lints.{tool}.{lint}");
            }
        }
        let version = |value: &Value| {
            value
                .get("version")
                .unwrap_or(value)
                .as_str()
                .map(str::to_owned)
        };
        for (name, dependency) in sdk["dependencies"].as_table().unwrap() {
            let theirs = &workspace["dependencies"][name];
            assert_eq!(version(dependency), version(theirs), "dependencies.{name}");
        }
    }

    #[test]
    fn the_contract_in_it_is_the_hosts() {
        let contract: Vec<_> = load::contract_files().collect();
        assert!(!contract.is_empty());
        for (path, served) in contract {
            assert_eq!(text(&format!("wit/v0.1/{path}")), served, "{path}");
        }
        assert!(text("src/bindings.rs").contains("path: \"wit/v0.1\""));
    }

    #[test]
    fn nothing_leads_out_of_a_project() {
        for (path, content) in templates::library("rust") {
            let content = String::from_utf8_lossy(&content);
            let strays = content.matches("../").count();
            let in_words = content.matches("path = \"../plugin-sdk\"").count()
                + content.matches("include_str!(\"../README.md\")").count();
            assert_eq!(
                strays,
                in_words,
                "{} leads out of the project",
                path.display()
            );
        }
    }
}
