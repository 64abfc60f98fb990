//! Walking through a WebAssembly binary so that a file which just ends too early is told apart from one that is wrong.

use wasmparser::{Chunk, Encoding, Parser, Payload, WasmFeatures};

use super::LoadError;

/// Calls `visit` with every payload, those of nested modules and components included; the number is the depth, 0 for
/// the file itself.
pub(super) fn walk<'a>(
    bytes: &'a [u8],
    mut visit: impl FnMut(usize, &Payload<'a>) -> Result<(), LoadError>,
) -> Result<(), LoadError> {
    let mut outer = Vec::new();
    let mut parser = new_parser();
    let mut rest = bytes;
    loop {
        // With `eof` set the parser would report a missing half of a section as any other error.
        let at_end = rest.is_empty() && outer.is_empty();
        let (consumed, payload) = match parser.parse(rest, at_end).map_err(malformed)? {
            Chunk::Parsed { consumed, payload } => (consumed, payload),
            Chunk::NeedMoreData(_) => {
                let place = if rest.is_empty() {
                    "inside a nested module or component"
                } else {
                    "inside a section"
                };
                return Err(LoadError::Truncated {
                    size: bytes.len(),
                    place,
                });
            }
        };
        rest = &rest[consumed..];
        visit(outer.len(), &payload)?;
        match payload {
            Payload::ModuleSection { parser: inner, .. }
            | Payload::ComponentSection { parser: inner, .. } => {
                outer.push(std::mem::replace(&mut parser, inner));
            }
            Payload::End(_) => match outer.pop() {
                Some(next) => parser = next,
                None => return Ok(()),
            },
            _ => {}
        }
    }
}

fn new_parser() -> Parser {
    let mut parser = Parser::new(0);
    parser.set_features(WasmFeatures::all());
    parser
}

pub(super) fn malformed(error: wasmparser::Error) -> LoadError {
    LoadError::Malformed {
        offset: error.offset(),
        reason: one_line(error.message()),
    }
}

/// The parsers draw their errors over several lines; a log wants one.
pub(super) fn one_line(message: &str) -> String {
    message
        .lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(": ")
}

/// What a core module shows to the outside.
#[derive(Debug, Default)]
pub(super) struct CoreModule<'a> {
    /// Names of the modules that it imports from, each once.
    pub imports: Vec<&'a str>,
    pub exports: Vec<&'a str>,
    /// It carries the custom section in which wit-bindgen describes the world that it was built for.
    pub has_component_type: bool,
}

impl<'a> CoreModule<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Self, LoadError> {
        let mut found = CoreModule::default();
        let mut functions = 0;
        walk(bytes, |_, payload| {
            match payload {
                Payload::Version { encoding, .. } => debug_assert_eq!(*encoding, Encoding::Module),
                Payload::ImportSection(section) => {
                    for import in section.clone().into_imports() {
                        let module = import.map_err(malformed)?.module;
                        if !found.imports.contains(&module) {
                            found.imports.push(module);
                        }
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section.clone() {
                        found.exports.push(export.map_err(malformed)?.name);
                    }
                }
                Payload::FunctionSection(section) => functions = section.count(),
                Payload::CodeSectionStart { count, .. } => functions -= functions.min(*count),
                Payload::CustomSection(section) => {
                    found.has_component_type |= section.name().starts_with("component-type");
                }
                _ => {}
            }
            Ok(())
        })?;
        match functions {
            0 => Ok(found),
            _ => Err(LoadError::Truncated {
                size: bytes.len(),
                place: "before the code of its functions",
            }),
        }
    }
}
