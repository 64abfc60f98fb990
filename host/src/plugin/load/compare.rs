//! Comparing interfaces of a plugin with those of the host, function by function, with the exact place of a difference.

use wasmparser::component_types::{
    ComponentEntityType, ComponentInstanceTypeId, ComponentItem, SubtypeCx,
};
use wasmparser::types::TypesRef;

use super::LoadError;
use super::parse::one_line;
use crate::plugin::kind::hooks::Contract;
use crate::text;

/// The types of both for one version of the contract, from one validator. Types that one side names and the other doesn't are no matter, as in wasmtime:
/// they count where functions use them.
pub(super) struct Comparison<'a> {
    pub contract: &'static Contract,
    pub plugin: TypesRef<'a>,
    pub host: TypesRef<'a>,
}

impl Comparison<'_> {
    /// Every function that the plugin imports must be there.
    pub fn import(
        &self,
        name: &str,
        actual: Option<ComponentInstanceTypeId>,
        expected: Option<ComponentInstanceTypeId>,
    ) -> Result<(), LoadError> {
        let (Some(actual), Some(expected)) = (actual, expected) else {
            return Err(not_an_interface(name));
        };
        for (function, item) in functions(self.plugin, actual) {
            let Some(ours) = self.host[expected].exports.get(function) else {
                return Err(LoadError::MissingImport {
                    contract: self.contract,
                    interface: name.to_owned(),
                    function: function.to_owned(),
                });
            };
            self.function(name, function, item, ours)?;
        }
        Ok(())
    }

    /// Every function that the host calls must be there.
    pub fn export(
        &self,
        name: &str,
        actual: Option<ComponentInstanceTypeId>,
        expected: Option<ComponentInstanceTypeId>,
    ) -> Result<(), LoadError> {
        let (Some(actual), Some(expected)) = (actual, expected) else {
            return Err(not_an_interface(name));
        };
        for (function, ours) in functions(self.host, expected) {
            let Some(item) = self.plugin[actual].exports.get(function) else {
                return Err(LoadError::MissingExport {
                    interface: name.to_owned(),
                    function: function.to_owned(),
                });
            };
            self.function(name, function, item, ours)?;
        }
        Ok(())
    }

    fn function(
        &self,
        interface: &str,
        function: &str,
        plugin: &ComponentItem,
        host: &ComponentItem,
    ) -> Result<(), LoadError> {
        // In this order, so that "expected" is the host's and "found" the plugin's; equality has no direction.
        SubtypeCx::new_with_refs(self.plugin, self.host)
            .component_entity_type(&plugin.ty, &host.ty, 0)
            .map_err(|error| LoadError::TypeMismatch {
                contract: self.contract,
                interface: interface.to_owned(),
                function: function.to_owned(),
                reason: one_line(error.message()),
            })
    }
}

fn functions<'a>(
    types: TypesRef<'a>,
    instance: ComponentInstanceTypeId,
) -> impl Iterator<Item = (&'a str, &'a ComponentItem)> {
    let is_function = |item: &ComponentItem| matches!(item.ty, ComponentEntityType::Func(_));
    let exports = types.get(instance).map(|instance| &instance.exports);
    exports
        .into_iter()
        .flatten()
        .filter(move |(_, item)| is_function(item))
        .map(|(name, item)| (name.as_str(), item))
}

fn not_an_interface(name: &str) -> LoadError {
    LoadError::NotAPlugin {
        found: format!("`{}` is not an interface in it", text::name(name)),
    }
}
