//! `tollgate new`, `build` and `dev` as their users have them: the executable, files, and the proxy that serves what
//! came of it.

mod desk;
mod dev;
mod trial;

use std::fs;
use std::os::unix::fs::MetadataExt;

use desk::{Desk, Ran, mark, shell};
use tollgate_tests::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_new_plugin_is_built_and_serves() {
    let desk = Desk::new();
    let made = desk.run("new WAT hello-there");
    assert_eq!(made.code, Some(0), "{made:?}");
    for line in ["  plugin.wat", "  cd hello-there", "  tollgate build"] {
        assert!(made.stdout.lines().any(|there| there == line), "{made:?}");
    }
    let built = desk.run("build hello-there");
    assert_eq!(built.code, Some(0), "{built:?}");
    let path = "hello-there/build/hello-there.wasm";
    let size = fs::metadata(desk.path(path)).unwrap().len();
    let line = format!("{path}  {size} bytes  tollgate:proxy@0.1  from WebAssembly text\n");
    assert_eq!(built.stdout, line);
    let component = fs::read(desk.path(path)).unwrap();
    let proxy = proxy().file("hello-there.wasm", component).start().await;
    let answer = proxy.get("/").await;
    assert_eq!(answer.field("x-hello-there").as_deref(), Some("hello"));
}

#[test]
fn what_is_the_same_is_not_written_again() {
    let desk = Desk::new();
    desk.run("new wat a");
    assert_eq!(desk.run("build a -o out/x.wasm").code, Some(0));
    assert!(!desk.path("a/build/a.wasm").exists());
    let inode = || fs::metadata(desk.path("out/x.wasm")).unwrap().ino();
    let first = inode();
    assert_eq!(desk.run("build a --output out/x.wasm").code, Some(0));
    assert_eq!(inode(), first);
    let source = desk.read("a/plugin.wat").unwrap();
    desk.write("a/plugin.wat", &source.replace("\"hello\"", "\"hullo\""));
    assert_eq!(desk.run("build a -o out/x.wasm").code, Some(0));
    assert_ne!(inode(), first);
}

#[test]
fn what_new_does_not_know_or_want_is_answered_with_what_there_is() {
    let desk = Desk::new();
    desk.write("taken/file", "");
    let cases = [
        (
            "new wta x",
            "unknown language `wta`, did you mean wat? there are ",
        ),
        ("new cobol x", "unknown language `cobol`; there are "),
        (
            "new wat x --from minimul",
            "unknown wat template `minimul`, did you mean minimal?",
        ),
        (
            "new wat MyPlugin",
            "begins with a letter, such as my-plugin",
        ),
        ("new wat taken", "taken is there already and not empty"),
        ("build nowhere", "nowhere has no plugin.toml"),
        ("dev nowhere", "nowhere has no plugin.toml"),
    ];
    for (line, expected) in cases {
        let ran = desk.run(line);
        assert_eq!(ran.code, Some(64), "{line}: {ran:?}");
        assert!(
            ran.stderr.starts_with("tollgate: ") && ran.stderr.contains(expected),
            "{line}: {ran:?}"
        );
        assert_eq!(ran.stdout, "", "{line}");
    }
    assert!(!desk.path("x").exists());
}

#[test]
fn the_description_is_judged_as_a_whole() {
    let desk = Desk::with_project("[build]\nwatch = 1\n[[build.ways]]\nnmae = \"x\"\n");
    let ran = desk.run("build p");
    assert_eq!(ran.code, Some(64), "{ran:?}");
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(
        lines,
        [
            "tollgate: the plugin's description has mistakes:",
            "p/plugin.toml:4: build.watch = 1: expected a list of globs",
            "p/plugin.toml:5: build.ways: `name` is missing",
            "p/plugin.toml:6: build.ways.nmae: unknown key; did you mean name?",
        ]
    );
    desk.write("p/plugin.toml", "name = \"p\"\nlanguage = \"cobol\"\n");
    let ran = desk.run("build p");
    assert_eq!(ran.code, Some(64));
    assert!(
        ran.stderr
            .contains("plugin.toml:2: language = \"cobol\": unknown language `cobol`"),
        "{ran:?}"
    );
}

/// A tool that copies, and the command that installs it.
const COPIER: &str = r##"
[build]
[[build.ways]]
name = "copier"
output.file = "{build}/core.wat"
[[build.ways.tools]]
name = "copier"
try = [["no-such-copier"], ["{tools}/copier"]]
version = ["--version"]
install = [
    ["mkdir", "-p", "{tools}"],
    ["sh", "-c", 'printf "#!/bin/sh\n[ \$1 = --version ] && echo copier 1.2.3 || cp \$1 \$2" >"$1" && chmod +x "$1"', "sh", "{tools}/copier"],
]
[[build.ways.steps]]
run = ["{copier}", "plugin.wat", "{build}/core.wat"]
"##;

#[test]
fn a_missing_tool_is_told_with_what_installs_it_and_installed_if_wanted() {
    let desk = Desk::with_project(COPIER);
    desk.write("p/plugin.wat", &mark("v001"));
    let tools = desk.path("tools").to_str().unwrap().to_owned();
    for line in ["build p", "build p --tools", "dev p"] {
        let ran = desk.run(line);
        assert_eq!(ran.code, Some(1), "{line}: {ran:?}");
        assert!(
            ran.stderr.contains("copier is missing to build p (own)"),
            "{line}: {ran:?}"
        );
        assert!(
            ran.stderr.contains("`tollgate build --install p`"),
            "{line}: {ran:?}"
        );
        assert!(
            ran.stderr.contains(&format!("\n  mkdir -p {tools}\n")),
            "{line}: {ran:?}"
        );
        assert!(!desk.path("p/build").exists() && !desk.path("tools").exists());
    }
    let json = desk.run("build p --tools --json");
    assert_eq!(json.code, Some(1));
    assert!(
        json.stdout.contains(r#""missing":[{"install":[["mkdir","#),
        "{json:?}"
    );

    let installed = desk.run("build p --install");
    assert_eq!(installed.code, Some(0), "{installed:?}");
    assert!(
        installed
            .stderr
            .contains(&format!("installing: mkdir -p {tools}\n")),
        "{installed:?}"
    );
    assert!(
        installed.stdout.starts_with("p/build/p.wasm  "),
        "{installed:?}"
    );
    let listed = desk.run("build p --tools");
    assert_eq!(
        listed.stdout,
        format!("own by the way `copier`\ncopier  1.2.3  {tools}/copier\n")
    );
    let again = desk.run("build p --install");
    assert!(
        again.code == Some(0) && !again.stderr.contains("installing"),
        "{again:?}"
    );
}

#[test]
fn an_installation_that_installs_nothing_does_not_go_on_for_ever() {
    let build = "[build]\n[[build.ways]]\nname = \"a\"\n[[build.ways.tools]]\nname = \"t\"\n\
                 try = [[\"no-such-tool\"]]\ninstall = [[\"sh\", \"-c\", \"echo x >>{tools}.log; EXIT\"]]\n";
    let desk = Desk::with_project(&build.replace("EXIT", "true"));
    let ran = desk.run("build p --install");
    assert!(
        ran.code == Some(1) && ran.stderr.contains("but t is still missing"),
        "{ran:?}"
    );
    assert_eq!(desk.read("tools.log").as_deref(), Some("x\n"));
    desk.write(
        "p/plugin.toml",
        &format!(
            "name = \"p\"\nlanguage = \"own\"\n{}",
            build.replace("EXIT", "exit 3")
        ),
    );
    let ran = desk.run("build p --install");
    assert!(
        ran.code == Some(1)
            && ran.stderr.contains("`sh -c 'echo x >>")
            && ran.stderr.contains("` failed: exit status: 3"),
        "{ran:?}"
    );
}

#[test]
fn a_failing_step_has_the_last_word_itself_and_changes_nothing() {
    let desk = Desk::with_project(&shell(
        "if grep -q broken plugin.wat; then echo \"plugin.wat:1:1: no such word\" >&2; echo and so on; exit 7; fi; \
         if ! grep -q nothing plugin.wat; then cp plugin.wat build/core.wat; fi",
    ));
    desk.write("p/plugin.wat", &mark("v001"));
    let good = desk.run("build p");
    assert_eq!(good.code, Some(0), "{good:?}");
    assert!(
        good.stderr.starts_with("[1/1] sh -c ") && good.stderr.contains("\n[1/1] done in "),
        "{good:?}"
    );
    let component = fs::read(desk.path("p/build/p.wasm")).unwrap();
    let cases = [
        (
            "broken",
            "\nplugin.wat:1:1: no such word\nand so on\n[1/1] failed after ",
            "` failed: exit status: 7\n",
        ),
        // What the build before has made is not the result of this one.
        ("nothing", "done in", "the build made no "),
        ("(component)", "done in", "core.wat: not a plugin: "),
    ];
    for (source, shown, said) in cases {
        desk.write("p/plugin.wat", source);
        let bad = desk.run("build p");
        assert_eq!((bad.code, bad.stdout.as_str()), (Some(1), ""), "{bad:?}");
        assert!(
            bad.stderr.contains(shown) && bad.stderr.contains(said),
            "{bad:?}"
        );
        assert_eq!(
            fs::read(desk.path("p/build/p.wasm")).unwrap(),
            component,
            "{source}"
        );
    }
}

#[test]
fn steps_run_in_the_project_without_what_an_outer_build_says() {
    let desk = Desk::with_project(&shell(
        "env >env; pwd >pwd; echo \"$0\" >dollar; cp plugin.wat build/core.wat",
    ));
    desk.write("p/plugin.wat", &mark("v001"));
    let mut command = desk.command("build");
    command.current_dir(desk.path("p"));
    let outer = [
        "CARGO",
        "RUSTC",
        "RUSTFLAGS",
        "CARGO_TARGET_DIR",
        "MAKEFLAGS",
        "CARGO_MANIFEST_DIR",
    ];
    command.envs(outer.map(|name| (name, "outer")));
    let ran = Ran::from(command.env("KEPT", "kept").output().unwrap());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let env = desk.read("p/env").unwrap();
    assert!(env.contains("KEPT=kept") && !env.contains("outer"), "{env}");
    let directory = desk.path("p").canonicalize().unwrap();
    assert_eq!(
        desk.read("p/pwd").unwrap().trim_end(),
        directory.to_str().unwrap()
    );
}
