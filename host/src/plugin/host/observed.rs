//! What observers are told of an outbound call, whichever interface it is made by.

use crate::message::Trace;
use crate::message::trace::CallTrace;
use crate::outbound::CallHead;

/// Tells observers that this request is sent, and has it carry the trace on. Fields that the plugin has set stay.
pub fn observed(trace: &Trace, head: &mut CallHead) -> CallTrace {
    let uri = head
        .uri
        .split_once("://")
        .map_or(&*head.uri, |(_, rest)| rest);
    let authority = uri.split(['/', '?', '#']).next().unwrap_or_default();
    // Credentials have no place in a trace.
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let call = CallTrace::begin(trace, &head.method, authority, &head.uri);
    for (name, value) in call.fields() {
        if !head
            .fields
            .iter()
            .any(|(given, _)| given.eq_ignore_ascii_case(name))
        {
            head.fields.push((name.to_owned(), value.into_bytes()));
        }
    }
    call
}
