//! That the SDK can leave this tree: its manifest takes nothing from the workspace and says the same as it, and the
//! contract that it builds against is the tree's.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn manifest(path: &str) -> Table {
    fs::read_to_string(root().join(path))
        .unwrap()
        .parse()
        .unwrap()
}

#[test]
fn the_manifest_takes_nothing_from_the_workspace() {
    fn inherits(value: &Value) -> bool {
        value.as_table().is_some_and(|table| {
            table
                .iter()
                .any(|(key, value)| key == "workspace" || inherits(value))
        })
    }
    let sdk = manifest("plugin-sdk/Cargo.toml");
    let inherited: Vec<_> = sdk.iter().filter(|(_, value)| inherits(value)).collect();
    assert!(inherited.is_empty(), "{inherited:?}");
}

#[test]
fn the_manifest_says_what_the_workspace_says() {
    let (sdk, workspace) = (manifest("plugin-sdk/Cargo.toml"), manifest("Cargo.toml"));
    let workspace = &workspace["workspace"];
    for (key, value) in workspace["package"].as_table().unwrap() {
        assert_eq!(&sdk["package"][key], value, "package.{key}");
    }
    for (tool, lints) in workspace["lints"].as_table().unwrap() {
        for (lint, level) in lints.as_table().unwrap() {
            assert_eq!(
                sdk["lints"][tool].get(lint),
                Some(level),
                "lints.{tool}.{lint}"
            );
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
fn the_contract_is_the_trees() {
    let files = |directory: PathBuf| {
        let mut found = Vec::new();
        let mut directories = vec![directory.clone()];
        while let Some(next) = directories.pop() {
            for entry in fs::read_dir(&next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                } else {
                    let name = path.strip_prefix(&directory).unwrap().to_owned();
                    found.push((name, fs::read_to_string(&path).unwrap()));
                }
            }
        }
        found.sort();
        found
    };
    let ours = files(root().join("plugin-sdk/wit/v0.1"));
    assert!(ours.len() > 8, "{ours:?}");
    assert_eq!(ours, files(root().join("wit/v0.1")));
}
