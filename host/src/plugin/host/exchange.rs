//! `tollgate:proxy/exchange`: facts about the exchange in hand, and its notes.

use super::State;
use crate::plugin::bindings::tollgate::proxy::exchange;

/// Bytes that the notes of one exchange may take together.
const MOST_NOTES: usize = 1 << 20;

impl exchange::Host for State {
    fn id(&mut self) -> String {
        self.exchange.id.to_string()
    }

    fn client_address(&mut self) -> String {
        self.exchange.client.to_string()
    }

    fn note(&mut self, key: String) -> Option<Vec<u8>> {
        self.exchange.notes.get(&key).map(<[u8]>::to_vec)
    }

    fn set_note(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<()> {
        if self.exchange.notes.size() + key.len() + value.len() > MOST_NOTES {
            wasmtime::bail!(
                "the notes of one exchange may take {MOST_NOTES} bytes; {key:?} would exceed that"
            );
        }
        self.exchange.notes.set(key, value);
        Ok(())
    }
}
