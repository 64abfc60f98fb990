//! What a process has said so far on one of its streams.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};
use std::thread;

/// The text so far, in whole lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said(pub(crate) Arc<Mutex<String>>);

impl Said {
    /// Listens to a stream until its end.
    pub(crate) fn hear(stream: impl Read + Send + 'static) -> Self {
        let said = Self::default();
        let heard = said.clone();
        thread::spawn(move || {
            let mut lines = BufReader::new(stream);
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|count| count > 0) {
                heard.0.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        said
    }
}
