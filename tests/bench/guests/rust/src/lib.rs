//! The plugin that `reload.py` and `soak.py` replace again and again. It tells its version in a response field.
//!
//! The version stands in the data of the compiled module, where the benches overwrite it: bytes that no cache has seen,
//! without a compiler run. It also does a plugin's everyday work, so that it has an everyday plugin's size.

use std::collections::BTreeMap;
use std::hint::black_box;

use tollgate_plugin::{Plugin, Request, Response, Result, Verdict};

/// Overwritten in the module: `reload-bench-` and ten digits.
static VERSION: [u8; 23] = *b"reload-bench-0000000000";

#[derive(serde::Deserialize)]
struct Reloaded {}

/// What a client may ask to have added to the answer, as JSON in the field `x-add`.
#[derive(serde::Deserialize, serde::Serialize)]
struct Added {
    fields: BTreeMap<String, String>,
    status: Option<u16>,
    #[serde(default)]
    ratio: f64,
}

impl Plugin for Reloaded {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        if let Some(json) = request.field("x-add") {
            let added: Added = serde_json::from_slice(json.as_bytes())?;
            request.set_field(
                "x-added",
                format!(
                    "{} {:?} {:.3}",
                    added.fields.len(),
                    added.status,
                    added.ratio
                ),
            )?;
        }
        Ok(Verdict::Forward)
    }

    fn return_response(&self, request: &Request, response: &mut Response) -> Result<()> {
        if let Some(json) = request.field("x-add") {
            let added: Added = serde_json::from_slice(json.as_bytes())?;
            for (name, value) in &added.fields {
                response.set_field(name, value.as_str())?;
            }
            response.set_field("x-canonical", serde_json::to_string(&added)?)?;
        }
        Ok(response.set_field("x-version", &black_box(&VERSION)[..])?)
    }
}

tollgate_plugin::export!(Reloaded);
