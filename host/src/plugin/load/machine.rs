//! What a plugin asks of the engine, told before it is compiled: kinds of memories and tables that this host does not run, and
//! how much memory there must be from the start.

use wasmparser::{MemoryType, Payload, TableType, TypeRef};

use super::LoadError;
use super::parse::{malformed, walk};

/// Checks a binary module or component with all that is nested in it. Returns the most bytes of memory that one of its
/// modules has from the start.
pub(super) fn check(binary: &[u8]) -> Result<u64, LoadError> {
    // One for each level of nesting.
    let mut modules: Vec<Module> = Vec::new();
    let mut most = 0;
    walk(binary, |depth, payload| {
        if matches!(payload, Payload::Version { .. }) {
            modules.truncate(depth);
            modules.push(Module::default());
        }
        modules.truncate(depth + 1);
        let Some(module) = modules.last_mut() else {
            return Ok(());
        };
        match payload {
            Payload::ImportSection(section) => {
                for import in section.clone().into_imports() {
                    match import.map_err(malformed)?.ty {
                        TypeRef::Memory(memory) => check_memory(&memory)?,
                        TypeRef::Table(table) => check_table(&table)?,
                        _ => {}
                    }
                }
            }
            Payload::MemorySection(section) => {
                for memory in section.clone() {
                    let memory = memory.map_err(malformed)?;
                    check_memory(&memory)?;
                    most = most.max(bytes(&memory));
                    module.memories += 1;
                }
                check_count(
                    module.memories,
                    "more than one memory in a module",
                    "build it so that it has one (without multi-memory)",
                )?;
            }
            Payload::TableSection(section) => {
                for table in section.clone() {
                    check_table(&table.map_err(malformed)?.ty)?;
                    module.tables += 1;
                }
                check_count(
                    module.tables,
                    "more than one table in a module",
                    "build it so that it has one (without reference types, for instance)",
                )?;
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(most)
}

/// What a module has so far, without what it imports.
#[derive(Debug, Default)]
struct Module {
    memories: usize,
    tables: usize,
}

/// The pool of instances has one of each for a module (`plugin/engine.rs`).
fn check_count(count: usize, what: &'static str, advice: &'static str) -> Result<(), LoadError> {
    if count > 1 {
        return Err(LoadError::Unsupported { what, advice });
    }
    Ok(())
}

fn check_memory(memory: &MemoryType) -> Result<(), LoadError> {
    if memory.memory64 {
        return Err(LoadError::Unsupported {
            what: "a memory with 64-bit addresses (memory64)",
            advice: "build it for wasm32",
        });
    }
    if memory.shared {
        return Err(LoadError::Unsupported {
            what: "a shared memory (threads)",
            advice: "build it without threads (no -pthread, no target feature `atomics`)",
        });
    }
    Ok(())
}

fn check_table(table: &TableType) -> Result<(), LoadError> {
    if table.table64 {
        return Err(LoadError::Unsupported {
            what: "a table with 64-bit indices (memory64)",
            advice: "build it for wasm32",
        });
    }
    Ok(())
}

fn bytes(memory: &MemoryType) -> u64 {
    const PAGE: u32 = 16;
    let page = memory.page_size_log2.unwrap_or(PAGE);
    memory
        .initial
        .saturating_mul(1_u64.checked_shl(page).unwrap_or(u64::MAX))
}
