//! `export!`, and what it calls: the way from the contract's exports to the trait's methods.
//!
//! The functions are the same in a native test, where `testing` calls them.

use alloc::string::{String, ToString};

use crate::settings::from_settings;
use crate::{Plugin, Request, Response, Result, Verdict, host};

/// Exports a type as the plugin of this crate: `export!(AddHeader);`. Use it once per crate.
///
/// In a native build it only checks that the type is a [`Plugin`].
///
/// ```
/// use tollgate_plugin::{Plugin, Request, Response, Result};
///
/// #[derive(serde::Deserialize)]
/// struct AddHeader;
///
/// impl Plugin for AddHeader {
///     fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
///         Ok(response.set_field("x-served-by", "tollgate")?)
///     }
/// }
///
/// tollgate_plugin::export!(AddHeader);
/// ```
///
/// A type that is not a plugin is a compile error:
///
/// ```compile_fail,E0277
/// struct NoPlugin;
///
/// tollgate_plugin::export!(NoPlugin);
/// ```
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Exported;

            $crate::__keep_plugin!($plugin);

            impl $crate::bindings::exports::tollgate::proxy::interceptor::Guest for Exported {
                fn forward_request() -> $crate::export::HookResult<$crate::export::WitVerdict> {
                    with_plugin($crate::export::wit_forward_request)
                }

                fn return_response() -> $crate::export::HookResult<()> {
                    with_plugin($crate::export::return_response)
                }
            }

            impl $crate::bindings::exports::tollgate::proxy::lifecycle::Guest for Exported {
                fn start() -> $crate::export::HookResult<()> {
                    with_plugin($crate::export::start)
                }
            }

    $crate::bindings::export!(Exported with_types_in $crate::bindings);
        };

        #[cfg(not(target_family = "wasm"))]
        const _: fn() -> $crate::export::Loaded<$plugin> = $crate::export::load;
    };
}

/// Keeps the instance's plugin, made when it is first asked for: `with_plugin` lends it.
#[cfg(all(target_family = "wasm", feature = "std"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __keep_plugin {
    ($plugin:ty) => {
        fn with_plugin<T>(act: fn(&$crate::export::Loaded<$plugin>) -> T) -> T {
            ::std::thread_local! {
                static PLUGIN: $crate::export::Loaded<$plugin> = $crate::export::load();
            }
            PLUGIN.with(act)
        }
    };
}

/// Keeps the instance's plugin, made when it is first asked for. A static without std must be `Sync`, and so must the
/// plugin.
#[cfg(all(target_family = "wasm", not(feature = "std")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __keep_plugin {
    ($plugin:ty) => {
        fn with_plugin<T>(act: fn(&$crate::export::Loaded<$plugin>) -> T) -> T {
            static PLUGIN: $crate::export::OnceBox<$crate::export::Loaded<$plugin>> =
                $crate::export::OnceBox::new();
            act(PLUGIN.get_or_init(|| $crate::export::Box::new($crate::export::load())))
        }
    };
}

#[cfg(all(target_family = "wasm", not(feature = "std")))]
pub use {alloc::boxed::Box, once_cell::race::OnceBox};

/// The plugin, or why its settings are wrong.
pub type Loaded<P> = core::result::Result<P, String>;

/// What crosses to the host.
pub type HookResult<T> = core::result::Result<T, String>;

#[cfg(target_family = "wasm")]
pub use crate::bindings::exports::tollgate::proxy::interceptor::Verdict as WitVerdict;

/// Makes the plugin from the host's settings.
pub fn load<P: Plugin>() -> Loaded<P> {
    #[cfg(all(target_family = "wasm", feature = "std"))]
    std::panic::set_hook(alloc::boxed::Box::new(|panic| {
        crate::panic::panicking(panic)
    }));
    let settings =
        host::settings().map_err(|error| format!("the settings can't be had: {error}"))?;
    from_settings(&settings)
}

/// Starts an instance: the settings are read, then the plugin looks at what it has.
pub fn start<P: Plugin>(plugin: &Loaded<P>) -> HookResult<()> {
    line(loaded(plugin)?.start())
}

/// Runs the first hook. True if the plugin answered; its answer is then the host's response.
pub fn forward_request<P: Plugin>(plugin: &Loaded<P>) -> HookResult<bool> {
    let verdict = loaded(plugin)?.forward_request(&mut Request::in_hand());
    let given = verdict.and_then(|verdict| match verdict {
        Verdict::Forward => Ok(false),
        Verdict::Respond(answer) => answer.give().map(|()| true),
    });
    line(given)
}

/// Runs the second hook.
pub fn return_response<P: Plugin>(plugin: &Loaded<P>) -> HookResult<()> {
    line(loaded(plugin)?.return_response(&Request::in_hand(), &mut Response::in_hand()))
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

fn loaded<P>(plugin: &Loaded<P>) -> HookResult<&P> {
    plugin.as_ref().map_err(Clone::clone)
}

fn line<T>(result: Result<T>) -> HookResult<T> {
    result.map_err(|error| error.to_string())
}
