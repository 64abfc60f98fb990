//! A guest's standard output and error: lines in the host's log, since `print` is how most languages speak up first.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use super::logging::clean;
use crate::plugin::facts::Facts;

/// Bytes that are held back until their line ends.
const LONGEST_LINE: usize = 8 << 10;

/// Writes each finished line to the log. Clones write to the same line.
#[derive(Clone)]
pub struct ToLog {
    facts: Arc<Facts>,
    error: bool,
    line: Arc<Mutex<Vec<u8>>>,
}

impl ToLog {
    pub fn stdout(facts: &Arc<Facts>) -> Self {
        Self {
            facts: facts.clone(),
            error: false,
            line: Arc::default(),
        }
    }

    pub fn stderr(facts: &Arc<Facts>) -> Self {
        Self {
            facts: facts.clone(),
            error: true,
            line: Arc::default(),
        }
    }

    fn push(&self, bytes: &[u8]) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        for &byte in bytes {
            if byte != b'\n' {
                line.push(byte);
            }
            if byte == b'\n' || line.len() >= LONGEST_LINE {
                self.log(&std::mem::take(&mut *line));
            }
        }
    }

    fn log(&self, line: &[u8]) {
        let text = clean(String::from_utf8_lossy(line).trim_end());
        let plugin = self.facts.name.as_str();
        match (text.is_empty(), self.error) {
            (true, _) => {}
            (false, true) => tracing::warn!(target: "plugin", plugin, "{text}"),
            (false, false) => tracing::info!(target: "plugin", plugin, "{text}"),
        }
    }
}

impl IsTerminal for ToLog {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for ToLog {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // Only WASI 0.3 asks for this form, and this world has none of it.
        Box::new(tokio::io::sink())
    }
}

#[async_trait::async_trait]
impl Pollable for ToLog {
    async fn ready(&mut self) {}
}

impl OutputStream for ToLog {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}
