//! Walking through a WebAssembly binary so that a file which just ends too early is told apart from one that is wrong.

use wasmparser::{Chunk, Encoding, Parser, Payload, WasmFeatures};

use super::LoadError;

/// Validating takes time by the square of it.
const MOST_LEVELS: usize = 100;

/// Calls `visit` with every payload, those of nested modules and components included; the number is the depth, 0 for
/// the file itself.
pub(super) fn walk<'a>(
    bytes: &'a [u8],
    mut visit: impl FnMut(usize, &Payload<'a>) -> Result<(), LoadError>,
) -> Result<(), LoadError> {
    let truncated = |place| {
        Err(LoadError::Truncated {
            size: bytes.len(),
            place,
        })
    };
    let mut outer = Vec::new();
    let mut parser = new_parser();
    let mut rest = bytes;
    loop {
        // With `eof` set the parser would report a missing half of a section as any other error.
        let at_end = rest.is_empty();
        let (consumed, payload) = match parser.parse(rest, at_end) {
            Ok(Chunk::Parsed { consumed, payload }) => (consumed, payload),
            Ok(Chunk::NeedMoreData(_)) => return truncated("inside a section"),
            Err(_) if at_end && outer.is_empty() => {
                return truncated("before a section that must follow");
            }
            Err(error) => return Err(malformed(error)),
        };
        rest = &rest[consumed..];
        visit(outer.len(), &payload)?;
        match payload {
            Payload::ModuleSection {
                parser: inner,
                unchecked_range: range,
            }
            | Payload::ComponentSection {
                parser: inner,
                unchecked_range: range,
            } => {
                if range.end > bytes.len() {
                    return truncated("inside a nested module or component");
                }
                if outer.len() == MOST_LEVELS {
                    let reason =
                        format!("more than {MOST_LEVELS} modules and components inside each other");
                    return Err(LoadError::Malformed {
                        offset: range.start,
                        reason,
                    });
                }
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

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
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

/// Refuses types that may be nested so deep that the parsers, which call themselves for each level, run out of stack. That
/// would end the process.
///
/// Each level needs one of two pairs of bytes (a declaration of a type, which is a component's or an instance's), so there
/// are no more levels than pairs. What tools make has one for each interface.
pub(super) fn check_nesting(types: &[u8], offset: usize) -> Result<(), LoadError> {
    const MOST: usize = 200;
    let pairs = types
        .windows(2)
        .filter(|pair| matches!(pair, [0x01, 0x41 | 0x42]));
    if pairs.count() > MOST {
        let reason =
            format!("it declares more than {MOST} types of components and instances inside others");
        return Err(LoadError::Malformed { offset, reason });
    }
    Ok(())
}

/// What a core module shows to the outside.
#[derive(Debug, Default)]
pub(super) struct CoreModule<'a> {
    /// Names of the modules that it imports from, each once.
    pub imports: Vec<&'a str>,
    /// What it imports, as module and name.
    pub imported: Vec<(&'a str, &'a str)>,
    pub exports: Vec<&'a str>,
    /// It carries the custom section in which wit-bindgen describes the world that it was built for.
    pub has_component_type: bool,
}

impl<'a> CoreModule<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Self, LoadError> {
        let mut found = CoreModule::default();
        walk(bytes, |_, payload| {
            match payload {
                Payload::Version { encoding, .. } => debug_assert_eq!(*encoding, Encoding::Module),
                Payload::ImportSection(section) => {
                    for import in section.clone().into_imports() {
                        let import = import.map_err(malformed)?;
                        let module = import.module;
                        found.imported.push((module, import.name));
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
                Payload::CustomSection(section) if section.name().starts_with("component-type") => {
                    found.has_component_type = true;
                    check_nesting(section.data(), section.data_offset())?;
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(found)
    }
}
