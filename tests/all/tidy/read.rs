//! What a module of Rust names and defines, as far as that can be told from its words.

use std::collections::BTreeSet;

/// Words by which something gets a name.
const DEFINING: [&str; 10] = [
    "fn",
    "struct",
    "enum",
    "union",
    "trait",
    "type",
    "const",
    "static",
    "mod",
    "macro_rules",
];

/// A file's names. What is compiled for tests alone is not in it.
#[derive(Debug, Default)]
pub struct Module {
    pub file: String,
    pub defines: BTreeSet<String>,
    pub macros: BTreeSet<String>,
    pub uses: Vec<Use>,
    /// Paths of two or more names outside of `use`.
    pub paths: Vec<Vec<String>>,
    /// All names outside of `use`.
    pub words: BTreeSet<String>,
    /// Modules in files of their own that are for tests.
    pub test_modules: BTreeSet<String>,
}

/// One name that a `use` brings in.
#[derive(Debug, PartialEq)]
pub struct Use {
    pub path: Vec<String>,
    /// What it is called here; `*` when it is all of a module.
    pub name: String,
    /// Whether others get it from here.
    pub public: bool,
}

impl Module {
    /// `code` is without comments and the insides of literals.
    pub fn read(file: &str, code: &str) -> Self {
        let mut module = Self {
            file: file.to_owned(),
            ..Self::default()
        };
        let tokens = tokens(code);
        let mut at = 0;
        let mut depth = 0_usize;
        while at < tokens.len() {
            if is_for_tests(&tokens[at..]) {
                let end = at + TEST_ATTRIBUTE.len();
                let length = item_length(&tokens[end..]);
                module.note_test_module(&tokens[end..end + length]);
                at = end + length;
                continue;
            }
            match tokens[at] {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                "use" => {
                    let public = at > 0 && (tokens[at - 1] == "pub" || tokens[at - 1] == ")");
                    let length = length_to(&tokens[at..], ";");
                    module.add_uses(&tokens[at + 1..at + length], public);
                    at += length;
                    continue;
                }
                word if is_name(word) => {
                    if depth == 0 && DEFINING.contains(&word) {
                        module.add_definition(word, &tokens[at + 1..]);
                    }
                    at += module.add_path(&tokens[at..]);
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        module
    }

    fn note_test_module(&mut self, item: &[&str]) {
        if let [.., "mod", name, ";"] = item {
            self.test_modules.insert((*name).to_owned());
        }
    }

    fn add_definition(&mut self, word: &str, after: &[&str]) {
        // `const fn`: the next word tells.
        if after.first().is_none_or(|next| DEFINING.contains(next)) {
            return;
        }
        let mut names = after
            .iter()
            .filter(|token| is_name(token) && **token != "mut");
        let name = names.next().map(|name| (*name).to_owned());
        if word == "macro_rules" {
            self.macros.extend(name.clone());
        }
        self.defines.extend(name);
    }

    /// Takes a path, or a single name, and tells how many tokens it has.
    fn add_path(&mut self, tokens: &[&str]) -> usize {
        let mut path = vec![tokens[0].to_owned()];
        let mut length = 1;
        while let ["::", name, ..] = tokens[length..]
            && is_name(name)
        {
            path.push(name.to_owned());
            length += 2;
        }
        self.words.extend(path.iter().cloned());
        if path.len() > 1 {
            self.paths.push(path);
        }
        length
    }

    /// Takes the tree of a `use`, without that word and the semicolon.
    fn add_uses(&mut self, tree: &[&str], public: bool) {
        add_tree(&mut self.uses, &[], tree, public);
    }
}

fn add_tree(uses: &mut Vec<Use>, before: &[String], tree: &[&str], public: bool) {
    let mut path = before.to_vec();
    let mut at = 0;
    while at < tree.len() {
        match tree[at] {
            "::" => {}
            "{" => {
                let inner = &tree[at + 1..tree.len() - 1];
                for part in parts(inner) {
                    add_tree(uses, &path, part, public);
                }
                return;
            }
            "as" => {
                let name = tree[at + 1].to_owned();
                uses.push(Use { path, name, public });
                return;
            }
            "*" => {
                let name = "*".to_owned();
                uses.push(Use { path, name, public });
                return;
            }
            // `a::{self}` is a itself.
            "self" if !path.is_empty() => {}
            name => path.push(name.to_owned()),
        }
        at += 1;
    }
    if let Some(name) = path.last().cloned() {
        uses.push(Use { path, name, public });
    }
}

/// What stands between the commas that are in no braces.
fn parts<'a, 'b>(list: &'a [&'b str]) -> Vec<&'a [&'b str]> {
    let mut depth = 0;
    let parts = list.split(move |token| {
        depth += i32::from(*token == "{") - i32::from(*token == "}");
        depth == 0 && *token == ","
    });
    parts.filter(|part| !part.is_empty()).collect()
}

const TEST_ATTRIBUTE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];

fn is_for_tests(tokens: &[&str]) -> bool {
    tokens.starts_with(&TEST_ATTRIBUTE)
}

/// The tokens of the item, field or statement that begins here.
fn item_length(tokens: &[&str]) -> usize {
    const ITEMS: [&str; 9] = [
        "fn", "struct", "enum", "trait", "type", "const", "static", "mod", "impl",
    ];
    let mut depth = 0;
    let mut is_item = false;
    for (at, token) in tokens.iter().enumerate() {
        match *token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" => depth -= 1,
            "}" if depth == 0 => return at,
            "}" => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            ";" if depth == 0 => return at + 1,
            "," if depth == 0 && !is_item => return at + 1,
            word if ITEMS.contains(&word) => is_item = true,
            _ => {}
        }
    }
    tokens.len()
}

fn length_to(tokens: &[&str], end: &str) -> usize {
    tokens
        .iter()
        .position(|token| *token == end)
        .unwrap_or(tokens.len())
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names, `::` and single characters.
fn tokens(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let in_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = if in_word(first) {
            rest.find(|c| !in_word(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        found.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    found
}

#[test]
fn names_of_a_module_are_read() {
    let code = "
        use a::{self, b::{C, D as E}, f::*};
        pub use self::g::H;
        pub(super) use i::J;
        pub struct K { l: m::N }
        #[cfg(test)] mod tests;
        #[cfg(test)] fn o(p: q::R, s: t::U) -> v::W { x::y() }
        const fn z() { aa::bb::<cc::DD>(E) }
        impl K { fn inner() {} #[cfg(test)] pub fn ee() { ff::gg() } fn hh() { ii::jj() } }
    ";
    let module = Module::read("x.rs", code);
    let uses: Vec<_> = module
        .uses
        .iter()
        .map(|import| {
            format!(
                "{} {} {}",
                import.path.join("::"),
                import.name,
                import.public
            )
        })
        .collect();
    assert_eq!(
        uses,
        [
            "a a false",
            "a::b::C C false",
            "a::b::D E false",
            "a::f * false",
            "self::g::H H true",
            "i::J J true"
        ]
    );
    assert_eq!(
        module.defines,
        BTreeSet::from(["K", "z"].map(str::to_owned))
    );
    let paths: Vec<_> = module.paths.iter().map(|path| path.join("::")).collect();
    assert_eq!(paths, ["m::N", "aa::bb", "cc::DD", "ii::jj"]);
    assert_eq!(module.test_modules, BTreeSet::from(["tests".to_owned()]));
    assert!(module.words.contains("E") && !module.words.contains("H"));
}
