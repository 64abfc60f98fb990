//! A peer in memory, and the host between two of them.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

use crate::interceptor::MessageInterceptor;
use crate::message::websocket::{CloseFrame, Content, Peer};
use crate::message::{BoxError, ExchangeId, Tunnel};
use crate::proxy::websocket::conversation::Conversation;
use crate::proxy::websocket::deflate::Inflater;
use crate::proxy::websocket::extensions::Deflate;
use crate::proxy::websocket::reader::{Event, MessageReader};
use crate::proxy::websocket::run;
use crate::proxy::websocket::writer::MessageWriter;

pub struct TestPeer {
    pub io: DuplexStream,
    reader: MessageReader,
    writer: MessageWriter,
    received: usize,
}

pub type Setup = (TestPeer, TestPeer, JoinHandle<Result<(), BoxError>>);

/// A client, a backend, and these interceptors between them.
pub fn setup(interceptors: Vec<Box<dyn MessageInterceptor>>, deflate: Option<Deflate>) -> Setup {
    let (client, near) = duplex(16 << 10);
    let (backend, far) = duplex(16 << 10);
    let conversation = Conversation {
        interceptors,
        client: deflate,
        backend: deflate,
    };
    let open = |io: DuplexStream| Box::pin(async { Ok(Box::new(io) as Tunnel) });
    let idle = Duration::from_secs(60);
    let run = run(ExchangeId(1), conversation, open(near), open(far), idle);
    let of = |deflate: Option<Deflate>, server: bool| {
        deflate.map(|it| if server { it.server } else { it.client })
    };
    // What a client reads and writes is what the host reads of and writes to a backend.
    let client = TestPeer {
        io: client,
        reader: MessageReader::new(Peer::Backend, 1 << 20, of(deflate, true).map(Inflater::new)),
        writer: MessageWriter::new(Peer::Backend, of(deflate, false)),
        received: 0,
    };
    let backend = TestPeer {
        io: backend,
        reader: MessageReader::new(Peer::Client, 1 << 20, of(deflate, false).map(Inflater::new)),
        writer: MessageWriter::new(Peer::Client, of(deflate, true)),
        received: 0,
    };
    (client, backend, tokio::spawn(run))
}

impl TestPeer {
    pub async fn send(&mut self, text: &str) {
        self.write(|writer, out| writer.message(&Content::Text(text.to_owned()), out))
            .await;
    }

    pub async fn binary(&mut self, bytes: &[u8]) {
        self.write(|writer, out| writer.message(&Content::Binary(bytes.to_vec()), out))
            .await;
    }

    pub async fn close(&mut self, code: u16, reason: &str) {
        let frame = CloseFrame::new(code, reason);
        self.write(|writer, out| writer.close(Some(&frame), out))
            .await;
    }

    async fn write(&mut self, frame: impl FnOnce(&MessageWriter, &mut Vec<u8>)) {
        let mut out = Vec::new();
        frame(&self.writer, &mut out);
        self.raw(&out).await;
    }

    pub async fn raw(&mut self, bytes: &[u8]) {
        // Who is told to close may be gone.
        let _ = self.io.write_all(bytes).await;
    }

    /// False if nobody takes it.
    pub async fn try_send(&mut self, text: &str) -> bool {
        let mut out = Vec::new();
        self.writer
            .message(&Content::Text(text.to_owned()), &mut out);
        let sending = self.io.write_all(&out);
        tokio::time::timeout(Duration::from_millis(200), sending)
            .await
            .is_ok()
    }

    /// What comes next; none at the end.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.reader.next().unwrap() {
                return Some(event);
            }
            let mut bytes = vec![0; 4096];
            let length = self.io.read(&mut bytes).await.unwrap();
            if length == 0 {
                return None;
            }
            self.received += length;
            self.reader.push(&bytes[..length]);
        }
    }

    /// Reads to the end.
    pub async fn rest(&mut self) {
        while self.next().await.is_some() {}
        let _ = self.io.shutdown().await;
    }

    /// Bytes that have come.
    pub fn received(&self) -> usize {
        self.received
    }
}
