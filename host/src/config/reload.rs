//! What a running proxy can take over from a configuration that was read again, and what it can't.

use super::data::Config;

/// The keys that differ and take effect only at a restart, as they stand in the file.
///
/// `old` is the configuration that the process was started with, so that a change that was put off is named
/// again at the next reload.
pub fn needs_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let differs = [
        ("reuse-port", old.reuse_port != new.reuse_port),
        ("admin", old.admin != new.admin),
        // To leave the embedded backend needs no restart: it goes on listening and nobody asks it.
        ("backend", new.echo.is_some() && old.echo != new.echo),
        ("plugins", old.plugins != new.plugins),
        ("watch", old.watch != new.watch),
        ("access-log", old.access_log != new.access_log),
        ("tracing", old.tracing != new.tracing),
        ("cache", old.cache != new.cache),
        ("state", old.state != new.state),
        ("outbound", old.outbound != new.outbound),
        ("record", old.record != new.record),
        ("workers", old.workers != new.workers),
        // Room for it is set aside at the start.
        ("limits.memory", old.most_memory() < new.most_memory()),
    ];
    differs
        .into_iter()
        .filter_map(|(key, differs)| differs.then_some(key))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cli::RunArgs;
    use crate::config::resolve;

    const KEY: &str = "listen = 4000";

    #[test]
    fn keys_that_need_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let old = from_file(dir.path(), "tls.self-signed = true\nadmin = 1\nworkers = 1");
        let tls = "tls.self-signed = true\nadmin = 1\nworkers = 1\n";
        let cases: [(&str, &[&str]); 21] = [
            ("tls.self-signed = true\nadmin = 1\nworkers = 1", &[]),
            (&format!("{KEY}\n{tls}"), &[]),
            (
                &format!("{tls}[[listeners]]\naddress = 4001\ntls = false"),
                &[],
            ),
            (&format!("reuse-port = true\n{tls}"), &["reuse-port"]),
            ("tls.self-signed = true\nworkers = 1", &["admin", "record"]),
            ("admin = 1\nworkers = 1", &[]),
            (&format!("{tls}tls.cleartext = true"), &[]),
            (
                "admin = 1\nworkers = 1\ntls.certificate = 'a'\ntls.key = 'b'",
                &[],
            ),
            (&format!("backend = 'echo://9'\n{tls}"), &["backend"]),
            (&format!("backend = 'http://a'\n{tls}"), &[]),
            (&format!("plugins = 'x'\n{tls}"), &["plugins"]),
            (&format!("{tls}record.body = 1"), &["record"]),
            (&format!("watch = 'off'\n{tls}"), &["watch"]),
            (&format!("{tls}access-log.file = '-'"), &["access-log"]),
            (&format!("{tls}tracing.endpoint = 'http://a'"), &["tracing"]),
            (&format!("{tls}cache.dir = '/x'"), &["cache"]),
            (
                "tls.self-signed = true\nadmin = 1\nworkers = 2",
                &["workers"],
            ),
            (
                &format!("{tls}limits.memory = '300MiB'"),
                &["limits.memory"],
            ),
            (
                &format!("{tls}plugin.a.limits.memory = '300MiB'"),
                &["limits.memory"],
            ),
            (
                &format!(
                    "{tls}limits.memory = '1MiB'\nserver.max-body = 1\nlimits.deadline = '2s'\ndrain = '1s'"
                ),
                &[],
            ),
            (&format!("{KEY}\nadmin = 2\nworkers = 1"), &["admin"]),
        ];
        for (file, expected) in cases {
            let new = from_file(dir.path(), file);
            assert_eq!(needs_restart(&old, &new), expected, "{file}");
        }
    }

    #[test]
    fn the_echo_backend_can_be_left_but_not_entered() {
        let dir = tempfile::tempdir().unwrap();
        let url = from_file(dir.path(), "backend = 'http://a'");
        let echo = from_file(dir.path(), "backend = 'echo'");
        assert_eq!(needs_restart(&url, &echo), ["backend"]);
        assert!(needs_restart(&echo, &url).is_empty());
    }

    #[test]
    fn a_file_that_says_the_same_gives_an_equal_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let text = "plugin.a.match.path = '/x/**'\nplugin.a.match.host = '*.test'\n\
            [[routes]]\nbackend = 'http://a'\n";
        let old = from_file(dir.path(), text);
        assert_eq!(old, from_file(dir.path(), text));
        assert_ne!(old, from_file(dir.path(), &text.replace("/x/", "/y/")));
        assert_ne!(old, from_file(dir.path(), &text.replace("//a", "//b")));
    }

    fn from_file(directory: &Path, text: &str) -> Config {
        let file = directory.join("t.toml");
        std::fs::write(&file, text).unwrap();
        let args = RunArgs {
            config: Some(file),
            ..RunArgs::default()
        };
        resolve(&args, |_| None).unwrap()
    }
}
