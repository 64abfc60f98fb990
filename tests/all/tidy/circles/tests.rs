//! Circles that have to be found, and what is none.

use std::collections::BTreeSet;

use super::{Arrows, Crate, circles};
use crate::tidy::Source;

/// What a case is called, its files with their texts, and the modules of the circle that is found.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

/// Names of cases, files with their code, and the circles in them.
#[rustfmt::skip]
const CASES: [Case; 13] = [
    ("one way", &[("a/b.rs", "pub struct B;"), ("a/c.rs", "use super::b::B;")], &[]),
    ("siblings",
        &[("a/b.rs", "use super::c::C; pub struct B;"), ("a/c.rs", "use crate::a::b::{self, B}; pub struct C;")],
        &["c/a: b c"]),
    ("inline paths",
        &[("a/b.rs", "pub fn b() { super::c::c() }"), ("a/c.rs", "use super::b; pub fn c() { b::b() }")],
        &["c/a: b c"]),
    ("a module is brought in and not used", &[("a/b.rs", "pub fn b() { super::c::c() }"), ("a/c.rs", "use super::b; pub fn c() {}")], &[]),
    ("through the door",
        &[("a.rs", "pub use b::B; pub use self::c::C;"), ("a/b.rs", "use super::C; pub struct B;"), ("a/c.rs", "use super::B; pub struct C;")],
        &["c/a: b c"]),
    ("passed on by two doors",
        &[("a.rs", "pub use b::B;"), ("a/b.rs", "pub use d::B;"), ("a/b/d.rs", "use crate::a::c::C; pub struct B;"), ("a/c.rs", "use super::B; pub struct C;")],
        &["c/a: b c"]),
    ("a glob",
        &[("a.rs", "pub use b::*;"), ("a/b.rs", "use super::c::C; pub struct B;"), ("a/c.rs", "use super::B as Other; pub struct C;")],
        &["c/a: b c"]),
    ("the door's own name",
        &[("a.rs", "use b::B; pub struct A(B);"), ("a/b.rs", "use super::A; pub struct B;")],
        &["c/a: b super"]),
    ("the door passes on only", &[("a.rs", "pub use b::B; pub struct A;"), ("a/b.rs", "use super::A; pub struct B;")], &[]),
    ("the door uses what it passes on",
        &[("a.rs", "pub use b::B; pub struct A(B);"), ("a/b.rs", "use super::A; pub struct B;")],
        &["c/a: b super"]),
    ("tests",
        &[("a.rs", "#[cfg(test)]\nmod c;"), ("a/b.rs", "pub struct B; #[cfg(test)] mod tests { use super::c::C; }"), ("a/c.rs", "use super::b::B; pub struct C;")],
        &[]),
    ("modules of different folders",
        &[("a/b.rs", "use crate::d::E;"), ("d.rs", "pub use e::E;"), ("d/e.rs", "use crate::a::b; pub struct E; fn e() { b::f(); }")],
        &["c: a d"]),
    ("a macro",
        &[("a/b.rs", "macro_rules! m { () => { $crate::a::c::f() } }"), ("a/c.rs", "fn f() { crate::m!() }")],
        &["c/a: b c"]),
];

#[test]
fn circles_are_found_however_they_are_written() {
    for (name, files, expected) in CASES {
        let source = |(path, code): &(&str, &str)| Source {
            path: format!("c/{path}"),
            text: String::new(),
            code: (*code).to_owned(),
        };
        let sources: Vec<_> = files.iter().map(source).collect();
        let mut found = Vec::new();
        for (folder, arrows) in Crate::read("c", "c", &sources).folders("c") {
            let circles = circles(&arrows).into_iter();
            found.extend(circles.map(|circle| format!("{folder}: {}", circle.join(" "))));
        }
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_circle_is_all_that_belongs_to_it() {
    let arrow = |from: &str, to: &str| ((from.to_owned(), to.to_owned()), String::new());
    let arrows: Arrows = ["ab", "bc", "ca", "cd", "de", "ed", "xa"]
        .map(|names| arrow(&names[..1], &names[1..]))
        .into();
    let expected = [vec!["a", "b", "c"], vec!["d", "e"]];
    let expected = expected.map(|circle| circle.into_iter().map(str::to_owned).collect());
    assert_eq!(circles(&arrows), BTreeSet::from(expected));
}
