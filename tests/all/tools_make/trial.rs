//! `tollgate build` and `tollgate dev` make the calls that the proxy makes before a version serves, and say what it would.

use std::fs;

use tollgate_tests::*;

use super::desk::{Desk, Ran, shell};

/// A project whose source is one of the guests.
fn project(manifest: &str) -> Desk {
    let desk = Desk::new();
    let text = format!("name = \"p\"\nlanguage = \"wat\"\n{manifest}");
    desk.write("p/plugin.toml", &text);
    desk
}

fn build(desk: &Desk, name: &str) -> Ran {
    desk.write("p/plugin.wat", guest(name).text());
    desk.run("build p")
}

#[test]
fn what_the_proxy_would_refuse_is_not_built() {
    let desk = project("[test]\nlimits.deadline = '50ms'\n");
    assert_eq!(build(&desk, "mark").code, Some(0));
    let good = fs::read(desk.path("p/build/p.wasm")).unwrap();
    let cases = [
        (
            "trap-always",
            "its first call of forward-request failed: it trapped: ",
        ),
        (
            "loop-always",
            "its first call of return-response failed: it took more than 50 ms of CPU time",
        ),
        ("trap-with-words", "trapped: no hook is there"),
        (
            "exit",
            "`exit` was called with a status other than 0 in give_up;",
        ),
    ];
    for (guest, words) in cases {
        let ran = build(&desk, guest);
        assert_eq!(
            (ran.code, &ran.stdout[..]),
            (Some(1), ""),
            "{guest}: {ran:?}"
        );
        let begin = "tollgate: the proxy would refuse this plugin: ";
        assert!(
            ran.stderr.contains(begin) && ran.stderr.contains(words),
            "{guest}: {ran:?}"
        );
        assert_eq!(
            fs::read(desk.path("p/build/p.wasm")).unwrap(),
            good,
            "{guest}"
        );
    }
}

/// Its timer and its tasks run while the tool waits for it.
#[test]
fn a_plugin_that_waits_in_its_trial_is_built() {
    let desk = project("");
    assert_eq!(build(&desk, "wait").code, Some(0));
}

#[test]
fn an_error_that_a_hook_returned_is_a_warning() {
    let desk = project("");
    let ran = build(&desk, "fail-forward");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let warning = "tollgate: warning: in its trial forward-request returned an error: a secret reason (it was called without settings;";
    assert!(
        ran.stderr.contains(warning) && ran.stdout.starts_with("p/build/p.wasm  "),
        "{ran:?}"
    );
    assert!(!build(&desk, "mark").stderr.contains("warning"));
}

#[test]
fn the_trial_has_the_settings_of_the_project_or_of_its_cases() {
    let desk = project("");
    let ran = build(&desk, "needs-setting");
    assert!(
        ran.code == Some(0)
            && ran
                .stderr
                .contains("in its trial forward-request returned an error: no greeting"),
        "{ran:?}"
    );
    // Some case may be there for settings that are wrong.
    let case = |greeting: &str| {
        format!("### settings\ngreeting = \"{greeting}\"\n### request\nGET / HTTP/1.1\n")
    };
    desk.write("p/tests/a.http", &case("x"));
    let ran = build(&desk, "needs-setting");
    assert!(
        ran.code == Some(0)
            && ran
                .stderr
                .contains("in its trial forward-request returned an error: no greeting"),
        "{ran:?}"
    );
    desk.write("p/tests/b.http", &case("hi"));
    let ran = build(&desk, "needs-setting");
    assert!(
        ran.code == Some(0) && !ran.stderr.contains("warning"),
        "{ran:?}"
    );
    // What the project says of its settings counts alone.
    let manifest = "name = \"p\"\nlanguage = \"wat\"\n[test]\nsettings.greeting = \"x\"\n";
    desk.write("p/plugin.toml", manifest);
    let ran = build(&desk, "needs-setting");
    assert!(
        ran.code == Some(1) && ran.stderr.contains("would refuse"),
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_leaves_the_last_good_one_where_the_proxy_would_refuse_the_new_one() {
    let desk = project("");
    desk.write("p/plugin.wat", guest("mark").text());
    let _dev = desk.dev("dev p");
    eventually!(desk.path("plugins/p.wasm").exists());
    let good = fs::read(desk.path("plugins/p.wasm")).unwrap();
    desk.write("p/plugin.wat", guest("trap-always").text());
    let said = || desk.read("err").unwrap();
    eventually!(said().contains(
        "would refuse this plugin: its first call of forward-request failed: it trapped"
    ));
    eventually!(said().contains("the last good one stays in place"));
    assert_eq!(fs::read(desk.path("plugins/p.wasm")).unwrap(), good);
    desk.write("p/plugin.wat", guest("fail-forward").text());
    eventually!(
        said().contains("warning: in its trial forward-request returned an error: a secret reason")
    );
    eventually!(fs::read(desk.path("plugins/p.wasm")).unwrap() != good);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_step_says_that_it_is_at_work() {
    let desk = Desk::with_project(&shell(
        "while ! [ -e build/go ]; do sleep 0.02; done; exit 3",
    ));
    let mut build = desk.dev("build p");
    let said = || desk.read("err").unwrap();
    eventually!(said().contains("[1/1] sh -c 'while ! [ -e build/go ]"));
    eventually!(said().contains("': still running after 5 s\n"));
    desk.write("p/build/go", "");
    assert_eq!(build.code().await, Some(1));
    assert!(said().contains("[1/1] failed after "), "{}", said());
}

#[test]
fn function_names_stay_unless_they_are_stripped() {
    let desk = project("");
    desk.write(
        "p/tests/a.http",
        "### settings\ngreeting = \"xyz\"\n### request\nGET / HTTP/1.1\n",
    );
    desk.write("p/plugin.wat", guest("needs-setting").text());
    let trap = || desk.run("test p").stdout;
    assert_eq!(desk.run("build p").code, Some(0));
    let with_names = fs::metadata(desk.path("p/build/p.wasm")).unwrap().len();
    assert!(trap().contains("executed in trap_for_x"), "{}", trap());
    assert_eq!(desk.run("build p --strip").code, Some(0));
    assert!(fs::metadata(desk.path("p/build/p.wasm")).unwrap().len() < with_names);
    assert!(
        trap().contains("trapped: ") && !trap().contains("trap_for_x"),
        "{}",
        trap()
    );
}
