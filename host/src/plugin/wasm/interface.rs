//! Names of interfaces, and which versions of them fit together.
//!
//! The rule is wasmtime's, so that what passes here links there: `1.2.3` and `1.4.0` are on one track, so are `0.2.0`
//! and `0.2.9`; `0.0.x` and pre-releases fit only themselves.

/// `tollgate:proxy/request@0.1.0`, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterfaceName<'a> {
    /// `tollgate:proxy`
    pub package: &'a str,
    /// `request`
    pub interface: &'a str,
    /// `0.1.0`
    pub version: Option<&'a str>,
}

impl<'a> InterfaceName<'a> {
    /// None for what is not a name of this form, such as the plain name of a function.
    pub fn parse(name: &'a str) -> Option<Self> {
        let (path, version) = match name.split_once('@') {
            Some((path, version)) => (path, Some(version)),
            None => (name, None),
        };
        let (package, interface) = path.split_once('/')?;
        (package.contains(':') && !package.contains('=')).then_some(Self {
            package,
            interface,
            version,
        })
    }

    /// Whether one can stand in for the other.
    pub fn fits(&self, other: &InterfaceName<'_>) -> bool {
        let same = (self.package, self.interface) == (other.package, other.interface);
        same && versions_fit(self.version, other.version)
    }
}

pub fn versions_fit(one: Option<&str>, other: Option<&str>) -> bool {
    let one_track = one.and_then(track);
    one == other || (one_track.is_some() && one_track == other.and_then(track))
}

/// The part of a version that compatible versions have in common: `1` of `1.2.3`, `0.2` of `0.2.3`. None for versions
/// that fit only themselves.
pub fn track(version: &str) -> Option<&str> {
    let (core, _build) = version.split_once('+').unwrap_or((version, ""));
    if core.contains('-') {
        return None;
    }
    let (major, rest) = core.split_once('.')?;
    let (minor, _patch) = rest.split_once('.')?;
    match (major, minor) {
        ("0", "0") => None,
        ("0", minor) => Some(&version[..2 + minor.len()]),
        (major, _) => Some(major),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_apart() {
        let name = InterfaceName::parse("wasi:config/store@0.2.0-rc.1").unwrap();
        assert_eq!(
            (name.package, name.interface, name.version),
            ("wasi:config", "store", Some("0.2.0-rc.1"))
        );
        assert_eq!(InterfaceName::parse("a:b/c").unwrap().version, None);
        for other in ["run", "a/b", "unlocked-dep=<a:b/c@{>=1.0.0}>"] {
            assert_eq!(InterfaceName::parse(other), None, "{other}");
        }
    }

    #[test]
    fn versions_fit_as_in_wasmtime() {
        let cases = [
            ("0.1.0", "0.1.7", true),
            ("0.1.0", "0.1.7+build", true),
            ("0.1.0", "0.2.0", false),
            ("0.1.0", "0.10.0", false),
            ("1.0.0", "1.4.2", true),
            ("1.0.0", "2.0.0", false),
            ("0.0.1", "0.0.1", true),
            ("0.0.1", "0.0.2", false),
            ("0.2.0-rc.1", "0.2.0-rc.1", true),
            ("0.2.0-rc.1", "0.2.0", false),
            ("0.1.0", "nonsense", false),
        ];
        for (one, other, expected) in cases {
            assert_eq!(
                versions_fit(Some(one), Some(other)),
                expected,
                "{one} {other}"
            );
            assert_eq!(
                versions_fit(Some(other), Some(one)),
                expected,
                "{other} {one}"
            );
        }
        assert!(!versions_fit(Some("0.1.0"), None));
    }
}
