//! What plugins are granted.

use super::*;
use crate::config::{Allow, Bucket, Permission};

#[test]
fn nothing_is_granted_unless_it_is_named() {
    let text = "[plugin.p]\n[plugin.q.allow]\nstate = false";
    let (config, _) = resolved(&[], &[], Some(text)).unwrap();
    for name in ["p", "q", "r"] {
        let allow = config.for_plugin(name).allow;
        assert!(allow == Allow::default() && !allow.grants(Permission::State));
    }
    let text = "[plugin.p.allow]\nstate = true\nenvironment = [\"HOME\"]\n[plugin.q.allow]\nstate = \"counters\"";
    let (config, _) = resolved(&[], &[], Some(text)).unwrap();
    let (p, q) = (config.for_plugin("p").allow, config.for_plugin("q").allow);
    assert_eq!(
        (p.state, p.environment),
        (Some(Bucket::Own), vec!["HOME".to_owned()])
    );
    assert_eq!(q.state, Some(Bucket::Shared("counters".to_owned())));
    // The lines that a refusal asks for do grant.
    let lines = Permission::lines(&[Permission::State], "p");
    let (config, _) = resolved(&[], &[], Some(&lines)).unwrap();
    assert!(config.for_plugin("p").allow.grants(Permission::State));
}

#[test]
fn mistakes_in_grants() {
    assert_wrong(
        r#"
        [plugin.p.allow] ; state = 1
        => 2: plugin.p.allow.state = 1: expected true, or the name of a bucket that plugins share
        [plugin.p.allow] ; state = "a b"
        => 2: plugin.p.allow.state = "a b": the name of a shared bucket has 1 to 64 letters, digits, `-`, `_` or `.` and begins with a letter or digit
        [plugin.p.allow] ; environment = true
        => 2: plugin.p.allow.environment = true: expected a list of names of environment variables
        [plugin.p.allow] ; environment = ["A=B"]
        => 2: plugin.p.allow.environment = "A=B": this is not the name of an environment variable
        [plugin.p.allow] ; stat = true
        => 2: plugin.p.allow.stat: unknown key; did you mean state?
    "#,
    );
}
