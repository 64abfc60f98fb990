//! What files beside plugins say, and what is left of it under the configuration file.

use std::time::Duration;

use super::*;
use crate::config::{Bucket, OnFailure, Permission, PluginConfig, PluginKeys, plugin_file};
use crate::outbound;

fn beside(text: &str) -> PluginKeys {
    plugin_file(Path::new("p.toml"), text, None).unwrap()
}

/// The plugin `p` under both.
fn both(main: &str, file: &str) -> PluginConfig {
    let (config, _) = resolved(&[], &[], Some(main)).unwrap();
    config.for_plugin_beside("p", Some(&beside(file)))
}

#[test]
fn alone_it_says_what_a_table_would() {
    let keys = "enabled = false\nrequired = false\norder = 7\non-failure = 'open'\n\
        match = { path = '/a' }\n[limits]\ndeadline = '2s'\nmemory = '1MiB'\nbody = 1\npiece = 2\nmax-calls = 3\n\
        body-timeout = '4s'\ntrial = '5s'\nfile-size = 6\n[allow]\nstate = 'shared'\nhttp = ['https://a.test/']\n\
        http-private = ['10.0.0.0/8']\nenvironment = ['LANG']\n[settings]\na = 'x'\nb = [1]\n";
    let table = "[plugin.p]\n".to_owned()
        + &keys
            .replace("[limits]", "[plugin.p.limits]")
            .replace("[allow]", "[plugin.p.allow]")
            .replace("[settings]", "[plugin.p.settings]");
    let (config, _) = resolved(&[], &[], Some(&table)).unwrap();
    assert_eq!(both("", keys), config.for_plugin("p"));
    assert_ne!(both("", keys), both("", ""));
    // What both say counts once.
    assert_eq!(both(&table, keys), config.for_plugin("p"));
}

#[test]
fn the_configuration_file_wins_key_by_key() {
    let main = "[limits]\nbody = 100\npiece = 5\n[plugin.p]\norder = 1\nenabled = true\nlimits.body = 7\n\
        [plugin.p.settings]\na = 1\nb = 'main'\n[plugin.p.allow]\nhttp = ['https://main.test/']";
    let file = "order = 2\nenabled = false\non-failure = 'open'\n[limits]\nbody = 8\ndeadline = '2s'\n[settings]\n\
        b = { x = 1 }\nc = true\n[allow]\nstate = true\nhttp = ['https://beside.test/']\nhttp-private = ['10.0.0.0/8']";
    let plugin = both(main, file);
    assert!(plugin.enabled && plugin.order == 1 && plugin.on_failure == OnFailure::Open);
    let limits = plugin.limits;
    assert_eq!((limits.body, limits.piece), (7, 5));
    assert_eq!(limits.deadline, Duration::from_secs(2));
    let texts = plugin.settings.texts().iter();
    let texts: Vec<_> = texts.map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(texts, ["a=1", "b=main", "c=true"]);
    let values = serde_json::json!({"a": 1, "b": "main", "c": true});
    assert_eq!(
        serde_json::Value::from(plugin.settings.values().clone()),
        values
    );
    assert_eq!(plugin.allow.state, Some(Bucket::Own));
    let destination = |text| outbound::Destination::parse(text).unwrap();
    let private = vec![outbound::AddressRange::parse("10.0.0.0/8").unwrap()];
    let http = outbound::Allow::new(vec![destination("https://main.test/")], private);
    assert_eq!(plugin.allow.http, Some(http));
}

#[test]
fn what_a_file_beside_grants_can_be_taken_away() {
    let file = "[allow]\nstate = true\nhttp = ['https://a.test/']\nenvironment = ['A']";
    let granted = |main: &str| {
        let allow = both(main, file).allow;
        let granted = |permission| allow.grants(permission);
        let environment = !allow.environment.is_empty();
        (
            granted(Permission::State),
            granted(Permission::Http),
            environment,
        )
    };
    let cases = [
        ("", (true, true, true)),
        ("plugin.p.order = 1", (true, true, true)),
        ("plugin.p.allow = {}", (true, true, true)),
        ("plugin.p.allow.state = false", (false, true, true)),
        ("plugin.p.allow.http = []", (true, false, true)),
        ("plugin.p.allow.environment = []", (true, true, false)),
        (
            "plugin.p.allow = { state = false, http = [], environment = [] }",
            (false, false, false),
        ),
    ];
    for (main, expected) in cases {
        assert_eq!(granted(main), expected, "{main}");
    }
}

#[test]
fn rules_are_joined_where_both_have_one_table() {
    let matched = |main: &str, file: &str| {
        let matches = both(main, file).matches;
        ["/a GET", "/a POST", "/b GET", "/b POST"].map(|exchange| {
            let (path, method) = exchange.split_once(' ').unwrap();
            u8::from(matches.matches("h.test", path, method))
        })
    };
    let cases = [
        ("", "", [1, 1, 1, 1]),
        ("", "match.path = '/a'", [1, 1, 0, 0]),
        ("plugin.p.match.path = '/b'", "", [0, 0, 1, 1]),
        (
            "plugin.p.match.path = '/b'",
            "match.path = '/a'",
            [0, 0, 1, 1],
        ),
        (
            "plugin.p.match.method = 'GET'",
            "match.path = '/a'",
            [1, 0, 0, 0],
        ),
        (
            "plugin.p.match.host = 'h.test'",
            "match = { host = 'x', path = '/a', method = 'POST' }",
            [0, 1, 0, 0],
        ),
        // A list is taken as a whole, whoever has it.
        (
            "plugin.p.match.method = 'GET'",
            "match = [{ path = '/a' }, { path = '/b' }]",
            [1, 0, 1, 0],
        ),
        (
            "plugin.p.match = [{ path = '/b' }]",
            "match.method = 'GET'",
            [0, 0, 1, 1],
        ),
    ];
    for (main, file, expected) in cases {
        assert_eq!(matched(main, file), expected, "{main} over {file}");
    }
}

#[test]
fn such_a_file_names_its_plugin() {
    let cases = [
        ("", "", true),
        ("", "required = false", false),
        ("", "enabled = false", false),
        ("plugin.p.required = true", "required = false", true),
        ("plugin.p.required = false", "", false),
        ("plugin.p.enabled = false", "", false),
    ];
    for (main, file, expected) in cases {
        let (mut config, _) = resolved(&[], &[], Some(main)).unwrap();
        config.beside.insert("p".to_owned(), beside(file));
        assert_eq!(config.requires("p"), expected, "{main} over {file}");
        assert_eq!(config.required().contains("p"), expected);
    }
}

#[test]
fn memory_of_such_files_counts() {
    let (mut config, _) = resolved(&[], &[], None).unwrap();
    let before = config.most_memory();
    let keys = beside("limits.memory = '1GiB'");
    config.beside.insert("p".to_owned(), keys);
    assert_eq!((before, config.most_memory()), (256 << 20, 1 << 30));
}

/// As those of the configuration file are told, with the file's own keys.
#[test]
fn mistakes_are_told_all_at_once() {
    let text = "ordr = 1\norder = 'x'\n[limits]\nmemory = 1\n[alow]\n[settings]\nx = inf\n";
    let errors = plugin_file(Path::new("dir/p.toml"), text, None).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "dir/p.toml:1: ordr: unknown key; did you mean order?\n\
         dir/p.toml:2: order = 'x': expected a whole number\n\
         dir/p.toml:4: limits.memory = 1: expected 64KiB to 4GiB\n\
         dir/p.toml:5: alow: unknown key; did you mean allow?\n\
         dir/p.toml:7: settings.x = inf: expected a finite number, as JSON has no other"
    );
}
