//! The WIT of one version, built into the program and parsed at first use.

use std::sync::OnceLock;

use wit_component::{StringEncoding, metadata};
use wit_parser::{PackageId, Resolve, SourceMap, WorldId, WorldItem};

/// The world to build plugins for, without its package; the same in every version.
pub const WORLD: &str = "plugin";
/// The world with everything that a plugin may export, in versions in which that is more.
const COMPLETE: &str = "complete-plugin";

/// Text of one version. A file is its name and its content.
#[derive(Debug)]
pub struct Wit {
    /// Our package's files, in any order.
    files: &'static [(&'static str, &'static str)],
    /// The packages that ours needs, one file each.
    dependencies: &'static [(&'static str, &'static str)],
    parsed: OnceLock<Parsed>,
}

impl Wit {
    pub const fn new(
        files: &'static [(&'static str, &'static str)],
        dependencies: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self {
            files,
            dependencies,
            parsed: OnceLock::new(),
        }
    }

    /// Path in the folder of its version, text.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.files.iter().chain(self.dependencies).copied()
    }

    /// About a millisecond the first time.
    #[expect(
        clippy::expect_used,
        reason = "the text is part of the program, and a test parses it"
    )]
    pub fn parsed(&self) -> &Parsed {
        self.parsed
            .get_or_init(|| self.parse().expect("the built-in WIT is valid"))
    }

    fn parse(&self) -> Result<Parsed, String> {
        let mut resolve = Resolve::default();
        for (path, text) in self.dependencies {
            resolve
                .push_source(path, text)
                .map_err(|error| format!("{error:#}"))?;
        }
        let mut files = SourceMap::default();
        for (path, text) in self.files {
            files.push_str(path, *text);
        }
        let group = files.parse().map_err(|(_, error)| format!("{error:?}"))?;
        let package = resolve
            .push_group(group)
            .map_err(|error| format!("{error:?}"))?;
        let world = resolve
            .select_world(&[package], Some(WORLD))
            .map_err(|error| format!("{error:#}"))?;
        let complete = resolve
            .select_world(&[package], Some(COMPLETE))
            .unwrap_or(world);
        let encoded = metadata::encode(&resolve, complete, StringEncoding::UTF8, None)
            .map_err(|error| format!("{error:#}"))?;
        Ok(Parsed {
            resolve,
            world,
            complete,
            package,
            encoded,
        })
    }
}

/// One version, parsed.
#[derive(Debug)]
pub struct Parsed {
    pub resolve: Resolve,
    /// The world `plugin`.
    pub world: WorldId,
    /// The same with everything that a plugin may export.
    pub complete: WorldId,
    package: PackageId,
    /// A binary component whose one export is the complete world as a type, as wit-bindgen embeds it in core modules.
    pub encoded: Vec<u8>,
}

impl Parsed {
    /// Whether our package declares this interface, served or not.
    pub fn declares(&self, interface: &str) -> bool {
        self.resolve.packages[self.package]
            .interfaces
            .contains_key(interface)
    }

    /// Whether an interface of our package is more than types.
    pub fn has_functions(&self, interface: &str) -> bool {
        let interfaces = &self.resolve.packages[self.package].interfaces;
        interfaces
            .get(interface)
            .is_some_and(|id| !self.resolve.interfaces[*id].functions.is_empty())
    }

    /// The name of the world in [`encoded`](Self::encoded).
    pub fn encoded_world(&self) -> &str {
        &self.resolve.worlds[self.complete].name
    }

    /// The world `plugin` with all imports, and with these of the exports of the complete one, each by its interface's name.
    pub fn world_with(&self, interfaces: &[&str]) -> (Resolve, WorldId) {
        let mut resolve = self.resolve.clone();
        let complete = &self.resolve.worlds[self.complete];
        for (key, item) in &complete.imports {
            let imports = &mut resolve.worlds[self.world].imports;
            imports.entry(key.clone()).or_insert_with(|| item.clone());
        }
        let exports = &complete.exports;
        for (key, item) in exports {
            let WorldItem::Interface { id, .. } = item else {
                continue;
            };
            let name = self.resolve.interfaces[*id].name.as_deref();
            if name.is_some_and(|name| interfaces.contains(&name)) {
                let world = &mut resolve.worlds[self.world];
                world.exports.insert(key.clone(), item.clone());
            }
        }
        (resolve, self.world)
    }

    /// Names of the interfaces that a plugin may import, in the order of the world.
    pub fn imports(&self) -> Vec<String> {
        let world = &self.resolve.worlds[self.complete];
        let name = |key| self.resolve.name_world_key(key);
        world.imports.keys().map(name).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::plugin::kind::hooks::{Contracts, INTERCEPTOR};

    #[test]
    fn every_version_parses_and_agrees_with_its_row() {
        for contract in Contracts::SERVED.iter() {
            let wit = contract.wit.parse().unwrap();
            let package = &wit.resolve.packages[wit.package];
            assert_eq!(package.name.to_string(), contract.package());
            let exports: Vec<_> = wit.resolve.worlds[wit.world].exports.keys().collect();
            assert_eq!(exports.len(), 1);
            assert_eq!(
                wit.resolve.name_world_key(exports[0]),
                contract.interceptor()
            );
            assert_eq!(contract.exports[0].name, INTERCEPTOR);
            let complete = wit.resolve.worlds[wit.complete].exports.keys();
            let mut complete: Vec<_> = complete
                .map(|key| wit.resolve.name_world_key(key))
                .collect();
            let names = contract
                .exports
                .iter()
                .map(|export| contract.name_of(export.name));
            let mut names: Vec<_> = names.collect();
            complete.sort();
            names.sort();
            assert_eq!(complete, names);
            for export in contract.exports {
                let interface = &wit.resolve.interfaces[package.interfaces[export.name]];
                assert!(interface.functions.keys().eq(export.functions.iter()));
            }
        }
    }

    #[test]
    fn every_file_of_every_version_is_built_in() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
        let names = |folder: &str| {
            let entries = std::fs::read_dir(folder).unwrap();
            let names = entries.filter_map(|entry| entry.unwrap().file_name().into_string().ok());
            let mut names: Vec<String> = names.collect();
            names.sort();
            names
        };
        let versions = names(root).into_iter().filter(|name| name.starts_with('v'));
        let mut served = Contracts::SERVED.iter().collect::<Vec<_>>();
        served.reverse();
        let folders = served
            .iter()
            .map(|contract| format!("v{}", contract.versions()));
        assert!(versions.eq(folders.map(|name| name.trim_end_matches(".x").to_owned())));
        for contract in served {
            let folder = format!("{root}/v{}", contract.versions().trim_end_matches(".x"));
            let mut found = names(&folder);
            found.retain(|name| name.ends_with(".wit"));
            let built_in = contract.wit.files.iter().map(|(name, _)| name);
            assert!(found.iter().eq(built_in), "{found:?}");
        }
    }
}
