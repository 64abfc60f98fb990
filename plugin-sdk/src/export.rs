//! `export!`, and what it calls: the way from the contract's two exports to the trait's two methods.
//!
//! The functions are the same in a native test, where `testing` calls them.

use crate::settings::from_settings;
use crate::{Plugin, Request, Response, Result, Verdict, host};

/// Makes a type the plugin of this crate: `export!(AddHeader);`, once, at the end.
///
/// In a native build it only checks that the type is a [`Plugin`].
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Exported;

            ::std::thread_local! {
                static PLUGIN: $crate::export::Loaded<$plugin> = $crate::export::load();
            }

            impl $crate::bindings::exports::tollgate::proxy::interceptor::Guest for Exported {
                fn forward_request() -> $crate::export::HookResult<$crate::export::WitVerdict> {
                    PLUGIN.with($crate::export::wit_forward_request)
                }

                fn return_response() -> $crate::export::HookResult<()> {
                    PLUGIN.with($crate::export::return_response)
                }
            }

    $crate::bindings::export!(Exported with_types_in $crate::bindings);
        };

        #[cfg(not(target_family = "wasm"))]
        const _: fn() -> $crate::export::Loaded<$plugin> = $crate::export::load;
    };
}

/// The plugin, or why its settings don't fit: said anew by each hook, so that the failure policy decides.
pub type Loaded<P> = std::result::Result<P, String>;

/// What crosses to the host.
pub type HookResult<T> = std::result::Result<T, String>;

#[cfg(target_family = "wasm")]
pub use crate::bindings::exports::tollgate::proxy::interceptor::Verdict as WitVerdict;

/// Makes the plugin from the host's settings.
pub fn load<P: Plugin>() -> Loaded<P> {
    #[cfg(target_family = "wasm")]
    std::panic::set_hook(Box::new(|panic| crate::error!("{panic}")));
    let settings =
        host::settings().map_err(|error| format!("the settings can't be had: {error}"))?;
    from_settings(&settings)
}

/// Runs the first hook. True if the plugin answered; its answer is then the host's response.
pub fn forward_request<P: Plugin>(plugin: &Loaded<P>) -> HookResult<bool> {
    let verdict = plugin.as_ref()?.forward_request(&mut Request::in_hand());
    let given = verdict.and_then(|verdict| match verdict {
        Verdict::Forward => Ok(false),
        Verdict::Respond(answer) => answer.give().map(|()| true),
    });
    line(given)
}

/// Runs the second hook.
pub fn return_response<P: Plugin>(plugin: &Loaded<P>) -> HookResult<()> {
    line(
        plugin
            .as_ref()?
            .return_response(&Request::in_hand(), &mut Response::in_hand()),
    )
}

/// Runs the first hook for the contract.
#[cfg(target_family = "wasm")]
pub fn wit_forward_request<P: Plugin>(plugin: &Loaded<P>) -> HookResult<WitVerdict> {
    Ok(if forward_request(plugin)? {
        WitVerdict::Respond
    } else {
        WitVerdict::Forward
    })
}

fn line<T>(result: Result<T>) -> HookResult<T> {
    result.map_err(|error| error.to_string())
}
