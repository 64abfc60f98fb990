//! Standard components: plugins that never heard of our contract but of a world of `wasi:http`.
//!
//! | exports | imports | is | asks what comes next by |
//! | --- | --- | --- | --- |
//! | `wasi:http/handler@0.3` | `wasi:http/handler` | a middleware | `handler.handle` |
//! | `wasi:http/handler@0.3` | | a service | `client.send` to the authority `backend.internal` |
//! | `wasi:http/incoming-handler@0.2` | | a proxy | `outgoing-handler.handle` to `backend.internal` |
//!
//! Each surrounds what comes after it in the chain. A request gets an instance of its own, in a task that lives until
//! the guest is done: it may still make the body when the head of its answer is long on its way. They run in engines of
//! their own, since wasmtime still calls its support of WASI 0.3 experimental.

mod body;
mod compile;
mod component;
mod convert;
mod empty;
mod life;
mod next;
mod run;
mod state;
mod task;
mod world;

pub use compile::StandardCompilers;
pub use component::StandardComponent;
pub use empty::EmptyBackend;
pub use world::StandardWorld;
