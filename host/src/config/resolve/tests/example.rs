//! The example that people copy from says what is true: `host/example.toml` against the code.

use super::*;
use crate::config::DEFAULT_ECHO;
use crate::config::backend::{BackendConfig, BackendTls};
use crate::config::server::Certificate;
use crate::matching::RouteHost;

const EXAMPLE: &str = include_str!("../../../../example.toml");

#[test]
fn as_it_stands_it_says_the_defaults() {
    let variables = [("HOME", "/home/u")];
    let (mut example, dir) = resolved(&[], &variables, Some(EXAMPLE)).unwrap();
    let (mut defaults, _) = resolved(&[], &variables, None).unwrap();
    // What it must give a name to is a default too.
    let users = example.backends.remove("users").unwrap();
    assert_eq!(users, BackendConfig::new(users.addresses.clone()));
    let lines = EXAMPLE.lines();
    let lines = lines.skip_while(|line| !line.starts_with("#: [plugin."));
    let on = lines.filter(|line| {
        // What the table of a plugin holds by default: it names a plugin, so it is off as a whole.
        [
            "#: [plugin.",
            "#: enabled",
            "#: required",
            "#: order",
            "#: on-failure",
        ]
        .iter()
        .any(|start| line.starts_with(start))
    });
    let table: String = on.map(|line| format!("{}\n", &line[3..])).collect();
    let (named, _) = resolved(&[], &variables, Some(&table)).unwrap();
    assert_eq!(named.plugin.len(), 1);
    assert_eq!(
        named.for_plugin("add-header"),
        defaults.for_plugin("add-header")
    );
    assert!(named.requires("add-header"));
    defaults.file = Some(dir.join("t.toml"));
    assert_eq!(example, defaults);
    assert_eq!(example.echo, Some(DEFAULT_ECHO));
}

#[test]
fn what_is_off_can_be_switched_on() {
    let (config, dir) = resolved(&[], &[], Some(&switched_on())).unwrap();
    assert_eq!(
        config.admin.as_ref().unwrap().address.to_string(),
        "127.0.0.1:4599"
    );
    assert_eq!(config.plugins, dir.join("plugins"));
    let tls = config.listeners[0].tls.as_ref().unwrap();
    assert!(matches!(tls.certificate, Certificate::Files { .. }));
    assert_eq!(config.server.max_body, Some(10 << 20));
    assert_ne!(config.backends["users"].tls, BackendTls::default());
    assert_ne!(config.for_plugin("add-header").limits, config.defaults);
    let host = Some(RouteHost::Exact("api.example.com".to_owned()));
    assert_eq!(config.routes[0].host, host);
    assert_eq!(config.routes.len(), 4);
}

#[test]
fn every_variable_of_the_access_log_is_named() {
    for (name, _) in crate::access_log::VARIABLES {
        let is_named = |at: usize| {
            let behind = EXAMPLE[at + 1 + name.len()..].chars().next();
            behind.is_some_and(|c| c != '_' && !c.is_ascii_alphanumeric())
        };
        let variable = format!("${name}");
        let mut places = EXAMPLE.match_indices(&variable);
        assert!(places.any(|(at, _)| is_named(at)), "${name}");
    }
}

/// The names of all keys are in the messages for a key that is none.
#[test]
fn no_key_is_missing() {
    let tables = [
        "",
        "tls",
        "server",
        "forwarding",
        "backends.x",
        "backends.x.tls",
        "backends.x.ejection",
        "backends.x.replay",
        "access-log",
        "tracing",
        "cache",
        "record",
        "limits",
        "plugin.x",
        "plugin.x.background",
        "plugin.x.limits",
        "plugin.x.match",
    ];
    let path = |table: &str| match table {
        "" => "zzzzzzzzz = 1\n".to_owned(),
        table => format!("{table}.zzzzzzzzz = 1\n"),
    };
    let file: String =
        tables.map(path).concat() + "[[routes]]\nzzzzzzzzz = 1\n[[listeners]]\nzzzzzzzzz = 1\n";
    let mistakes = resolved(&[], &[], Some(&file)).unwrap_err();
    let lists = mistakes.iter().filter_map(|mistake| {
        let (place, list) = mistake.split_once(": unknown key; expected one of ")?;
        Some((place.to_owned(), list.to_owned()))
    });
    let lists: Vec<_> = lists.collect();
    assert_eq!(lists.len(), tables.len() + 2, "{mistakes:?}");
    let example = switched_on();
    for (place, list) in lists {
        for key in list.split(", ") {
            let written = example.lines().any(|line| {
                let mut starts = ["[", "[[", "[backends.users."].iter();
                let header = starts.any(|start| {
                    let rest = line.strip_prefix(start).and_then(|l| l.strip_prefix(key));
                    rest.is_some_and(|rest| rest.starts_with([']', '.']))
                });
                // Inline tables have their keys behind a brace or a comma.
                header
                    || line
                        .split(['{', ','])
                        .any(|part| part.trim().starts_with(&format!("{key} =")))
            });
            let other = key == "address" && example.contains("address = ");
            assert!(written || other, "{key} ({place})");
        }
    }
}

/// The example with all of its keys.
fn switched_on() -> String {
    EXAMPLE.replace("\n#: ", "\n")
}
