//! The one door to the generated code: nothing outside of `host/guest.rs` and `export!` looks behind it.
//!
//! wit-bindgen turns the contract (`wit/v0.1`, world `plugin`) into raw imports, into the trait that `export!`
//! implements, and into the custom section by which the host knows which contract a plugin was built for.

wit_bindgen::generate!({
    path: "wit/v0.1",
    world: "plugin",
    generate_all,
    pub_export_macro: true,
    default_bindings_module: "tollgate_plugin::bindings",
});

/// Waiting, for the feature `clocks`.
#[cfg(feature = "clocks")]
pub(crate) mod clocks {
    wit_bindgen::generate!({ path: "wit", world: "tollgate:sdk/clocks", generate_all });
}
