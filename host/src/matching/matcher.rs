//! The rules of many plugins as one structure. Which of them a request matches is found in one pass over its host and its path,
//! however many there are, and not by asking each.

use std::net::Ipv6Addr;

use globset::{Glob, GlobSet, GlobSetBuilder};
use smallvec::SmallVec;

use super::host;
use super::reading::{self, PathReading};
use super::rules::{HostPattern, Matches, path_of};

/// Numbers from 0 on, as bits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Set(SmallVec<[u64; 2]>);

impl Set {
    pub fn contains(&self, number: usize) -> bool {
        let word = self.0.get(number / 64);
        word.is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    fn insert(&mut self, number: usize) {
        if self.0.len() <= number / 64 {
            self.0.resize(number / 64 + 1, 0);
        }
        self.0[number / 64] |= 1 << (number % 64);
    }

    fn add(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    fn keep(&mut self, other: &Self) {
        self.0.truncate(other.0.len());
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(index, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros();
                left &= left.wrapping_sub(1);
                (bit < 64).then_some(index * 64 + bit as usize)
            })
        })
    }
}

/// Finds which of the rules that it was made of match. Answers as [`Matches::matches`] does for each.
#[derive(Debug)]
pub enum Matcher {
    Compiled(Box<Compiled>),
    /// Together they are too much for one structure.
    Each(Vec<Matches>),
}

/// See the module's text. The sets are of rules, but for `everything`.
#[derive(Debug, Default)]
pub struct Compiled {
    /// The places of those that match every request.
    everything: Set,
    /// The place of each rule.
    places: Vec<usize>,
    hosts: Globs,
    addresses: Vec<(Ipv6Addr, usize)>,
    any_host: Set,
    paths: Globs,
    any_path: Set,
    /// With the method in upper case.
    methods: Vec<(String, Set)>,
    any_method: Set,
}

/// Globs with the rule of each.
#[derive(Debug, Default)]
struct Globs {
    set: GlobSet,
    rules: Vec<usize>,
}

impl Globs {
    fn new(globs: Vec<(Glob, usize)>) -> Result<Self, globset::Error> {
        let mut set = GlobSetBuilder::new();
        let mut rules = Vec::with_capacity(globs.len());
        for (glob, rule) in globs {
            set.add(glob);
            rules.push(rule);
        }
        let set = set.build()?;
        Ok(Self { set, rules })
    }

    /// Adds the rules one of whose globs matches.
    fn add_to(&self, found: &mut Set, text: &str) {
        if self.rules.is_empty() {
            return;
        }
        for glob in self.set.matches(text) {
            found.insert(self.rules[glob]);
        }
    }
}

impl Matcher {
    /// Of rules, each in its place.
    pub fn new<'a>(all: impl Iterator<Item = &'a Matches> + Clone) -> Self {
        match Compiled::new(all.clone()) {
            Ok(compiled) => Self::Compiled(Box::new(compiled)),
            Err(error) => {
                tracing::warn!("the match rules of the plugins are asked one by one: {error}");
                Self::Each(all.cloned().collect())
            }
        }
    }

    /// The places of those that match; for the parameters see [`Matches::matches`].
    pub fn matching(&self, authority: &str, target: &str, method: &str) -> Set {
        match self {
            Self::Compiled(compiled) => compiled.matching(authority, target, method),
            Self::Each(all) => {
                let mut found = Set::default();
                for (place, matches) in all.iter().enumerate() {
                    if matches.matches(authority, target, method) {
                        found.insert(place);
                    }
                }
                found
            }
        }
    }
}

impl Compiled {
    fn new<'a>(all: impl Iterator<Item = &'a Matches>) -> Result<Self, globset::Error> {
        let (mut hosts, mut paths) = (Vec::new(), Vec::new());
        let mut compiled = Self::default();
        for (place, matches) in all.enumerate() {
            if matches.is_everything() {
                compiled.everything.insert(place);
            }
            for one in matches.rules() {
                let rule = compiled.places.len();
                compiled.places.push(place);
                match &one.host {
                    None => compiled.any_host.insert(rule),
                    Some(HostPattern::Address(address)) => {
                        compiled.addresses.push((*address, rule));
                    }
                    Some(HostPattern::Glob(glob)) => hosts.push((glob.glob().clone(), rule)),
                }
                match &one.path {
                    None => compiled.any_path.insert(rule),
                    Some(path) => paths.extend(path.globs().map(|glob| (glob.clone(), rule))),
                }
                if one.methods.is_empty() {
                    compiled.any_method.insert(rule);
                }
                for method in &one.methods {
                    compiled.add_method(method.as_str(), rule);
                }
            }
        }
        compiled.hosts = Globs::new(hosts)?;
        compiled.paths = Globs::new(paths)?;
        Ok(compiled)
    }

    fn add_method(&mut self, method: &str, rule: usize) {
        let method = method.to_ascii_uppercase();
        let known = self.methods.iter().position(|(known, _)| *known == method);
        let index = known.unwrap_or_else(|| {
            self.methods.push((method, Set::default()));
            self.methods.len() - 1
        });
        self.methods[index].1.insert(rule);
    }

    fn matching(&self, authority: &str, target: &str, method: &str) -> Set {
        let mut places = self.everything.clone();
        let (host, path) = (host::of(authority), path_of(target));
        // What host and method leave; most often nothing is left of many.
        let mut left = self.of_method(method);
        left.keep(&self.of_host(host));
        if left.is_empty() {
            return places;
        }
        let mut found = self.of_path(path);
        if !reading::is_plain(path) {
            for reading in PathReading::ALL {
                found.add(&self.of_path(&reading.read(path)));
            }
        }
        found.keep(&left);
        for rule in found.iter() {
            places.insert(self.places[rule]);
        }
        places
    }

    fn of_method(&self, method: &str) -> Set {
        let mut found = self.any_method.clone();
        let mut methods = self.methods.iter();
        if let Some((_, rules)) = methods.find(|(known, _)| known.eq_ignore_ascii_case(method)) {
            found.add(rules);
        }
        found
    }

    fn of_host(&self, host: &str) -> Set {
        let mut found = self.any_host.clone();
        self.hosts.add_to(&mut found, host);
        if !self.addresses.is_empty()
            && let Some(address) = host::ipv6_literal(host)
        {
            let same = self.addresses.iter().filter(|(own, _)| *own == address);
            same.for_each(|(_, rule)| found.insert(*rule));
        }
        found
    }

    fn of_path(&self, path: &str) -> Set {
        let mut found = self.any_path.clone();
        self.paths.add_to(&mut found, path);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::{MatchRule, method};

    const HOSTS: [&str; 9] = [
        "",
        "",
        "a.test",
        "A.Test",
        "*.test",
        "{a,b}.test",
        "*",
        "[::1]",
        "127.0.0.1",
    ];
    const PATHS: [&str; 16] = [
        "",
        "",
        "/",
        "/api",
        "/api/**",
        "/**",
        "**",
        "/*",
        "/*.png",
        "**/*.png",
        "/users/*/keys",
        "/**/keys",
        "/{a,b}/x",
        "/[ab]/**",
        "/Api",
        "/a%20b",
    ];
    const METHODS: [&[&str]; 5] = [&[], &[], &["GET"], &["POST", "PURGE"], &["Purge"]];
    const AUTHORITIES: [&str; 10] = [
        "",
        "a.test",
        "A.TEST:80",
        "u@a.test.",
        "x.a.test:1",
        "b.test",
        "c.test",
        "[0:0::1]:80",
        "[::2]",
        "127.0.0.1:1",
    ];
    const TARGETS: [&str; 26] = [
        "",
        "*",
        "/",
        "/api",
        "/api/",
        "/api/x?y",
        "/apis",
        "/%61pi/x",
        "/x/../api",
        "/x/..%2fapi",
        "//api",
        "/x/..;/api",
        "/%2561pi",
        "/Api",
        "/a.png",
        "/x/a.png?q",
        "/users/7/keys",
        "/users/7/8/keys",
        "/keys",
        "/a/x",
        "/b/x/y",
        "/c/x",
        "/a%20b",
        "/a/b/c/keys?/api",
        "http://a.test/api",
        "/a?/../api",
    ];

    /// All combinations of pieces of rules; several rules in one place, places without a rule, an empty rule.
    fn all() -> Vec<Matches> {
        let given = |text: &str| !text.is_empty();
        let mut rules = Vec::new();
        for host in HOSTS {
            for path in PATHS {
                for methods in METHODS {
                    rules.push(MatchRule {
                        host: given(host).then(|| host.parse().unwrap()),
                        path: given(path).then(|| path.parse().unwrap()),
                        methods: methods.iter().map(|m| method(m).unwrap()).collect(),
                    });
                }
            }
        }
        let mut all = vec![Matches::default()];
        let mut from = 0;
        while from < rules.len() {
            let to = (from + 1 + from % 3).min(rules.len());
            all.push(Matches::new(rules[from..to].to_vec()));
            from = to;
        }
        all
    }

    #[test]
    fn all_together_answer_as_each_alone() {
        let all = all();
        assert!(all.iter().filter(|one| one.is_everything()).count() > 1);
        let matcher = Matcher::new(all.iter());
        assert!(matches!(matcher, Matcher::Compiled(_)));
        let each = Matcher::Each(all.clone());
        for authority in AUTHORITIES {
            for target in TARGETS {
                for method in ["GET", "get", "POST", "PURGE", "OPTIONS"] {
                    let found = matcher.matching(authority, target, method);
                    let asked = each.matching(authority, target, method);
                    for (place, one) in all.iter().enumerate() {
                        let alone = one.matches(authority, target, method);
                        let answers = [found.contains(place), asked.contains(place)];
                        assert_eq!(
                            answers, [alone; 2],
                            "{method} {authority} {target}: {one:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn sets_hold_what_was_put_in() {
        let mut set = Set::default();
        assert!(set.is_empty() && !set.contains(0) && !set.contains(1000));
        for number in [0, 63, 64, 200] {
            set.insert(number);
        }
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, 200]);
        let mut other = Set::default();
        other.insert(64);
        other.insert(1);
        set.keep(&other);
        assert_eq!(set.iter().collect::<Vec<_>>(), [64]);
        set.add(&other);
        assert_eq!(set.iter().collect::<Vec<_>>(), [1, 64]);
    }
}
