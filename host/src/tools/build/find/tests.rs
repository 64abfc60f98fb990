//! Looking for tools, with real commands in a directory that is all of the PATH.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::*;

/// A machine with nothing but what a test puts there.
struct Machine {
    dir: tempfile::TempDir,
}

impl Machine {
    fn new() -> Machine {
        let dir = tempfile::tempdir().unwrap();
        for name in ["bin", "tools", "project/node_modules/.bin"] {
            fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        Machine { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A program made of these lines of shell.
    fn program(&self, name: &str, script: &str) -> &Machine {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn find<T>(
        &self,
        recipe: &str,
        then: impl FnOnce(Result<FoundTools, Vec<MissingTools<'_>>>) -> T,
    ) -> T {
        let recipe = Recipe::parse(Path::new("recipe.toml"), recipe).unwrap();
        let project = self.path("project");
        let places = BuildPlaces::new(&project, "my-plugin", &self.path("tools")).unwrap();
        let runner = Runner::with_path(&project, self.path("bin"));
        then(find(&recipe, &places, &runner))
    }

    /// The way that is taken and its tools: name, version, last part of the first word.
    fn taken(&self, recipe: &str) -> Option<(String, Vec<[String; 3]>)> {
        self.find(recipe, |found| {
            let found = found.ok()?;
            let tools = found.tools.iter().map(|tool| {
                let program = tool.command.first().cloned().unwrap_or_default();
                let program = Path::new(&program)
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned());
                [
                    tool.name.clone(),
                    tool.version.clone(),
                    program.unwrap_or_default(),
                ]
            });
            Some((found.way.name.clone(), tools.collect()))
        })
    }
}

const TWO_WAYS: &str = r#"
    [[ways]]
    name = "first"
    [[ways.tools]]
    name = "zig"
    try = [["zag"], ["zig"], ["{tools}/py", "-m", "ziglang"]]
    version = ["version"]
    install = [["fetch", "zig", "{tools}/py"]]
    [[ways]]
    name = "second"
    [[ways.tools]]
    name = "cc"
    try = [["cc"]]
    version = ["--version"]
"#;

#[test]
fn the_first_way_whose_tools_answer_is_taken() {
    let machine = Machine::new();
    assert_eq!(machine.taken(TWO_WAYS), None);
    machine.program(
        "bin/cc",
        "[ $1 = --version ] && echo 'cc (Some 7) 12.2.0 (x86)'",
    );
    let second = (
        "second".to_owned(),
        vec![["cc", "12.2.0", "cc"].map(str::to_owned)],
    );
    assert_eq!(machine.taken(TWO_WAYS), Some(second));
    machine.program(
        "tools/py",
        "[ \"$*\" = '-m ziglang version' ] && echo 0.17.1",
    );
    let first = |program: &str, version: &str| {
        Some((
            "first".to_owned(),
            vec![["zig", version, program].map(str::to_owned)],
        ))
    };
    assert_eq!(machine.taken(TWO_WAYS), first("py", "0.17.1"));
    machine.program("bin/zig", "echo v0.18");
    assert_eq!(machine.taken(TWO_WAYS), first("zig", "0.18"));
    // It is there and doesn't work.
    machine.program("bin/zag", "echo 9.9; exit 1");
    assert_eq!(machine.taken(TWO_WAYS), first("zig", "0.18"));
    machine.program("bin/zag", "echo no number");
    assert_eq!(machine.taken(TWO_WAYS), first("zag", "no number"));
}

#[test]
fn a_file_that_can_not_be_run_is_no_tool() {
    let machine = Machine::new();
    fs::write(machine.path("bin/zig"), "#!/bin/sh\necho 1.0\n").unwrap();
    fs::create_dir(machine.path("bin/zag")).unwrap();
    assert_eq!(machine.taken(TWO_WAYS), None);
}

#[test]
fn the_project_is_looked_into_first_where_the_recipe_says_so() {
    let recipe = "[[ways]]\nname = \"a\"\n[[ways.tools]]\nname = \"asc\"\n\
                  try = [[\"node_modules/.bin/asc\"], [\"asc\"]]\nversion = [\"-v\"]";
    let machine = Machine::new();
    machine.program("bin/asc", "echo Version 1.0");
    let version = |machine: &Machine| machine.taken(recipe).unwrap().1[0][1].clone();
    assert_eq!(version(&machine), "1.0");
    machine.program("project/node_modules/.bin/asc", "echo Version 2.0");
    assert_eq!(version(&machine), "2.0");
}

#[test]
fn a_probe_decides_and_may_use_the_tool_and_those_before() {
    let recipe = r#"
        [[ways]]
        name = "a"
        [[ways.tools]]
        name = "py"
        try = [["python3"]]
        [[ways.tools]]
        name = "module"
        try = [["{py}", "-m", "module"]]
        probe = ["{py}", "-c", "import module"]
        version = ["--version"]
        [[ways.tools]]
        name = "sysroot"
        probe = ["{module}", "sysroot"]
        # What it prints is its version, as nothing else says it.
    "#;
    let machine = Machine::new();
    machine.program(
        "bin/python3",
        "echo \"$*\" >>asked; case \"$*\" in *sysroot) exit 1;; *--version) echo 3.1;; esac",
    );
    assert_eq!(machine.taken(recipe), None);
    let asked = fs::read_to_string(machine.path("project/asked")).unwrap();
    assert_eq!(
        asked,
        "-c import module\n-m module --version\n-m module sysroot\n"
    );
    machine.program(
        "bin/python3",
        "case \"$*\" in *--version) echo 3.1;; *sysroot) echo sysroot-25.0;; esac",
    );
    let (_, tools) = machine.taken(recipe).unwrap();
    assert_eq!(tools[0], ["py", "", "python3"]);
    assert_eq!(tools[1], ["module", "3.1", "python3"]);
    assert_eq!(tools[2], ["sysroot", "sysroot-25.0", ""]);
}

#[test]
fn what_is_missing_is_told_with_what_installs_it() {
    let machine = Machine::new();
    let tools = machine.path("tools").to_str().unwrap().to_owned();
    machine.find(TWO_WAYS, |found| {
        let lacking = found.unwrap_err();
        assert_eq!(lacking.len(), 2);
        let nearest = nearest(&lacking).unwrap();
        assert_eq!(nearest.way.name, "first");
        assert_eq!(nearest.missing[0].name, "zig");
        let install = ["fetch".to_owned(), "zig".to_owned(), format!("{tools}/py")];
        assert_eq!(nearest.missing[0].install, [install]);
    });
}

#[test]
fn a_way_that_can_be_completed_goes_before_one_that_can_not() {
    let (first, second) = TWO_WAYS
        .split_once("    [[ways]]\n    name = \"second\"")
        .unwrap();
    let turned = format!("[[ways]]\n    name = \"second\"{second}{first}");
    let nothing = turned
        .replace("install", "version2")
        .replace("version2 = [[\"fetch\", \"zig\", \"{tools}/py\"]]", "");
    let machine = Machine::new();
    let name = |recipe: &str| {
        machine.find(recipe, |found| {
            nearest(&found.unwrap_err()).unwrap().way.name.clone()
        })
    };
    assert_eq!(name(&turned), "first");
    assert_eq!(name(&nothing), "second");
}

#[test]
fn words_become_commands() {
    let places = BuildPlaces::new(Path::new("/p"), "n", Path::new("/t")).unwrap();
    let tool = FoundTool {
        name: "zig".to_owned(),
        command: vec!["/x/py".to_owned(), "-m".to_owned(), "ziglang".to_owned()],
        version: String::new(),
    };
    let words = ["{zig}", "{dir}/{name}", "{other}", "{zig}x"].map(str::to_owned);
    assert_eq!(
        expand(&words, &[tool], &places),
        ["/x/py", "-m", "ziglang", "/p/n", "other", "{zig}x"]
    );
}

#[test]
fn versions() {
    let cases = [
        ("0.17.1\n", "0.17.1"),
        ("go version go1.27.3 linux/amd64\n", "1.27.3"),
        ("v20.11.0\n", "20.11.0"),
        (
            "Debian clang version 22.0.0 (++2025)\nTarget: x86_64",
            "22.0.0",
        ),
        ("rustc 1.95.0 (f2d3ce0bd 2026-03-21)", "1.95.0"),
        ("Python 3.11.2", "3.11.2"),
        ("no number here\nat all", "no number here"),
        ("", ""),
        ("Usage: tool [options] and so on and on", ""),
    ];
    for (said, expected) in cases {
        assert_eq!(version(said), expected, "{said}");
    }
}
