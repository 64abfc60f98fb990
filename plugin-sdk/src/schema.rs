//! The schema of a plugin's settings: a JSON file beside the source that becomes a custom section of the module.

/// Puts a JSON Schema of the plugin's settings into the module. The host checks settings against it before it starts the plugin, and
/// names the key, the value and what was expected.
///
/// The path of the file is relative to the plugin's `Cargo.toml`. If the type of the settings follows, there is a test that compares
/// the file with that type, which must derive `schemars::JsonSchema` in tests. `UPDATE_SCHEMA=1 cargo test` writes the file.
///
/// ```ignore
/// #[derive(serde::Deserialize)]
/// #[cfg_attr(test, derive(schemars::JsonSchema))]
/// struct Settings {
///     max_age: u32,
/// }
///
/// tollgate_plugin::settings_schema!("settings.schema.json", Settings);
/// ```
///
/// The crate `schemars` is needed in `[dev-dependencies]` only: the module has the file, and no code for it. A macro cannot compute the
/// content of a section from a type, because a section is data of the compiler's.
#[macro_export]
macro_rules! settings_schema {
    ($file:literal) => {
        #[cfg(target_family = "wasm")]
        #[allow(
            unsafe_code,
            reason = "the name of a section that no linker gives a meaning to"
        )]
        const _: () = {
            const FILE: &[u8] = ::core::include_bytes!(::core::concat!(
                ::core::env!("CARGO_MANIFEST_DIR"),
                "/",
                $file
            ));
            #[used]
            #[unsafe(link_section = "tollgate:settings-schema")]
            static SECTION: [u8; FILE.len()] = *::core::include_bytes!(::core::concat!(
                ::core::env!("CARGO_MANIFEST_DIR"),
                "/",
                $file
            ));
        };
    };
    ($file:literal, $settings:ty) => {
        $crate::settings_schema!($file);

        #[cfg(test)]
        #[test]
        fn the_schema_is_that_of_the_settings() {
            let schema = ::schemars::schema_for!($settings);
            let file = ::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", $file);
            $crate::testing::check_schema(file, &schema.to_value());
        }
    };
}
