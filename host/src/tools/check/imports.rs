//! What a plugin imports, and what each import needs to be of use.

use serde::Serialize;

use crate::config::Allow;
use crate::plugin::{Contracts, InterfaceName};

/// An import, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Import {
    /// `wasi:clocks/wall-clock`
    pub interface: String,
    /// As the plugin names it; none where an interface has no version.
    pub version: Option<String>,
    /// The permission that it needs; none when every plugin has what it is about.
    pub permission: Option<&'static str>,
    /// Whether it is of use as things are.
    pub granted: bool,
    /// What comes of it when it is not.
    pub note: Option<&'static str>,
}

/// What interfaces of a package need.
struct ImportRule {
    /// What their names begin with.
    start: &'static str,
    permission: Option<&'static str>,
    note: Option<&'static str>,
}

const fn free(start: &'static str) -> ImportRule {
    ImportRule {
        start,
        permission: None,
        note: None,
    }
}

const fn client(start: &'static str) -> ImportRule {
    ImportRule {
        start,
        permission: Some("network"),
        note: Some(
            "linked, but nothing is granted: only requests to backend.internal, which stands for what comes next, go out",
        ),
    }
}

/// The first that fits counts.
const RULES: [ImportRule; 13] = [
    free("tollgate:proxy/"),
    free("wasi:config/"),
    free("wasi:logging/"),
    free("wasi:cli/"),
    free("wasi:clocks/"),
    free("wasi:io/"),
    free("wasi:random/"),
    free("wasi:http/types"),
    // What comes next in the chain.
    free("wasi:http/handler"),
    client("wasi:http/outgoing-handler"),
    client("wasi:http/client"),
    ImportRule {
        start: "wasi:filesystem/",
        permission: Some("files"),
        note: Some("linked, but nothing is granted: it finds no directories"),
    },
    ImportRule {
        start: "wasi:sockets/",
        permission: Some("network"),
        note: Some("linked, but nothing is granted: every address is refused"),
    },
];

/// What the import of this name needs, of a plugin to which this is granted; none for a standard component, to which nothing can
/// be granted.
pub(super) fn import(name: &str, allow: Option<&Allow>) -> Import {
    let (interface, version) = match name.split_once('@') {
        Some((interface, version)) => (interface, Some(version.to_owned())),
        None => (name, None),
    };
    let parsed = InterfaceName::parse(name);
    let row = parsed.and_then(|name| {
        let mut rows = Contracts::SERVED.capabilities();
        rows.find(|row| row.serves(&name))
    });
    if let Some(allow) = allow
        && let Some(needed) = row.and_then(|row| row.permission)
    {
        let granted = allow.grants(needed);
        return Import {
            interface: interface.to_owned(),
            version,
            permission: Some(needed.key()),
            granted,
            note: Some(if granted { "granted" } else { "not granted" }),
        };
    }
    let rule = RULES.iter().find(|rule| interface.starts_with(rule.start));
    let permission = rule.and_then(|rule| rule.permission);
    Import {
        interface: interface.to_owned(),
        version,
        permission,
        // None of these can be granted, and what is of no package above has no rule that would stand in its way.
        granted: permission.is_none(),
        note: rule.and_then(|rule| rule.note),
    }
}

impl Import {
    /// With its version, as the plugin has it.
    pub(super) fn name(&self) -> String {
        match &self.version {
            Some(version) => format!("{}@{version}", self.interface),
            None => self.interface.clone(),
        }
    }

    /// What it needs, for people.
    pub(super) fn needs(&self) -> String {
        match (self.permission, self.note) {
            (None, _) => "no permission needed".to_owned(),
            (Some(permission), None) => format!("needs {permission}"),
            (Some(permission), Some(note)) => format!("needs {permission} ({note})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_import_says_what_it_needs() {
        let cases = [
            ("tollgate:proxy/request@0.1.0", None),
            ("wasi:config/store@0.2.0-rc.1", None),
            ("tollgate:proxy/state@0.1.0", Some("state")),
            ("tollgate:proxy/client@0.1.3", Some("http")),
            ("wasi:io/streams@0.2.6", None),
            ("wasi:filesystem/preopens@0.2.6", Some("files")),
            ("wasi:sockets/tcp@0.2.6", Some("network")),
            ("wasi:http/handler@0.3.0", None),
            ("wasi:http/types@0.2.6", None),
            ("wasi:http/outgoing-handler@0.2.6", Some("http")),
            ("wasi:keyvalue/store@0.2.0-draft", Some("state")),
            ("wasi:keyvalue/batch@0.2.0-draft2", Some("state")),
        ];
        for (name, permission) in cases {
            let import = import(name, Some(&Allow::default()));
            assert_eq!(import.permission, permission, "{name}");
            assert_eq!(import.granted, permission.is_none(), "{name}");
            assert_eq!(import.name(), name);
        }
        let allow = Allow {
            state: Some(crate::config::Bucket::Own),
            ..Allow::default()
        };
        let import = |name| super::import(name, Some(&allow));
        assert!(import("tollgate:proxy/state@0.1.0").granted);
        assert!(!import("tollgate:proxy/client@0.1.0").granted);
        let standard = super::import("wasi:http/outgoing-handler@0.2.6", None);
        assert_eq!(standard.permission, Some("network"));
        assert!(
            import("wasi:filesystem/types@0.2.0")
                .needs()
                .contains("nothing is granted")
        );
    }
}
