//! The versions of one plugin that served and are kept, so that it can be rolled back at once, and what its file held when it was.

use std::hash::Hash;

/// Versions that are kept besides the one that serves.
const BEFORE: usize = 3;

/// Versions in the order in which they came from the plugin's file, the oldest first. `H` names a content, `G` is code.
#[derive(Debug)]
pub struct Versions<H, G> {
    kept: Vec<(H, G)>,
    /// The one that serves, or would if the plugin were not switched off.
    serving: Option<H>,
    /// What the file held when the plugin was rolled back: as long as it holds this, the version that serves goes on.
    pin: Option<H>,
    /// What the file held when it was last looked at.
    file: Option<H>,
}

impl<H, G> Default for Versions<H, G> {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            serving: None,
            pin: None,
            file: None,
        }
    }
}

impl<H: Copy + Eq + Hash, G> Versions<H, G> {
    /// The file has this content.
    pub fn saw(&mut self, content: H) {
        self.file = Some(content);
    }

    /// A version from the file serves. Gives back what is not kept any more.
    pub fn served(&mut self, content: H, code: G) -> Vec<G> {
        self.serving = Some(content);
        self.pin = None;
        let same = self.kept.extract_if(.., |(kept, _)| *kept == content);
        let mut gone: Vec<G> = same.map(|(_, code)| code).collect();
        self.kept.push((content, code));
        let surplus = self.kept.len().saturating_sub(BEFORE + 1);
        gone.extend(self.kept.drain(..surplus).map(|(_, code)| code));
        gone
    }

    /// The version that serves has other code: better, or with another configuration. Gives back what it had.
    pub fn replaced(&mut self, code: G) -> Option<G> {
        let kept = self.kept.iter_mut();
        let mut kept = kept.filter(|(content, _)| Some(*content) == self.serving);
        let (_, old) = kept.next()?;
        Some(std::mem::replace(old, code))
    }

    /// What served before the version that serves.
    pub fn before(&self) -> Option<(H, &G)> {
        let at = self.place()?.checked_sub(1)?;
        let (content, code) = self.kept.get(at)?;
        Some((*content, code))
    }

    /// The version before serves, with this code. Gives back what it had.
    pub fn rolled_back(&mut self, code: G) -> Option<G> {
        let (content, _) = self.before()?;
        // One that was never looked at holds what served.
        self.pin = self.pin.or(self.file).or(self.serving);
        self.serving = Some(content);
        self.replaced(code)
    }

    /// The version to go on with if the file holds what it held when the plugin was rolled back.
    pub fn pinned(&self) -> Option<(H, &G)> {
        let (_, code) = self.kept.get(self.place()?)?;
        Some((self.pin?, code))
    }

    /// Whether the version that serves goes on whatever its file holds.
    pub fn is_pinned(&self) -> bool {
        self.pin.is_some()
    }

    /// The content that it is pinned against.
    pub fn pin(&self) -> Option<H> {
        self.pin
    }

    /// Whether this is the version that serves.
    pub fn is_serving(&self, content: H) -> bool {
        self.serving == Some(content)
    }

    /// From now on it serves what its file holds.
    pub fn unpin(&mut self) {
        self.pin = None;
    }

    /// Lets go of all.
    pub fn into_code(self) -> impl Iterator<Item = G> {
        self.kept.into_iter().map(|(_, code)| code)
    }

    fn place(&self) -> Option<usize> {
        let mut kept = self.kept.iter();
        kept.position(|(content, _)| Some(*content) == self.serving)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(versions: &Versions<u8, &'static str>) -> Vec<&'static str> {
        versions.kept.iter().map(|(_, code)| *code).collect()
    }

    fn of(contents: &[(u8, &'static str)]) -> Versions<u8, &'static str> {
        let mut versions = Versions::default();
        for (content, code) in contents {
            versions.saw(*content);
            versions.served(*content, *code);
        }
        versions
    }

    #[test]
    fn the_last_three_before_the_one_that_serves_are_kept() {
        let mut versions = of(&[(1, "a"), (2, "b"), (3, "c"), (4, "d")]);
        assert_eq!(names(&versions), ["a", "b", "c", "d"]);
        assert_eq!(versions.served(5, "e"), ["a"]);
        assert_eq!(
            versions.served(3, "c2"),
            ["c"],
            "one that comes back is the newest"
        );
        assert_eq!(names(&versions), ["b", "d", "e", "c2"]);
        assert_eq!(versions.before(), Some((5, &"e")));
        assert_eq!(of(&[(1, "a")]).before(), None);
    }

    #[test]
    fn rolling_back_goes_back_one_by_one_and_pins() {
        let mut versions = of(&[(1, "a"), (2, "b"), (3, "c")]);
        assert_eq!(versions.rolled_back("b2"), Some("b"));
        assert_eq!(versions.pinned(), Some((3, &"b2")));
        assert_eq!(versions.rolled_back("a2"), Some("a"));
        assert_eq!(
            versions.pinned(),
            Some((3, &"a2")),
            "it is the file's content that counts"
        );
        assert_eq!(versions.rolled_back("x"), None);
        assert_eq!(names(&versions), ["a2", "b2", "c"]);
        // The file has another content: it serves, and nothing is pinned.
        versions.served(4, "d");
        assert!(!versions.is_pinned());
        assert_eq!(versions.before(), Some((3, &"c")));
    }

    #[test]
    fn a_file_that_was_refused_is_what_a_rolled_back_plugin_is_pinned_against() {
        let mut versions = of(&[(1, "a"), (2, "b")]);
        versions.saw(9);
        versions.rolled_back("a2");
        assert_eq!(versions.pin(), Some(9));
    }

    #[test]
    fn promoted_it_can_be_rolled_back_again() {
        let mut versions = of(&[(1, "a"), (2, "b"), (3, "c")]);
        versions.rolled_back("b2");
        versions.unpin();
        assert_eq!(versions.served(3, "c2"), ["c"]);
        assert_eq!(versions.before(), Some((2, &"b2")));
        assert_eq!(versions.into_code().collect::<Vec<_>>(), ["a", "b2", "c2"]);
    }
}
