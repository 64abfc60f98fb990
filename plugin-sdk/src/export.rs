//! `export!`, and what it calls: the way from the contract's exports to the trait's methods.
//!
//! The functions are the same in a native test, where `testing` calls them.

mod bodies;
mod loaded;
mod traits;
mod websockets;

pub use bodies::*;
pub use loaded::{HookResult, Loaded};
use loaded::{line, loaded};
pub use traits::{Has, Lacks, is_named};
pub use websockets::*;

use crate::settings::from_settings;
use crate::{Background, Plugin, Request, Response, Verdict, host};

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
///
/// A plugin with other traits names them: `export!(Redact, RequestBody)`, `export!(Keys, ResponseBody, Background)`. The host then finds
/// exactly these exports. Because a body that is not exported would never reach the plugin, leaving a trait out is a compile error:
///
/// ```compile_fail,E0080
/// # use tollgate_plugin::{Fate, Plugin, Request, Response, ResponseBody, Result, Rewriter, Sink, Wish};
/// # #[derive(serde::Deserialize)]
/// # struct Redact;
/// # impl Plugin for Redact {}
/// # impl Rewriter for () {
/// #     fn piece(&mut self, _: &[u8], _: &mut Sink) -> Result<Fate> { Ok(Fate::Keep) }
/// # }
/// impl ResponseBody for Redact {
/// #   type Rewriter = ();
/// #   fn response_body(&self, _: &Request, _: &Response) -> Result<Option<Wish<()>>> { Ok(None) }
///     // …
/// }
///
/// tollgate_plugin::export!(Redact);
/// ```
#[macro_export]
macro_rules! export {
    ($plugin:ty $(,)?) => {
        $crate::__exports_its_traits!($plugin;);
        $crate::__export_plugin!($plugin, load);
    };
    ($plugin:ty, $($trait:ident),+ $(,)?) => {
        $($crate::__is_for_export!($trait);)+
        $crate::__exports_its_traits!($plugin; $($trait),+);
        $crate::__export_plugin!($plugin, load_with_more $(, $trait)+);
    };
    ($plugin:ty, $($other:tt)*) => {
        $crate::__is_for_export!(other);
    };
}

/// Refuses what is not the name of a trait for [`export!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __is_for_export {
    (RequestBody) => {};
    (ResponseBody) => {};
    (Background) => {};
    (WebSocket) => {};
    ($other:ident) => {
        ::core::compile_error!(
            "behind the plugin, export! takes names of traits that the plugin has: RequestBody, ResponseBody, Background, WebSocket"
        );
    };
}

/// Refuses a plugin with a trait that it doesn't export.
#[doc(hidden)]
#[macro_export]
macro_rules! __exports_its_traits {
    ($plugin:ty; $($trait:ident),*) => {
        const _: () = {
            #[allow(unused_imports, reason = "not for a plugin that has every trait")]
            use $crate::export::Lacks as _;
            type Has = $crate::export::Has<$plugin>;
            const NAMED: &[&str] = &[$(::core::stringify!($trait)),*];
            ::core::assert!(
                $crate::export::is_named(Has::REQUEST_BODY, NAMED, "RequestBody")
                    && $crate::export::is_named(Has::RESPONSE_BODY, NAMED, "ResponseBody")
                    && $crate::export::is_named(Has::BACKGROUND, NAMED, "Background")
                    && $crate::export::is_named(Has::WEB_SOCKET, NAMED, "WebSocket"),
                "the plugin has a trait that export! doesn't name: RequestBody, ResponseBody, Background and WebSocket are named \
                 behind the plugin, such as export!(PLUGIN, ResponseBody, Background)",
            );
        };
    };
}

/// What [`export!`] becomes.
#[cfg(target_family = "wasm")]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_plugin {
    ($plugin:ty, $load:ident $(, $trait:ident)*) => {
        const _: () = {
            struct Exported;

            $crate::__keep_plugin!($plugin, $load);

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
            $($crate::__export_trait!($plugin, $trait);)*
        };
    };
}

/// What [`export!`] becomes in a native build: a look at the types.
#[cfg(not(target_family = "wasm"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_plugin {
    ($plugin:ty, $load:ident $(, $trait:ident)*) => {
        const _: fn() -> $crate::export::Loaded<$plugin> = $crate::export::$load;
        $(const _: fn(&$plugin) = |plugin| {
            fn has_the_trait(_: &impl $crate::$trait) {}
            has_the_trait(plugin);
        };)*
    };
}

/// Exports one of the traits.
#[cfg(target_family = "wasm")]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_trait {
    ($plugin:ty, RequestBody) => {
        $crate::__export_body!($plugin, RequestBody, request_body, begin_request);
    };
    ($plugin:ty, ResponseBody) => {
        $crate::__export_body!($plugin, ResponseBody, response_body, begin_response);
    };
    ($plugin:ty, WebSocket) => {
        $crate::__export_websocket!($plugin);
    };
    ($plugin:ty, Background) => {
        const _: () = {
            impl $crate::bindings::background::exports::tollgate::proxy::background::Guest for Exported {
                fn tick() -> $crate::export::HookResult<()> {
                    with_plugin($crate::export::tick)
                }
            }

            $crate::bindings::background::export!(Exported with_types_in $crate::bindings::background);
        };
    };
}

/// Exports one of the traits for bodies.
#[cfg(all(target_family = "wasm", feature = "std"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_body {
    ($plugin:ty, $trait:ident, $interface:ident, $begin:ident) => {
        const _: () = {
            type Slot = $crate::export::Slot<<$plugin as $crate::$trait>::Rewriter>;

            ::std::thread_local! {
                static IN_HAND: Slot = const { Slot::new(None) };
            }

            impl $crate::bindings::$interface::exports::tollgate::proxy::$interface::Guest for Exported {
                fn begin() -> $crate::export::HookResult<Option<$crate::export::WitWish>> {
                    with_plugin(|plugin| {
                        $crate::export::wit_wish(IN_HAND.with(|slot| $crate::export::$begin(plugin, slot)))
                    })
                }

                fn piece(data: Vec<u8>) -> $crate::export::HookResult<$crate::export::WitFate> {
                    $crate::export::wit_fate(IN_HAND.with(|slot| $crate::export::piece(slot, &data)))
                }

                fn end() -> $crate::export::HookResult<()> {
                    IN_HAND.with(|slot| $crate::export::end(slot))
                }
            }

            $crate::bindings::$interface::export!(Exported with_types_in $crate::bindings::$interface);
        };
    };
}

/// Exports what gets the messages of WebSockets.
#[cfg(all(target_family = "wasm", feature = "std"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_websocket {
    ($plugin:ty) => {
        const _: () = {
            type Slot = $crate::export::Slot<<$plugin as $crate::WebSocket>::Connection>;

            ::std::thread_local! {
                static IN_HAND: Slot = const { Slot::new(None) };
            }

            impl $crate::bindings::websocket_messages::exports::tollgate::proxy::websocket_messages::Guest for Exported {
                fn opened() -> $crate::export::HookResult<bool> {
                    with_plugin(|plugin| IN_HAND.with(|slot| $crate::export::opened(plugin, slot)))
                }

                fn message(
                    sender: $crate::export::WsPeer,
                    content: $crate::export::WsContent,
                ) -> $crate::export::HookResult<$crate::export::WitFate> {
                    let sender = $crate::export::of_wit_peer(sender);
                    let message = $crate::export::of_wit_content(content);
                    $crate::export::wit_fate(IN_HAND.with(|slot| $crate::export::message(slot, sender, message)))
                }

                fn closed() -> $crate::export::HookResult<()> {
                    IN_HAND.with(|slot| $crate::export::closed(slot))
                }
            }

            $crate::bindings::websocket_messages::export!(Exported with_types_in $crate::bindings::websocket_messages);
        };
    };
}

/// As for bodies.
#[cfg(all(target_family = "wasm", not(feature = "std")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_websocket {
    ($($any:tt)*) => {
        ::core::compile_error!(
            "WebSockets need the feature `std` of tollgate-plugin: leave default-features = false out of Cargo.toml"
        );
    };
}

/// Without std there is no place for the state of a body that is both safe and free of demands on its type.
#[cfg(all(target_family = "wasm", not(feature = "std")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_body {
    ($($any:tt)*) => {
        ::core::compile_error!(
            "bodies that flow need the feature `std` of tollgate-plugin: leave default-features = false out of Cargo.toml"
        );
    };
}

/// Keeps the instance's plugin, made when it is first asked for: `with_plugin` lends it.
#[cfg(all(target_family = "wasm", feature = "std"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __keep_plugin {
    ($plugin:ty, $load:ident) => {
        fn with_plugin<T>(act: fn(&$crate::export::Loaded<$plugin>) -> T) -> T {
            ::std::thread_local! {
                static PLUGIN: $crate::export::Loaded<$plugin> = $crate::export::$load();
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
    ($plugin:ty, $load:ident) => {
        fn with_plugin<T>(act: fn(&$crate::export::Loaded<$plugin>) -> T) -> T {
            static PLUGIN: $crate::export::OnceBox<$crate::export::Loaded<$plugin>> =
                $crate::export::OnceBox::new();
            act(PLUGIN.get_or_init(|| $crate::export::Box::new($crate::export::$load())))
        }
    };
}

#[cfg(all(target_family = "wasm", not(feature = "std")))]
pub use {alloc::boxed::Box, once_cell::race::OnceBox};

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

/// The same for a plugin that exports more than its hooks, and so needs neither.
pub fn load_with_more<P: Plugin>() -> Loaded<P> {
    crate::missing::does_more();
    load()
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

/// Does the background work once.
pub fn tick<P: Background>(plugin: &Loaded<P>) -> HookResult<()> {
    line(loaded(plugin)?.tick())
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
