//! Files of a folder that import one another in a circle can't be read one after the other.
//!
//! For every folder a graph is made of the modules in it and of the file that stands for the folder, its door, which is
//! called `super` here. An arrow leads from the module that names something to the one that defines it, so a name that the
//! door only passes on leads to where it comes from. What is compiled for tests alone doesn't count.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::read::{Module, Use};
use super::{Source, assert_none, sources};

/// The crates whose modules are looked at: where they are, and their names.
const CRATES: [(&str, &str); 3] = [
    ("host/src", "tollgate"),
    ("plugin-sdk/src", "tollgate_plugin"),
    ("tests/src", "tollgate_tests"),
];

/// How many names a name may be passed on by.
const MOST_STEPS: usize = 20;

type Path = Vec<String>;
/// From which module to which, and an example: the file and what it names.
type Arrows = BTreeMap<(String, String), String>;

/// The modules of one crate, by their paths from its root.
struct Crate {
    name: &'static str,
    modules: BTreeMap<Path, Module>,
}

/// What a path names.
#[derive(Debug, PartialEq)]
enum Named {
    /// Something that this module defines.
    Item(Path),
    Module(Path),
}

#[test]
fn no_files_import_one_another_in_a_circle() {
    let sources = sources();
    let mut found = Vec::new();
    for (root, name) in CRATES {
        let own = Crate::read(root, name, &sources);
        for (folder, arrows) in own.folders(root) {
            for circle in circles(&arrows) {
                found.push((folder.clone(), circle, arrows.clone()));
            }
        }
    }
    assert_none(
        "is a circle of modules that import one another",
        found
            .iter()
            .map(|(folder, circle, arrows)| described(folder, circle, arrows)),
    );
}

fn described(folder: &str, circle: &[String], arrows: &Arrows) -> String {
    let inside = arrows
        .iter()
        .filter(|((from, to), _)| circle.contains(from) && circle.contains(to));
    let examples: String = inside
        .map(|((from, to), example)| format!("\n    {from} → {to}: {example}"))
        .collect();
    format!("(\"{folder}\", &{circle:?}):{examples}")
}

impl Crate {
    fn read(root: &str, name: &'static str, sources: &[Source]) -> Self {
        let mut modules: BTreeMap<Path, Module> = BTreeMap::new();
        for source in sources {
            let inside = source.path.strip_prefix(root);
            let Some(inside) = inside.and_then(|path| path.strip_prefix('/')) else {
                continue;
            };
            let path = module_path(inside);
            for length in 0..path.len() {
                modules.entry(path[..length].to_vec()).or_default();
            }
            modules.insert(path, Module::read(&source.path, &source.code));
        }
        let of_tests = |path: &Path| {
            (1..=path.len()).any(|length| {
                let parent = modules.get(&path[..length - 1]);
                parent
                    .is_some_and(|parent: &Module| parent.test_modules.contains(&path[length - 1]))
            })
        };
        let of_tests: BTreeSet<Path> = modules
            .keys()
            .filter(|path| of_tests(path))
            .cloned()
            .collect();
        modules.retain(|path, _| !of_tests.contains(path));
        Self { name, modules }
    }

    /// The arrows within each folder that has any.
    fn folders(&self, root: &str) -> BTreeMap<String, Arrows> {
        let mut folders: BTreeMap<String, Arrows> = BTreeMap::new();
        for (from, module) in &self.modules {
            for (to, words) in self.needs(from, module) {
                let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
                let unit =
                    |path: &Path| path.get(common).map_or("super", String::as_str).to_owned();
                let mut folder = root.to_owned();
                from[..common]
                    .iter()
                    .for_each(|name| folder = format!("{folder}/{name}"));
                let example = format!("{} names {words}", module.file);
                let arrows = folders.entry(folder).or_default();
                arrows.entry((unit(from), unit(&to))).or_insert(example);
            }
        }
        folders
    }

    /// The modules whose definitions a module names, and by which words.
    fn needs(&self, own: &Path, module: &Module) -> Vec<(Path, String)> {
        let mut needs = Vec::new();
        let mut add = |named: Option<Named>, words: &[String]| {
            if let Some(Named::Item(to)) = named
                && to != *own
            {
                needs.push((to, words.join("::")));
            }
        };
        for import in &module.uses {
            // What is only passed on is not needed here.
            if !import.public || module.words.contains(&import.name) {
                add(self.imported(own, import, MOST_STEPS), &import.path);
            }
        }
        for path in &module.paths {
            add(self.resolve(own, path, MOST_STEPS), path);
        }
        needs
    }

    fn imported(&self, own: &Path, import: &Use, steps: usize) -> Option<Named> {
        let named = self.resolve(own, &import.path, steps)?;
        match named {
            Named::Module(path) if import.name == "*" => Some(Named::Item(path)),
            other => Some(other),
        }
    }

    /// What a path that stands in the module `own` names, if it is of this crate.
    fn resolve(&self, own: &Path, path: &[String], steps: usize) -> Option<Named> {
        let (first, rest) = path.split_first()?;
        let steps = steps.checked_sub(1)?;
        let start = match first.as_str() {
            "crate" => Named::Module(Vec::new()),
            name if name == self.name => Named::Module(Vec::new()),
            "self" => Named::Module(own.clone()),
            "super" => Named::Module(own[..own.len().checked_sub(1)?].to_vec()),
            name => self.look_up(own, name, steps)?,
        };
        self.walk(start, rest, steps)
    }

    fn walk(&self, start: Named, path: &[String], steps: usize) -> Option<Named> {
        let (Named::Module(module), Some((first, rest))) = (&start, path.split_first()) else {
            return Some(start);
        };
        let next = match first.as_str() {
            "super" => Named::Module(module[..module.len().checked_sub(1)?].to_vec()),
            "self" => Named::Module(module.clone()),
            // A macro is at the crate's root wherever it is defined, and others make names that can't be seen here.
            name => self
                .look_up(module, name, steps)
                .or_else(|| self.exported_macro(module, name))
                .unwrap_or(Named::Item(module.clone())),
        };
        self.walk(next, rest, steps)
    }

    /// A macro that is at the crate's root though another module defines it.
    fn exported_macro(&self, at: &Path, name: &str) -> Option<Named> {
        let mut modules = self.modules.iter().filter(|_| at.is_empty());
        let found = modules.find(|(_, module)| module.macros.contains(name))?;
        Some(Named::Item(found.0.clone()))
    }

    /// What a name means in a module.
    fn look_up(&self, own: &Path, name: &str, steps: usize) -> Option<Named> {
        let steps = steps.checked_sub(1)?;
        let module = self.modules.get(own)?;
        let mut child = own.clone();
        child.push(name.to_owned());
        if self.modules.contains_key(&child) {
            return Some(Named::Module(child));
        }
        if module.defines.contains(name) {
            return Some(Named::Item(own.clone()));
        }
        if let Some(import) = module.uses.iter().find(|import| import.name == name) {
            // `use wat;` names a crate.
            return (import.path[0] != name)
                .then(|| self.resolve(own, &import.path, steps))
                .flatten();
        }
        let globs = module.uses.iter().filter(|import| import.name == "*");
        globs
            .filter_map(|import| match self.resolve(own, &import.path, steps)? {
                Named::Module(from) if from != *own => self.look_up(&from, name, steps),
                _ => None,
            })
            .next()
    }
}

/// `a/b.rs` is the module a::b. A binary's `main.rs` is a module beside those of the library here.
fn module_path(inside: &str) -> Path {
    let stem = inside.strip_suffix(".rs").unwrap();
    let names = stem.split('/').map(str::to_owned);
    names
        .filter(|name| name != "lib" && name != "mod")
        .collect()
}

/// The sets of modules that can each be reached from the others, in the order of their names.
fn circles(arrows: &Arrows) -> BTreeSet<Vec<String>> {
    let mut reach: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in arrows.keys() {
        reach.entry(from).or_default().insert(to);
    }
    loop {
        let mut grown = false;
        for from in reach.keys().copied().collect::<Vec<_>>() {
            let further: BTreeSet<&str> = reach[from]
                .iter()
                .filter_map(|to| reach.get(to))
                .flatten()
                .copied()
                .collect();
            let own = reach.get_mut(from).unwrap();
            let before = own.len();
            own.extend(further);
            grown |= own.len() > before;
        }
        if !grown {
            break;
        }
    }
    let both_ways =
        |a: &str, b: &str| reach[a].contains(b) && reach.get(b).is_some_and(|to| to.contains(a));
    let looped = reach
        .keys()
        .filter(|module| reach[**module].contains(**module));
    looped
        .map(|module| {
            let others = reach.keys().filter(|other| both_ways(module, other));
            others.map(|other| (*other).to_owned()).collect()
        })
        .collect()
}
