//! Compares the file of a schema with the type that it is made of.

use std::fs;

/// What [`settings_schema!`](crate::settings_schema) tests: that a file has this JSON Schema. With the variable `UPDATE_SCHEMA` the file is
/// written instead.
///
/// # Panics
/// If the file has another schema, or cannot be written.
pub fn check_schema(file: &str, schema: &serde_json::Value) {
    let is_same = |text: String| serde_json::from_str(&text).ok().as_ref() == Some(schema);
    if fs::read_to_string(file).is_ok_and(is_same) {
        return;
    }
    assert!(
        std::env::var_os("UPDATE_SCHEMA").is_some(),
        "{file} is not the schema of the settings; run `UPDATE_SCHEMA=1 cargo test` to write it"
    );
    let written = fs::write(file, format!("{schema:#}\n"));
    assert!(written.is_ok(), "cannot write {file}: {written:?}");
}
