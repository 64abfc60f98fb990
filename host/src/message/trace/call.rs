//! An outbound call of a plugin, as observers see it.

use http::Method;

use super::Trace;
use super::context::{TRACEPARENT, TRACESTATE};

/// A call that began. It counts as one that nobody waited for until its end is told.
#[derive(Debug)]
pub struct CallTrace {
    trace: Trace,
    number: u32,
}

impl CallTrace {
    /// The call of a request with this method to this authority, which the step makes that `trace` is for.
    pub fn begin(trace: &Trace, method: &str, authority: &str, url: &str) -> Self {
        let mut number = 0;
        if let Some(life) = &trace.life {
            let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
            number = life.begin_call(trace.step, method, (authority, url));
        }
        Self {
            trace: trace.clone(),
            number,
        }
    }

    /// The fields by which the request goes on with the trace; none where there is no trace to go on with.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let Some(life) = &self.trace.life else {
            return Vec::new();
        };
        let Some(context) = life.context() else {
            return Vec::new();
        };
        let span = context.call(self.trace.step, self.number);
        let state = life.state().map(|state| (TRACESTATE, state.to_owned()));
        let parent = (TRACEPARENT, context.traceparent(span));
        std::iter::once(parent).chain(state).collect()
    }

    /// The head of the answer is there, or will not come. So many bytes of its body are known of by now.
    pub fn end(self, result: Result<u16, String>, length: u64) {
        if let Some(life) = &self.trace.life {
            life.end_call(self.trace.step, self.number, result, length);
        }
    }
}
