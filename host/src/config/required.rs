//! What the configuration names is required: a plugin in a route's list or with a table of its own.
//!
//! While no version of a required plugin serves, the exchanges that it would take part in are answered 503. Otherwise a
//! misspelt name, or a file that is not there, would let traffic past an authentication plugin.

use std::collections::BTreeSet;
use std::fmt;

use super::data::Config;
use super::names::nearest_name;

impl Config {
    /// Whether the plugin must serve.
    pub fn requires(&self, name: &str) -> bool {
        self.names(name) && {
            let plugin = self.for_plugin(name);
            plugin.enabled && plugin.required
        }
    }

    /// Every plugin that must serve.
    pub fn required(&self) -> BTreeSet<String> {
        let names = self.named().filter(|name| self.requires(name));
        names.map(str::to_owned).collect()
    }

    fn names(&self, name: &str) -> bool {
        self.plugin.contains_key(name)
            || self.beside.contains_key(name)
            || self.in_routes().any(|listed| listed == name)
    }

    fn named(&self) -> impl Iterator<Item = &str> {
        let tables = self.plugin.keys().chain(self.beside.keys());
        tables.map(String::as_str).chain(self.in_routes())
    }

    fn in_routes(&self) -> impl Iterator<Item = &str> {
        let lists = self
            .routes
            .iter()
            .filter_map(|route| route.plugins.as_ref());
        lists.flatten().map(String::as_str)
    }
}

/// What is odd about a plugin that the configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// It has no file.
    NoFile {
        name: String,
        /// Whether the file beside it names it, and the configuration file doesn't.
        beside: bool,
        /// Whether exchanges are answered 503 for that.
        required: bool,
        /// A plugin of nearly this name that has one.
        nearest: Option<String>,
    },
    /// A route lists it, and it is disabled.
    Disabled { name: String },
}

impl Remark {
    /// What is odd, without the name.
    pub fn cause(&self) -> String {
        match self {
            Self::NoFile { name, nearest, .. } => {
                let nearest = nearest.as_ref();
                let nearest = nearest.map(|nearest| format!(" (did you mean {nearest}?)"));
                let nearest = nearest.unwrap_or_default();
                format!("there is no file {name}.wasm or {name}.wat{nearest}")
            }
            Self::Disabled { name } => format!(
                "a route lists it, and [plugin.{name}] says enabled = false, so it is not in the chain"
            ),
        }
    }

    /// What to do about a required plugin without a file.
    pub fn advice(&self, name: &str) -> String {
        match self {
            Self::NoFile { beside: true, .. } => {
                format!("add the file, or remove {name}.toml, or set required = false in it")
            }
            _ => format!(
                "add the file, correct the name, or set required = false in [plugin.{name}]"
            ),
        }
    }

    /// Whether the proxy can't serve everything for that.
    pub fn is_fault(&self) -> bool {
        matches!(self, Self::NoFile { required: true, .. })
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = self.cause();
        match self {
            Self::NoFile {
                name,
                required,
                beside,
                ..
            } => {
                let verb = if *required { "requires" } else { "names" };
                match beside {
                    true => write!(f, "plugin {name}: {name}.toml {verb} it, and {cause}"),
                    false => write!(f, "plugin {name}: the configuration {verb} it, and {cause}"),
                }
            }
            Self::Disabled { name } => write!(f, "plugin {name}: {cause}"),
        }
    }
}

/// What is odd about the plugins that a configuration names, if these are the ones that have files; sorted by name.
pub fn remarks(config: &Config, files: &BTreeSet<String>) -> Vec<Remark> {
    let named: BTreeSet<&str> = config.named().collect();
    let remark = |name: &str| {
        if !config.for_plugin(name).enabled {
            let listed = config.in_routes().any(|listed| listed == name);
            // Whoever switched it off while the proxy runs knows.
            let overlay = config.overlay.get(name);
            let is_known = overlay.is_some_and(|overlay| overlay.enabled == Some(false));
            return (listed && !is_known).then(|| Remark::Disabled {
                name: name.to_owned(),
            });
        }
        if files.contains(name) {
            return None;
        }
        // Whoever has a table and a file of their own is not what was meant.
        let free = files.iter().map(String::as_str);
        let free = free.filter(|file| !named.contains(file));
        let nearest = nearest_name(name, free)
            .or_else(|| nearest_name(name, files.iter().map(String::as_str)));
        Some(Remark::NoFile {
            name: name.to_owned(),
            beside: !config.plugin.contains_key(name)
                && !config.in_routes().any(|listed| listed == name),
            required: config.requires(name),
            nearest: nearest.map(str::to_owned),
        })
    };
    named.iter().filter_map(|name| remark(name)).collect()
}
