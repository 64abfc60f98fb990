//! A module without custom sections that nobody here needs. What stands in one never makes a module invalid (WebAssembly core
//! specification, section 2.5), and tools that read them all refuse a module for any that they can't read.

use std::borrow::Cow;

use wasmparser::{CustomSectionReader, Name, NameSectionReader, Parser, Payload};

use crate::plugin::schema::SECTION;

/// `\0asm` and the version.
const HEADER: usize = 8;

/// The contents of the custom sections with this name, of a module or of a component and all that is in it, each once.
pub(super) fn contents(binary: &[u8], name: &str) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    // What is wrong with the file is told by those who read it next.
    for payload in Parser::new(0).parse_all(binary).map_while(Result::ok) {
        if let Payload::CustomSection(section) = payload
            && section.name() == name
            && !found.iter().any(|known| known == section.data())
        {
            found.push(section.data().to_vec());
        }
    }
    found
}

/// A binary core module with the custom sections that are used: the description of a plugin, which is checked later, the schema
/// of its settings, and the names of functions, if they can be read.
pub(super) fn strip(module: &[u8]) -> Cow<'_, [u8]> {
    let mut kept = module.get(..HEADER).unwrap_or_default().to_vec();
    let mut at = HEADER;
    for payload in Parser::new(0).parse_all(module) {
        let Ok(payload) = payload else {
            // What is wrong with the module is told by those who read it next.
            return Cow::Borrowed(module);
        };
        let Some((_, content)) = payload.as_section() else {
            continue;
        };
        // Kind and size come before the content, right behind the section before.
        let section = at..content.end;
        at = content.end;
        let used = match &payload {
            Payload::CustomSection(custom) => is_used(custom),
            _ => true,
        };
        if used {
            kept.extend_from_slice(module.get(section).unwrap_or_default());
        }
    }
    Cow::Owned(kept)
}

fn is_used(section: &CustomSectionReader<'_>) -> bool {
    match section.name() {
        "name" => are_readable(section),
        SECTION => true,
        name => name.starts_with("component-type"),
    }
}

fn are_readable(section: &CustomSectionReader<'_>) -> bool {
    let reader = wasmparser::BinaryReader::new(section.data(), section.data_offset());
    NameSectionReader::new(reader).into_iter().all(|part| {
        let Ok(part) = part else { return false };
        match part {
            Name::Function(map)
            | Name::Type(map)
            | Name::Table(map)
            | Name::Memory(map)
            | Name::Global(map)
            | Name::Element(map)
            | Name::Data(map)
            | Name::Tag(map) => map.into_iter().all(|name| name.is_ok()),
            Name::Local(map) | Name::Label(map) | Name::Field(map) => {
                map.into_iter().all(|names| {
                    names.is_ok_and(|names| names.names.into_iter().all(|name| name.is_ok()))
                })
            }
            Name::Module { .. } | Name::Unknown { .. } => true,
        }
    })
}
