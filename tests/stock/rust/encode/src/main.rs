//! `encode IN OUT`: makes a component of what cargo built for wasm32-wasip1, as `wasm-component-ld` does for wasm32-wasip2.
//!
//! A program with a `main` gets the adapter for commands, so that it exports `wasi:cli/run` as well; a library the one
//! for reactors. A file that is a component already is copied.

use std::error::Error;
use std::{env, fs};

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW1,
    WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as COMMAND,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as REACTOR,
};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [source, target] = &arguments[..] else {
        return Err("usage: encode IN OUT".into());
    };
    let built = fs::read(source).map_err(|error| format!("{source}: {error}"))?;
    let component = if Parser::is_component(&built) {
        built
    } else {
        component(&built).map_err(|error| format!("{source}: {error:#}"))?
    };
    fs::write(target, component).map_err(|error| format!("{target}: {error}"))?;
    Ok(())
}

fn component(module: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let adapter = if exports(module, "_start")? {
        COMMAND
    } else {
        REACTOR
    };
    let mut encoder = ComponentEncoder::default();
    let encoder = encoder.validate(true).module(module)?;
    Ok(encoder.adapter(PREVIEW1, adapter)?.encode()?)
}

fn exports(module: &[u8], wanted: &str) -> Result<bool, Box<dyn Error>> {
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ExportSection(exports) = payload? {
            for export in exports {
                if export?.name == wanted {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}
