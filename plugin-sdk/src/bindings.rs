//! The one door to the generated code: nothing outside of `host/guest.rs` and `export!` looks behind it.
//!
//! wit-bindgen turns the contract (`wit/v0.1`) into raw imports, into the trait that `export!`
//! implements, and into the custom section by which the host knows which contract a plugin was built for.

wit_bindgen::generate!({
    path: "wit/v0.1",
    // What every plugin of this crate exports.
    inline: "
        package tollgate:rust-sdk;
        world rust-plugin {
            include tollgate:proxy/service-plugin@0.1.0;
            export tollgate:proxy/lifecycle@0.1.0;
        }
    ",
    world: "tollgate:rust-sdk/rust-plugin",
    generate_all,
    pub_export_macro: true,
    default_bindings_module: "tollgate_plugin::bindings",
});

/// Metrics, with labels that are borrowed: the types above would be copied for each call.
pub(crate) mod metrics {
    wit_bindgen::generate!({
        path: "wit/v0.1",
        inline: "
            package tollgate:rust-sdk-metrics;
            world rust-metrics {
                import tollgate:proxy/metrics@0.1.0;
            }
        ",
        world: "tollgate:rust-sdk-metrics/rust-metrics",
        ownership: Borrowing { duplicate_if_necessary: false },
        generate_all,
    });
}

/// What a plugin exports beside, if it rewrites requests' bodies. A world of its own, so that the component of a plugin names exactly
/// what it exports; the types are those above.
pub mod request_body {
    wit_bindgen::generate!({
        path: "wit/v0.1",
        inline: "
            package tollgate:rust-sdk-request-body;
            world rust-request-body {
                export tollgate:proxy/request-body@0.1.0;
            }
        ",
        world: "tollgate:rust-sdk-request-body/rust-request-body",
        with: { "tollgate:proxy/types@0.1.0": crate::bindings::tollgate::proxy::types },
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "tollgate_plugin::bindings::request_body",
    });
}

/// The same for background work.
pub mod background {
    wit_bindgen::generate!({
        path: "wit/v0.1",
        inline: "
            package tollgate:rust-sdk-background;
            world rust-background {
                export tollgate:proxy/background@0.1.0;
            }
        ",
        world: "tollgate:rust-sdk-background/rust-background",
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "tollgate_plugin::bindings::background",
    });
}

/// The same for the messages of WebSockets.
pub mod websocket_messages {
    wit_bindgen::generate!({
        path: "wit/v0.1",
        inline: "
            package tollgate:rust-sdk-websocket-messages;
            world rust-websocket-messages {
                export tollgate:proxy/websocket-messages@0.1.0;
            }
        ",
        world: "tollgate:rust-sdk-websocket-messages/rust-websocket-messages",
        with: { "tollgate:proxy/types@0.1.0": crate::bindings::tollgate::proxy::types },
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "tollgate_plugin::bindings::websocket_messages",
    });
}

/// The same for the bodies of responses.
pub mod response_body {
    wit_bindgen::generate!({
        path: "wit/v0.1",
        inline: "
            package tollgate:rust-sdk-response-body;
            world rust-response-body {
                export tollgate:proxy/response-body@0.1.0;
            }
        ",
        world: "tollgate:rust-sdk-response-body/rust-response-body",
        with: { "tollgate:proxy/types@0.1.0": crate::bindings::tollgate::proxy::types },
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "tollgate_plugin::bindings::response_body",
    });
}
