//! Hooks that a plugin doesn't have.

use core::sync::atomic::{AtomicU8, Ordering};

/// The bits of [`is_missing`].
pub(crate) const FORWARD_REQUEST: u8 = 1;
pub(crate) const RETURN_RESPONSE: u8 = 2;
/// It has something else to do.
const DOES_MORE: u8 = 4;

static MISSING: AtomicU8 = AtomicU8::new(0);

/// Says that the plugin exports more than hooks: it may have neither.
pub(crate) fn does_more() {
    MISSING.fetch_or(DOES_MORE, Ordering::Relaxed);
}

/// Called by the trait's own hooks, which stand for one that the plugin doesn't have. A plugin that has neither would be
/// called in vain: it stops itself in the host's trial, with words that the host shows.
///
/// In a native test it goes on, since a test may be about something else.
pub(crate) fn is_missing(hook: u8) {
    if has_none(MISSING.fetch_or(hook, Ordering::Relaxed), hook) {
        refuse_to_serve();
    }
}

#[cfg(target_family = "wasm")]
fn refuse_to_serve() {
    crate::host::log_critical(
        "the plugin has neither hook: write forward_request or return_response in its `impl Plugin`",
    );
    core::arch::wasm32::unreachable()
}

#[cfg(not(target_family = "wasm"))]
fn refuse_to_serve() {}

/// Whether a plugin in which these hooks were missing before, and this one is, has none.
fn has_none(before: u8, hook: u8) -> bool {
    before | hook == FORWARD_REQUEST | RETURN_RESPONSE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_that_exports_more_says_so_when_it_is_loaded() {
        #[derive(serde::Deserialize)]
        struct Plain;
        impl crate::Plugin for Plain {}
        let run = || crate::export::load_with_more::<Plain>().is_ok();
        let _guard = crate::in_hand::install(crate::in_hand::State::default());
        assert!(run() && MISSING.load(Ordering::Relaxed) & DOES_MORE != 0);
    }

    #[test]
    fn a_plugin_has_no_hook_only_if_both_are_missing() {
        assert!(!has_none(0, FORWARD_REQUEST));
        assert!(!has_none(FORWARD_REQUEST, FORWARD_REQUEST));
        assert!(!has_none(RETURN_RESPONSE, RETURN_RESPONSE));
        assert!(has_none(FORWARD_REQUEST, RETURN_RESPONSE));
        assert!(has_none(RETURN_RESPONSE, FORWARD_REQUEST));
        assert!(!has_none(DOES_MORE | RETURN_RESPONSE, FORWARD_REQUEST));
    }
}
