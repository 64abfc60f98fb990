//! What becomes of a panic in a wasm build: the host is told why the plugin traps.

/// Tells the host why the plugin is about to trap, in one line.
pub(crate) fn panicking(panic: &impl core::fmt::Display) {
    use alloc::string::ToString;
    crate::host::log_critical(&panic.to_string().replacen(":\n", ": ", 1));
}

/// Writes the panic's message and place to the host's log and traps: all that a `#[panic_handler]` has to do.
#[cfg(not(feature = "std"))]
pub fn panicked(panic: &core::panic::PanicInfo<'_>) -> ! {
    panicking(panic);
    core::arch::wasm32::unreachable()
}
