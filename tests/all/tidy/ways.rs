//! The list of ways past a plugin in CONTRIBUTING.md names a test for each; every one of them has to be there.

use std::fs;
use std::path::Path;

use super::{assert_none, sources};

#[test]
fn every_way_past_a_plugin_has_the_test_that_the_list_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join("CONTRIBUTING.md")).unwrap();
    let list = text
        .split("\n## ")
        .find(|part| part.starts_with("Ways past a plugin"));
    let sources = sources();
    let mut missing = Vec::new();
    let mut named = 0;
    for row in list.unwrap().lines().filter(|line| line.starts_with('|')) {
        // What stands between backticks in the column of tests.
        let column = row.rsplit('|').nth(1).unwrap();
        for test in column.split('`').skip(1).step_by(2) {
            let Some((place, name)) = test.rsplit_once("::") else {
                continue;
            };
            named += 1;
            let found = if place.ends_with(".py") {
                let file = root.join("tests/e2e").join(place);
                fs::read_to_string(file).is_ok_and(|code| code.contains(&format!("def {name}(")))
            } else {
                let start = format!("tests/all/{}", place.replace("::", "/"));
                let function = format!("fn {name}(");
                sources.iter().any(|source| {
                    source.path.starts_with(&start) && source.code.contains(&function)
                })
            };
            if !found {
                missing.push(test.to_owned());
            }
        }
    }
    assert!(named > 20, "the list was read: {named}");
    assert_none("is named in CONTRIBUTING.md and is no test", missing);
}
