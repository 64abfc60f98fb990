//! Plugins for versions of the contract that this host doesn't serve, or for none in particular.

use super::*;

/// A plugin for this version in every form: described by a section, named by hand, and as a component.
fn forms(version: &str) -> [Vec<u8>; 3] {
    let wit = contract_like(version, "", HOOKS, "");
    let text = format!("(module {})", plain_hooks().replace("0.1.0", version));
    [
        described(&text, &[&wit], "plugin"),
        assemble(&text),
        component(&text, &[&wit], "plugin"),
    ]
}

#[test]
fn another_version_is_told_which_are_served_and_what_to_do() {
    let rebuild = "rebuild the plugin with the WIT or SDK of tollgate:proxy@0.1.0";
    let newer = format!("use a newer tollgate, or {rebuild}");
    let draft = format!("a draft fits no other version, so {rebuild}");
    let cases = [
        ("0.0.3", "an older contract", rebuild),
        ("0.2.0", "a newer contract", &newer),
        ("0.2.1+build.7", "a newer contract", &newer),
        ("0.10.0", "a newer contract", &newer),
        ("1.0.0", "a newer contract", &newer),
        ("0.1.0-rc.1", "a draft of a contract", &draft),
        ("0.2.0-rc.1", "a draft of a contract", &draft),
    ];
    for (version, what, advice) in cases {
        for file in forms(version) {
            let error = refusal(&file);
            assert_eq!(
                error.to_string(),
                format!(
                    "made for {what}: it exports `tollgate:proxy/interceptor@{version}`, and this host serves \
                     tollgate:proxy@0.1.x; {advice}"
                )
            );
            assert!(matches!(error, LoadError::OtherContract { .. }));
            assert!(!error.could_be_incomplete());
        }
    }
}

#[test]
fn a_version_must_be_named_in_full() {
    let none = |text: String| text.replace("@0.1.0", "");
    let wit = none(contract_like("0.1.0", "", HOOKS, ""));
    let text = none(format!("(module {})", plain_hooks()));
    let by_name =
        |version: &str| assemble(&text.replace("interceptor#", &format!("interceptor{version}#")));
    let cases = [
        (described(&text, &[&wit], "plugin"), ""),
        (component(&text, &[&wit], "plugin"), ""),
        (by_name(""), ""),
        (by_name("@0.1"), "@0.1"),
        (by_name("@next"), "@next"),
        (by_name("@"), "@"),
    ];
    for (file, version) in cases {
        assert_eq!(
            refusal(&file).to_string(),
            format!(
                "made for a contract without a full version: it exports `tollgate:proxy/interceptor{version}`, and this \
                 host serves tollgate:proxy@0.1.x; rebuild the plugin with the WIT or SDK of tollgate:proxy@0.1.0, \
                 whose names end with `@0.1.0`"
            )
        );
    }
}

/// They give only the part of a version that counts.
#[test]
fn the_newer_core_names_are_understood() {
    let cases = [
        ("@0.2", "a newer contract"),
        ("@1", "a newer contract"),
        ("@0.0.3", "an older contract"),
        ("@0.1.0-rc.1", "a draft"),
        ("", "without a full version"),
        ("@0", "an older contract"),
    ];
    for (version, expected) in cases {
        let name =
            |function: &str| format!("cm32p2|tollgate:proxy/interceptor{version}|{function}");
        let body = hooks(&name("forward-request"), &name("return-response"));
        let said = refusal(&assemble(&format!("(module {body})"))).to_string();
        assert!(
            said.contains(expected)
                && said.contains(&format!("exports `tollgate:proxy/interceptor{version}`,")),
            "{said}"
        );
    }
}

#[test]
fn imports_are_of_the_version_that_is_exported() {
    let request = "package tollgate:proxy@0.2.0; interface request { poke: func(); }";
    let wit = contract_like("0.1.0", "", HOOKS, "import tollgate:proxy/request@0.2.0;");
    let text = format!(
        "(module (import \"tollgate:proxy/request@0.2.0\" \"poke\" (func)) {})",
        plain_hooks()
    );
    let wits = [request, wit.as_str()];
    for file in [
        described(&text, &wits, "plugin"),
        component(&text, &wits, "plugin"),
        assemble(&text),
    ] {
        let error = refusal(&file);
        assert_eq!(
            error.to_string(),
            "made for two contracts at once: it exports `tollgate:proxy/interceptor@0.1.0` and imports \
             `tollgate:proxy/request@0.2.0`, and this host serves tollgate:proxy@0.1.x; build all of it with the WIT or \
             SDK of one version"
        );
        assert!(!error.could_be_incomplete());
    }
}

/// The version beside ours that a plugin exports is no matter, but what it imports of it must be served.
#[test]
fn an_interceptor_of_another_version_may_be_there_too() {
    let newer = contract_like("0.2.0", "", HOOKS, "");
    let world = |import: &str| {
        let world = format!("{import} export tollgate:proxy/interceptor@0.2.0;");
        contract_like("0.1.0", "", HOOKS, &world)
    };
    let both = format!(
        "{} {}",
        plain_hooks(),
        plain_hooks()
            .replace("0.1.0", "0.2.0")
            .replace("(memory (export \"memory\") 1)", "")
    );
    let module = format!("(module {both})");
    let plain = component(&module, &[&newer, &world("")], "plugin");
    assert_eq!(interfaces(&plain).unwrap().exports.len(), 2);
    for file in [plain, assemble(&module)] {
        assert_eq!(
            load(file).unwrap().kind,
            PluginKind::Interceptor(Contracts::SERVED.newest())
        );
    }

    let newer = contract_like("0.2.0", "poke: func();", HOOKS, "");
    let module =
        format!("(module (import \"tollgate:proxy/request@0.2.0\" \"poke\" (func)) {both})");
    let world = world("import tollgate:proxy/request@0.2.0;");
    for file in [
        component(&module, &[&newer, &world], "plugin"),
        assemble(&module),
    ] {
        let said = refusal(&file).to_string();
        assert!(
            said.starts_with(
                "made for a newer contract: it imports `tollgate:proxy/request@0.2.0`, and this host serves \
                 tollgate:proxy@0.1.x; use a newer tollgate"
            ),
            "{said}"
        );
    }
}
