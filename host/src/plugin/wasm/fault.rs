//! What an error of wasmtime's means to whoever runs the plugin.

use wasmtime::WasmBacktrace;

use super::limits::MemoryLimiter;
use crate::interceptor::InterceptError;
use crate::text;

/// What has nothing to do with time: that is told by the kind of guest, which knows how it counts.
pub fn explain(error: &wasmtime::Error, memory: &MemoryLimiter) -> InterceptError {
    if memory.refused() {
        return InterceptError::Memory {
            limit: memory.limit(),
        };
    }
    if error
        .downcast_ref::<wasmtime::PoolConcurrencyLimitError>()
        .is_some()
    {
        return InterceptError::Unavailable(error.root_cause().to_string());
    }
    let place = innermost_function(error);
    InterceptError::Trapped(match error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        // WASI 0.2 tells no more of the status than this.
        Some(exit) => {
            let status = if exit.0 == 0 { "0" } else { "other than 0" };
            format!(
                "`exit` was called with a status {status}{place}; a plugin returns from its hook instead"
            )
        }
        None => format!("{}{place}", text::lines(&error.root_cause().to_string())),
    })
}

/// Functions by which a guest's library and its adapter end a process: where they were called says more than they do.
fn ends_process(name: &str) -> bool {
    let in_adapter = name.contains("wasi_snapshot_preview1") || name.contains("proc_exit");
    in_adapter || ["exit", "_exit", "_Exit", "quick_exit"].contains(&name)
}

/// ` in NAME` for the function that trapped, if the plugin carries function names.
fn innermost_function(error: &wasmtime::Error) -> String {
    let frames = error
        .downcast_ref::<WasmBacktrace>()
        .map(WasmBacktrace::frames)
        .unwrap_or_default();
    let mut names = frames.iter().filter_map(|frame| frame.func_name());
    let name = names.find(|name| !ends_process(name));
    name.map(|name| format!(" in {}", text::name(name)))
        .unwrap_or_default()
}
