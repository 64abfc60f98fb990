//! What std does about a panic, for plugins without it.

use core::panic::PanicInfo;

/// Writes the panic's message and place to the host's log and traps: all that a `#[panic_handler]` has to do.
pub fn panicked(panic: &PanicInfo<'_>) -> ! {
    crate::panicking(panic);
    core::arch::wasm32::unreachable()
}
