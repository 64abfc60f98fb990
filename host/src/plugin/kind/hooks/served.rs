//! The versions of the contract that this host serves, side by side: one row in one table for each.

use std::fmt;

use super::abi::Functions;
use super::capability::Capability;
use super::contract::{Contract, PACKAGE};
use super::{standard, v0_1};

/// What [`Contracts::SERVED`] holds, newest first.
static SERVED: [&Contract; 1] = [&v0_1::CONTRACT];

/// The versions that a host serves, newest first.
#[derive(Debug, Clone, Copy)]
pub struct Contracts(pub(super) &'static [&'static Contract]);

impl Contracts {
    /// What this program serves.
    pub const SERVED: Contracts = Contracts(&SERVED);

    /// Newest first.
    pub fn iter(self) -> impl Iterator<Item = &'static Contract> {
        self.0.iter().copied()
    }

    /// The rows of what plugins for any of them may import: of every version, and of others that they refer to.
    pub fn capabilities(self) -> impl Iterator<Item = &'static Capability> {
        let own = self.iter().flat_map(|contract| contract.capabilities);
        standard::CAPABILITIES.iter().chain(own)
    }

    /// All that a plugin for any of them may import, if it is linked directly.
    pub fn functions(self) -> Functions {
        let mut functions = Functions::default();
        for capability in self.capabilities() {
            (capability.functions)(&mut functions.interface(capability.interface));
        }
        functions
    }

    /// The one to build plugins for.
    pub fn newest(self) -> &'static Contract {
        self.0[0]
    }

    /// The one of this name, as its `Display` writes it.
    pub fn named(self, name: &str) -> Option<&'static Contract> {
        self.iter().find(|contract| contract.to_string() == name)
    }
}

/// `tollgate:proxy@0.2.x and tollgate:proxy@0.1.x`
impl fmt::Display for Contracts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, contract) in self.iter().enumerate() {
            let and = if number == 0 { "" } else { " and " };
            write!(f, "{and}{PACKAGE}@{}", contract.versions())?;
        }
        Ok(())
    }
}
