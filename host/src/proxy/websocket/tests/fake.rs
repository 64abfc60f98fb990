//! An interceptor that does what a message tells it: `NAME:ORDER` is for the one of this name.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use crate::interceptor::{InterceptError, MessageCall, MessageInterceptor};
use crate::message::Fate;
use crate::message::websocket::{CloseFrame, Content, MessageOutbox, Peer};

/// What all of them were told.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn add(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

pub struct Fake {
    name: &'static str,
    log: Log,
    outbox: MessageOutbox,
    longest: usize,
}

impl Fake {
    pub fn boxed(name: &'static str, log: &Log) -> Box<dyn MessageInterceptor> {
        Self::taking(name, log, 1 << 16)
    }

    /// One that takes messages of so many bytes.
    pub fn taking(name: &'static str, log: &Log, longest: usize) -> Box<dyn MessageInterceptor> {
        Box::new(Self {
            longest,
            name,
            log: log.clone(),
            outbox: MessageOutbox::default(),
        })
    }

    async fn send(&self, receiver: Peer, text: String) {
        self.outbox.room(receiver).await;
        self.outbox.send(receiver, Content::Text(text));
    }

    async fn obey(&self, sender: Peer, text: &str) -> Result<Fate, InterceptError> {
        let prefix = format!("{}:", self.name);
        let Some(order) = text.strip_prefix(&prefix) else {
            return Ok(Fate::Keep);
        };
        let (order, more) = order.split_once(' ').unwrap_or((order, ""));
        match order {
            "replace" => self.send(sender.other(), format!("<{text}>")).await,
            "echo" => self.send(sender, format!("echo {text}")).await,
            "flood" => {
                for _ in 0..more.parse().unwrap() {
                    self.send(sender.other(), "f".repeat(40_000)).await;
                }
            }
            "stop" => {
                self.send(sender.other(), "last words".to_owned()).await;
                return Ok(Fate::Stop);
            }
            "close" => {
                self.send(sender.other(), "last words".to_owned()).await;
                self.outbox.close(CloseFrame::new(4000, "bye"));
            }
            "fail" => return Err(InterceptError::Trapped("on purpose".to_owned())),
            "wait" => std::future::pending().await,
            _ => {}
        }
        Ok(Fate::Replace)
    }
}

impl MessageInterceptor for Fake {
    fn name(&self) -> &str {
        self.name
    }

    fn longest(&self) -> usize {
        self.longest
    }

    fn outbox(&self) -> MessageOutbox {
        self.outbox.clone()
    }

    fn message(self: Box<Self>, sender: Peer, content: Content) -> MessageCall {
        Box::pin(async move {
            let text = String::from_utf8_lossy(content.bytes()).into_owned();
            self.log.add(format!("{}: {sender} {text}", self.name));
            let fate = self.obey(sender, &text).await?;
            let same: Box<dyn MessageInterceptor> = self;
            Ok((same, fate))
        })
    }

    fn closed(self: Box<Self>) -> Pin<Box<dyn Future<Output = Result<(), InterceptError>> + Send>> {
        Box::pin(async move {
            self.log.add(format!("{} closed", self.name));
            Ok(())
        })
    }
}
