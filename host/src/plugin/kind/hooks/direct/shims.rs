//! The small modules that `wit-component` puts around a plugin's own: they break the circle in which a module needs functions that
//! need its memory.
//!
//! The shim exports functions that call whatever is in its table; the plugin is made with those; then the fix-up puts the
//! functions themselves into the table. A third one has nothing but a start function, which calls the plugin's `_initialize`.
//! Modules that do anything else are not what they seem, and their component stays one.

use wasmparser::{
    ConstExpr, ElementItems, ElementKind, ExternalKind, Operator, Parser, Payload, RefType, TypeRef,
};

use super::items::malformed;

/// The name of the table in both.
pub const TABLE: &str = "$imports";

type Unknown = String;

fn unknown(what: &str) -> Unknown {
    format!("has a module beside its own that {what}")
}

/// Names of the functions that the shim exports, by their places in its table.
///
/// # Errors
/// When it is no shim.
pub fn read_shim(module: &[u8]) -> Result<Vec<&str>, Unknown> {
    let mut names = Vec::new();
    let mut bodies = 0;
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(malformed)? {
            Payload::Version { .. }
            | Payload::TypeSection(_)
            | Payload::FunctionSection(_)
            | Payload::TableSection(_)
            | Payload::CodeSectionStart { .. }
            | Payload::CustomSection(_)
            | Payload::End(_) => {}
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.map_err(malformed)?;
                    match export.kind {
                        ExternalKind::Func if export.index as usize == names.len() => {
                            names.push(export.name);
                        }
                        ExternalKind::Table if export.name == TABLE => {}
                        _ => return Err(unknown("exports more than a shim does")),
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                let mut operators = body.get_operators_reader().map_err(malformed)?;
                let has_locals = body.get_locals_reader().map_err(malformed)?.get_count() > 0;
                let mut params = 0;
                let slot = loop {
                    match operators.read().map_err(malformed)? {
                        Operator::LocalGet { local_index } if local_index == params => params += 1,
                        Operator::I32Const { value } => break value,
                        _ => return Err(unknown("computes")),
                    }
                };
                let calls = matches!(
                    operators.read().map_err(malformed)?,
                    Operator::CallIndirect { table_index: 0, .. }
                );
                let ends = matches!(operators.read().map_err(malformed)?, Operator::End);
                if has_locals || !calls || !ends || !operators.eof() || slot != bodies {
                    return Err(unknown("computes"));
                }
                bodies += 1;
            }
            _ => return Err(unknown("has more than a shim does")),
        }
    }
    if usize::try_from(bodies) != Ok(names.len()) {
        return Err(unknown("hides a function"));
    }
    Ok(names)
}

/// Names of the functions that the fix-up imports, in the order in which it puts them into the table.
///
/// # Errors
/// When it is no fix-up.
pub fn read_fixup(module: &[u8]) -> Result<Vec<&str>, Unknown> {
    let mut names = Vec::new();
    let mut filled = false;
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(malformed)? {
            Payload::Version { .. }
            | Payload::TypeSection(_)
            | Payload::CustomSection(_)
            | Payload::End(_) => {}
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.map_err(malformed)?;
                    match import.ty {
                        TypeRef::Func(_) => names.push(import.name),
                        TypeRef::Table(_) if import.name == TABLE => {}
                        _ => return Err(unknown("imports more than a fix-up does")),
                    }
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    let element = element.map_err(malformed)?;
                    let ElementKind::Active {
                        table_index: None | Some(0),
                        offset_expr,
                    } = element.kind
                    else {
                        return Err(unknown("fills no table"));
                    };
                    let functions = elements(element.items)?;
                    let in_order = functions.iter().copied().eq(0..names.len());
                    if filled || !is_zero(&offset_expr) || !in_order {
                        return Err(unknown("fills its table in another order"));
                    }
                    filled = true;
                }
            }
            _ => return Err(unknown("has more than a fix-up does")),
        }
    }
    if filled || names.is_empty() {
        Ok(names)
    } else {
        Err(unknown("fills no table"))
    }
}

fn is_zero(offset: &ConstExpr<'_>) -> bool {
    let mut operators = offset.get_operators_reader();
    matches!(operators.read(), Ok(Operator::I32Const { value: 0 }))
        && matches!(operators.read(), Ok(Operator::End))
}

/// Indices of the functions of an element.
fn elements(items: ElementItems<'_>) -> Result<Vec<usize>, Unknown> {
    match items {
        ElementItems::Functions(section) => section
            .into_iter()
            .map(|index| index.map(|index| index as usize).map_err(malformed))
            .collect(),
        ElementItems::Expressions(RefType::FUNCREF, section) => section
            .into_iter()
            .map(|item| {
                let mut operators = item.map_err(malformed)?.get_operators_reader();
                match operators.read().map_err(malformed)? {
                    Operator::RefFunc { function_index } => Ok(function_index as usize),
                    _ => Err(unknown("fills its table with more than functions")),
                }
            })
            .collect(),
        ElementItems::Expressions(..) => Err(unknown("fills no table of functions")),
    }
}

/// Checks that a module has nothing but a start function, which is its one import.
///
/// # Errors
/// When there is more.
pub fn check_starter(module: &[u8]) -> Result<(), Unknown> {
    let (mut imports, mut starts) = (0, false);
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(malformed)? {
            Payload::Version { .. }
            | Payload::TypeSection(_)
            | Payload::CustomSection(_)
            | Payload::End(_) => {}
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    match import.map_err(malformed)?.ty {
                        TypeRef::Func(_) => imports += 1,
                        _ => return Err(unknown("imports more than a function")),
                    }
                }
            }
            Payload::StartSection { func: 0, .. } => starts = true,
            _ => return Err(unknown("has more than a start function")),
        }
    }
    if starts && imports == 1 {
        Ok(())
    } else {
        Err(unknown("is not known"))
    }
}
