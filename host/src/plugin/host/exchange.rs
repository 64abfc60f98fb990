//! Facts about the exchange in hand, and its notes.

use crate::message::Exchange;

/// Bytes that the notes of one exchange may take together.
const MOST_NOTES: usize = 1 << 20;

pub fn note(exchange: &Exchange, key: &str) -> Option<Vec<u8>> {
    exchange.notes.get(key).map(<[u8]>::to_vec)
}

/// # Errors
/// When the notes would take too much: a plugin can't cope with that, so it is to be stopped.
pub fn set_note(exchange: &mut Exchange, key: String, value: Vec<u8>) -> wasmtime::Result<()> {
    if exchange.notes.size() + key.len() + value.len() > MOST_NOTES {
        wasmtime::bail!(
            "the notes of one exchange may take {MOST_NOTES} bytes; {key:?} would exceed that"
        );
    }
    exchange.notes.set(key, value);
    Ok(())
}
