//! Plugins for a version of the contract that this host doesn't serve: which it is, and what to do about it.

use std::fmt;

use crate::plugin::kind::hooks::Contracts;

/// A version beside those that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    Newer,
    Older,
    /// Newer than one that is served and older than another.
    Between,
    /// Marked as what comes before a release: `0.2.0-rc.1`.
    Draft,
    /// Not three numbers.
    Unnumbered,
}

impl Age {
    /// What to do about a plugin for such a version when these are served.
    pub fn advice(self, contracts: Contracts) -> String {
        let newest = contracts.newest();
        let package = newest.package();
        let rebuild = format!("rebuild the plugin with the WIT or SDK of {package}");
        match self {
            Age::Newer => format!("use a newer tollgate, or {rebuild}"),
            Age::Older | Age::Between => rebuild,
            Age::Draft => format!("a draft fits no other version, so {rebuild}"),
            Age::Unnumbered => format!("{rebuild}, whose names end with `@{}`", newest.version),
        }
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Age::Newer => "a newer contract",
            Age::Older => "an older contract",
            Age::Between => "another contract",
            Age::Draft => "a draft of a contract",
            Age::Unnumbered => "a contract without a full version",
        })
    }
}

/// Where a version stands among those that are served.
pub(super) fn age(version: &str, served: &[&str]) -> Age {
    let (release, _build) = version.split_once('+').unwrap_or((version, ""));
    if release.contains('-') {
        return Age::Draft;
    }
    let Some(number) = numbers(release) else {
        return Age::Unnumbered;
    };
    let served: Vec<_> = served.iter().filter_map(|served| numbers(served)).collect();
    if served.iter().all(|served| number > *served) {
        Age::Newer
    } else if served.iter().all(|served| number < *served) {
        Age::Older
    } else {
        Age::Between
    }
}

/// The three numbers of a version, whether it is released or a draft.
fn numbers(version: &str) -> Option<[u64; 3]> {
    let (release, _draft) = version.split_once('-').unwrap_or((version, ""));
    let numbers: Result<Vec<u64>, _> = release.split('.').map(str::parse).collect();
    numbers.ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_placed_among_those_that_are_served() {
        let served = ["1.0.0", "0.4.0-rc.1", "0.2.0"];
        let cases = [
            ("2.0.0", Age::Newer),
            ("0.3.0", Age::Between),
            ("0.10.0", Age::Between),
            ("0.1.9+build", Age::Older),
            ("0.4.0-rc.2", Age::Draft),
            ("0.3", Age::Unnumbered),
            ("0.3.0.0", Age::Unnumbered),
            ("", Age::Unnumbered),
            ("a.b.c", Age::Unnumbered),
        ];
        for (version, expected) in cases {
            assert_eq!(age(version, &served), expected, "{version}");
        }
    }
}
