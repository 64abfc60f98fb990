//! One version of a plugin of whatever kind, and its place in a chain.

use std::ops::Deref;
use std::sync::Arc;

use super::common::GuestKind;
use super::hooks::{HooksPlugin, Resources};
use super::wasi_http::StandardComponent;
use crate::interceptor::Link;
use crate::plugin::wasm::PluginVersion;

/// A version that is ready to serve. Clones are the same.
#[derive(Clone)]
pub enum Guest {
    /// For our contract.
    Hooks(Arc<HooksPlugin>),
    /// For a world of `wasi:http`.
    Around(Arc<StandardComponent>),
}

/// What a chain of plugins has in one place.
pub type PluginLink = Link<HooksPlugin, StandardComponent>;

/// What does not depend on the kind is asked of the version itself.
impl Deref for Guest {
    type Target = dyn GuestKind;

    fn deref(&self) -> &Self::Target {
        match self {
            Guest::Hooks(hooks) => hooks.as_ref(),
            Guest::Around(component) => component.as_ref(),
        }
    }
}

impl std::fmt::Debug for Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guest")
            .field("name", &self.version().name)
            .field("tier", &self.tier())
            .finish_non_exhaustive()
    }
}

impl Guest {
    /// Whether it has work that no exchange asks for.
    pub fn has_background(&self) -> bool {
        match self {
            Self::Hooks(hooks) => hooks.has_background(),
            Self::Around(_) => false,
        }
    }

    /// Its place in a chain.
    pub fn link(&self) -> PluginLink {
        match self {
            Guest::Hooks(hooks) => Link::Hooks(hooks.clone()),
            Guest::Around(component) => Link::Around(component.clone()),
        }
    }

    /// The same code as another version, such as one with other settings, with no instance yet.
    #[must_use]
    pub fn again(&self, version: Arc<PluginVersion>) -> Self {
        match self {
            Guest::Hooks(hooks) => Guest::Hooks(Arc::new(hooks.again(version))),
            Guest::Around(component) => Guest::Around(Arc::new(component.again(version))),
        }
    }

    /// The same, with instances that are kept and bounded apart from those of the plugins that serve.
    #[must_use]
    pub fn apart(&self, version: Arc<PluginVersion>, resources: Resources) -> Self {
        match self {
            Guest::Hooks(hooks) => Guest::Hooks(Arc::new(hooks.apart(version, resources))),
            // It keeps none.
            Guest::Around(component) => Guest::Around(Arc::new(component.again(version))),
        }
    }

    /// Whether both are the same version with the same code.
    pub fn is_same(&self, other: &Self) -> bool {
        self.link().is_same(&other.link())
    }

    /// Whether no chain, no exchange and nobody else has it.
    pub fn is_unused(&self) -> bool {
        match self {
            Guest::Hooks(hooks) => Arc::strong_count(hooks) == 1,
            Guest::Around(component) => Arc::strong_count(component) == 1,
        }
    }
}
