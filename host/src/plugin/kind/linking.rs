//! How a plugin's code is linked to the host. Its author doesn't notice.

use std::fmt;

/// One of the two ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linking {
    /// Its one core module calls the host's functions.
    Direct,
    /// With the machinery of the component model between them.
    Component {
        /// Why not directly; none if the code is from the cache.
        why: Option<String>,
    },
}

impl Linking {
    /// As the cache names it.
    pub fn name(&self) -> &'static str {
        match self {
            Linking::Direct => "direct",
            Linking::Component { .. } => "component",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "direct" => Some(Linking::Direct),
            "component" => Some(Linking::Component { why: None }),
            _ => None,
        }
    }
}

impl fmt::Display for Linking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Linking::Direct => f.write_str("directly: it is one core module"),
            Linking::Component { why: None } => f.write_str("as a component"),
            Linking::Component { why: Some(why) } => write!(f, "as a component: {why}"),
        }
    }
}
