//! Real commands: what they get of the environment, and what becomes of what they say.

use super::*;

fn words(line: &[&str]) -> Vec<String> {
    line.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn what_an_outer_build_says_is_not_passed_on() {
    for name in [
        "CARGO",
        "RUSTFLAGS",
        "CARGO_TARGET_DIR",
        "MAKEFLAGS",
        "CARGO_PKG_NAME",
        "CARGO_MANIFEST_DIR",
    ] {
        assert!(is_of_outer_build(OsStr::new(name)), "{name}");
    }
    for name in [
        "CARGO_HOME",
        "RUSTUP_HOME",
        "PATH",
        "HOME",
        "CC",
        "CARGO_NET_OFFLINE",
        "XCARGO",
    ] {
        assert!(!is_of_outer_build(OsStr::new(name)), "{name}");
    }
    // Cargo tells every test its package.
    assert!(std::env::var_os("CARGO_PKG_NAME").is_some());
    let runner = Runner::new(Path::new("/"));
    let said = runner
        .ask(&words(&["sh", "-c", "echo \"<$CARGO_PKG_NAME$CARGO>\""]))
        .unwrap();
    assert_eq!(said.as_deref(), Some("<>\n"));
}

#[test]
fn commands_run_in_the_directory_and_read_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().canonicalize().unwrap();
    let runner = Runner::new(&dir);
    let said = runner.ask(&words(&["sh", "-c", "pwd; cat"])).unwrap();
    assert_eq!(said, Some(format!("{}\n", dir.display())));
    assert_eq!(runner.ask(&words(&["false"])).unwrap(), None);
    let env = [("A".to_owned(), "b c".to_owned())];
    let status = runner
        .show(&words(&["sh", "-c", "[ \"$A\" = 'b c' ]"]), &env)
        .unwrap();
    assert!(status.success());
}

#[test]
fn a_program_that_is_not_there_is_an_error_with_its_name() {
    let runner = Runner::new(Path::new("/"));
    for name in ["no-such-program", "./no-such-program", ""] {
        let error = runner.show(&words(&[name]), &[]).unwrap_err();
        assert_eq!(error.to_string(), format!("no program {name}"));
    }
}

/// More than a pipe holds, and more than is wanted: the command must not wait for a reader for ever.
#[test]
fn a_command_that_says_too_much_ends() {
    let runner = Runner::new(Path::new("/"));
    let endless = words(&["sh", "-c", "while echo x; do :; done"]);
    assert!(runner.ask(&endless).is_ok());
}
