//! A recipe as it should be, and every way in which it isn't.

use super::*;

fn parse(text: &str) -> Result<Recipe, Vec<String>> {
    Recipe::parse(Path::new("zig/recipe.toml"), text)
        .map_err(|error| error.mistakes.iter().map(ToString::to_string).collect())
}

fn words(line: &str) -> Words {
    line.split(' ').map(str::to_owned).collect()
}

#[test]
fn a_whole_recipe() {
    let recipe = parse(
        r#"
        language = "zig"
        watch = ["**/*.zig", "build.*"]
        sdk = "c"
        [[ways]]
        name = "zig"
        [[ways.tools]]
        name = "python"
        try = [["python3"]]
        [[ways.tools]]
        name = "zig"
        try = [["zig"], ["{python}", "-m", "ziglang"]]
        version = ["version"]
        probe = ["{zig}", "env"]
        install = [["{python}", "-m", "venv", "{tools}/python"]]
        [[ways.tools]]
        name = "sysroot"
        probe = ["test", "-d", "/sysroot"]
        [[ways.steps]]
        run = ["{zig}", "build-exe", "-femit-bin={build}/core.wasm"]
        env = { B = "{zig}", A = "{dir}/x" }
        [[ways.steps]]
        run = ["sh", "-c", "echo ${HOME} {a: 1}"]
        [ways.output]
        file = "{build}/{name}.wasm"
        [[ways]]
        name = "Without tools"
        output.file = "plugin.wat"
        "#,
    )
    .unwrap();
    assert_eq!(recipe.watch, ["**/*.zig", "build.*"]);
    assert_eq!(recipe.sdk.as_deref(), Some("c"));
    let [zig, none] = &recipe.ways[..] else {
        panic!("{recipe:?}")
    };
    assert_eq!(zig.tools.len(), 3);
    let tool = &zig.tools[1];
    assert_eq!(tool.tries, [words("zig"), words("{python} -m ziglang")]);
    assert_eq!(tool.version, ["version"]);
    assert_eq!(tool.probe, Some(words("{zig} env")));
    assert_eq!(tool.install, [words("{python} -m venv {tools}/python")]);
    assert!(zig.tools[2].tries.is_empty());
    let env =
        [("A", "{dir}/x"), ("B", "{zig}")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(zig.steps[0].env, env);
    assert_eq!(zig.steps[1].run[2], "echo ${HOME} {a: 1}");
    assert_eq!(zig.output, "{build}/{name}.wasm");
    assert!(none.tools.is_empty() && none.steps.is_empty());
    assert_eq!(none.output, "plugin.wat");
}

#[test]
fn the_output_has_a_default() {
    assert_eq!(
        parse("[[ways]]\nname = \"a\"").unwrap().ways[0].output,
        "{build}/parts/core.wasm"
    );
}

/// Each text with what is said of it: line, key and what is wrong.
const MISTAKES: &[(&str, &[&str])] = &[
    ("", &["zig/recipe.toml: no way of building"]),
    (
        "ways = []",
        &[":1: ways: expected tables, each beginning with [[ways]]"],
    ),
    (
        "ways = 1",
        &[":1: ways = 1: expected tables, each beginning with [[ways]]"],
    ),
    ("ways = [1]", &[":1: ways = 1: expected a table"]),
    ("[[ways]", &[":1: "]),
    ("[[ways]]", &[":1: ways: `name` is missing"]),
    (
        "[[ways]]\nname = 1",
        &[":2: ways.name = 1: expected a string"],
    ),
    (
        "[[ways]]\nname = \"\"\n[[ways.tools]]\nname = \"A b\"\ntry = [[\"a\"]]",
        &[
            ":2: ways.name = \"\": expected a name",
            ":4: ways.tools.name = \"A b\": expected a name of lower-case letters",
        ],
    ),
    (
        "wach = []\nwatch = [\"[\", 1]\nsdk = 2\n[[ways]]\nname = \"a\"",
        &[
            ":1: wach: unknown key; did you mean watch?",
            ":2: watch = \"[\": error parsing glob",
            ":2: watch = 1: expected a string",
            ":3: sdk = 2: expected a string",
        ],
    ),
    (
        "watch = \"*\"\n[[ways]]\nname = \"a\"",
        &[":1: watch = \"*\": expected a list of globs"],
    ),
    (
        "[[ways]]\nname = \"a\"\nfoo = 1\nfile = \"x\"\n[[way]]\n",
        &[
            ":3: ways.foo: unknown key; expected one of name, tools, steps, output",
            ":4: ways.file: unknown key",
            ":5: way: unknown key; did you mean ways?",
        ],
    ),
    (
        "[[ways]]\nname = \"a\"\n[[ways.tools]]\n[[ways.tools]]\nname = \"dir\"\nprobe = []\n",
        &[
            ":3: ways.tools: `name` is missing",
            ":3: ways.tools: a tool needs `try` (commands) or `probe`",
            ":4: ways.tools: the name `dir` is taken",
            ":6: ways.tools.probe: expected a command as a list of words",
        ],
    ),
    (
        "[[ways]]\nname = \"a\"\n[[ways.tools]]\nname = \"t\"\ntry = [\"t\"]\nversion = \"v\"\ninstall = []\n",
        &[
            ":5: ways.tools.try = \"t\": expected a command as a list of words",
            ":6: ways.tools.version = \"v\": expected a list of arguments",
            ":7: ways.tools.install: expected a list of commands",
        ],
    ),
    (
        "[[ways]]\nname = \"a\"\n[[ways.tools]]\nname = \"t\"\ntry = [[\"{u}\", \"{t}\"]]\n",
        &[
            ":5: ways.tools.try = \"{t}\": unknown placeholder {t}",
            ":5: ways.tools.try = \"{u}\": unknown placeholder {u}",
        ],
    ),
    (
        "[[ways]]\nname = \"a\"\n[[ways.tools]]\nname = \"t\"\nprobe = [\"x\"]\n[[ways.steps]]\nrun = [\"{t}\"]\n",
        &[":7: ways.steps.run = \"{t}\": unknown placeholder {t}"],
    ),
    (
        "[[ways]]\nname = \"a\"\n[[ways.tools]]\nname = \"t\"\ntry = [[\"t\"]]\n[[ways.tools]]\nname = \"t\"\ntry = [[\"t\"]]",
        &[":6: ways.tools: the name `t` is taken"],
    ),
    (
        "[[ways]]\nname = \"a\"\n[[ways.steps]]\n[[ways.steps]]\nrun = [\"x\", 1, \"{y}\"]\nenv = { A = 1, B = \"{z}\" }\ncwd = 1\n",
        &[
            ":3: ways.steps: a step needs `run`",
            ":5: ways.steps.run = \"{y}\": unknown placeholder {y}",
            ":5: ways.steps.run = 1: expected a string",
            ":6: ways.steps.env.A = 1: expected a string",
            ":6: ways.steps.env.B = \"{z}\": unknown placeholder {z}",
            ":7: ways.steps.cwd: unknown key; expected one of run, env",
        ],
    ),
    (
        "[[ways]]\nname = \"a\"\n[ways.output]\nfile = \"{buidl}/x\"\nfoo = 1",
        &[
            ":4: ways.output.file = \"{buidl}/x\": unknown placeholder {buidl}; there are {dir} {build}",
            ":5: ways.output.foo: unknown key",
        ],
    ),
];

#[test]
fn every_mistake_is_told_with_file_line_and_key() {
    for (text, expected) in MISTAKES {
        let told = parse(text).unwrap_err();
        let fits = |(told, expected): (&String, &&str)| {
            told.strip_prefix("zig/recipe.toml")
                .unwrap_or(told)
                .starts_with(expected.strip_prefix("zig/recipe.toml").unwrap_or(expected))
        };
        let all_fit = told.iter().zip(*expected).all(fits);
        assert!(
            told.len() == expected.len() && all_fit,
            "{text}\n{}",
            told.join("\n")
        );
    }
}
