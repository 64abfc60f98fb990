//! Plugins for a version of the contract that this host doesn't serve: which it is, and what to do about it.

use std::cmp::Ordering;

use super::LoadError;
use crate::plugin::contract::Contracts;

/// The error about a name of our package with a version, or without one, that doesn't fit.
pub(super) fn other(
    direction: &'static str,
    name: &str,
    version: Option<&str>,
    contracts: Contracts,
) -> LoadError {
    let newest = contracts.newest();
    let rebuild = format!(
        "rebuild the plugin with the WIT or SDK of {}",
        newest.package()
    );
    let (what, advice) = match version.map_or(Age::Unnumbered, |version| age(version, contracts)) {
        Age::Newer => (
            "a newer contract",
            format!("use a newer tollgate, or {rebuild}"),
        ),
        Age::Older => ("an older contract", rebuild),
        Age::Between => ("another contract", rebuild),
        Age::Draft => (
            "a draft of a contract",
            format!("a draft fits no other version, so {rebuild}"),
        ),
        Age::Unnumbered => (
            "a contract without a full version",
            format!("{rebuild}, whose names end with `@{}`", newest.version),
        ),
    };
    LoadError::OtherContract {
        what,
        direction,
        name: name.to_owned(),
        served: contracts.to_string(),
        advice,
    }
}

/// A version beside those that are served.
#[derive(Debug, PartialEq, Eq)]
enum Age {
    Newer,
    Older,
    /// Newer than one that is served and older than another.
    Between,
    /// Marked as what comes before a release: `0.2.0-rc.1`.
    Draft,
    /// Not three numbers.
    Unnumbered,
}

fn age(version: &str, contracts: Contracts) -> Age {
    let (release, _build) = version.split_once('+').unwrap_or((version, ""));
    if release.contains('-') {
        return Age::Draft;
    }
    let Some(number) = number(release) else {
        return Age::Unnumbered;
    };
    let compared: Vec<Ordering> = contracts
        .iter()
        .filter_map(|contract| Some(number.cmp(&self::number(contract.version)?)))
        .collect();
    let all = |expected| compared.iter().all(|ordering| *ordering == expected);
    match (all(Ordering::Greater), all(Ordering::Less)) {
        (true, _) => Age::Newer,
        (_, true) => Age::Older,
        _ => Age::Between,
    }
}

/// The three numbers of a release.
fn number(version: &str) -> Option<[u64; 3]> {
    let (release, _) = version.split_once('-').unwrap_or((version, ""));
    let parts: Result<Vec<u64>, _> = release.split('.').map(str::parse).collect();
    parts.ok()?.try_into().ok()
}
