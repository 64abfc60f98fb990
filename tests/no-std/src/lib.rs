//! A plugin without the standard library: it has settings, changes fields and a body, answers itself and logs.

#![no_std]

extern crate alloc;

use alloc::string::String;

use tollgate_plugin::{Answer, Plugin, Request, Response, Result, Verdict, info};

/// Marks what passes, and says `hello` by itself.
#[derive(serde::Deserialize)]
struct Greeter {
    name: String,
    #[serde(default)]
    panics: bool,
}

impl Plugin for Greeter {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        info!("{} {}", request.method(), request.target());
        assert!(!self.panics, "asked to");
        if request.path() == "/hello" {
            return Ok(Answer::new(200).json(&[&self.name])?.into());
        }
        request.set_field("x-greeter", &self.name)?;
        Ok(Verdict::Forward)
    }

    fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
        response.map_text(|text| text.replace("NAME", &self.name))?;
        Ok(())
    }
}

tollgate_plugin::export!(Greeter);

/// What std would bring.
#[cfg(target_family = "wasm")]
mod runtime {
    #[global_allocator]
    static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

    #[panic_handler]
    fn panic(panic: &core::panic::PanicInfo<'_>) -> ! {
        tollgate_plugin::panicked(panic)
    }
}
