//! Who sends spans: one task, in batches.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::client::{CollectorClient, LONGEST};
use super::config::OtlpConfig;
use crate::tls::{ClientOptions, ClientTls, SetupError};

/// Exchanges whose spans may wait, and spans of one batch.
const MOST_WAITING: usize = 2048;
const MOST_OF_A_BATCH: usize = 512;

/// How long the first span of a batch waits for others.
const GATHER: Duration = Duration::from_secs(1);

/// How often the end looks whether all are sent.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Why spans can't be exported.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    #[error("{0}")]
    Exporter(#[from] ExporterBuildError),
    #[error("{0}")]
    Tls(#[from] SetupError),
}

/// Takes spans and never waits. Clones give them to the same task.
#[derive(Debug, Clone)]
pub struct SpanSender {
    queue: mpsc::Sender<Vec<SpanData>>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    exported: AtomicU64,
    dropped: AtomicU64,
    /// Spans that are in the queue, or on their way.
    waiting: AtomicU64,
    /// Told when nothing more is to be waited for.
    hurry: Notify,
}

impl SpanSender {
    /// Takes the spans of an exchange, or drops them if too many wait already.
    pub fn send(&self, spans: Vec<SpanData>) {
        let count = spans.len() as u64;
        self.counts.waiting.fetch_add(count, Ordering::Relaxed);
        if self.queue.try_send(spans).is_err() {
            self.counts.lost(count);
        }
    }

    /// Has everything sent that waits, and waits for that, but not longer than this.
    pub async fn flush(&self, longest: Duration) {
        self.counts.hurry.notify_one();
        let all = async {
            while self.counts.waiting.load(Ordering::Relaxed) > 0 {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        // What is left is lost.
        let _ = tokio::time::timeout(longest, all).await;
    }

    /// Spans that the collector took, and those that were lost.
    pub fn counts(&self) -> (u64, u64) {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (get(&self.counts.exported), get(&self.counts.dropped))
    }
}

impl Counts {
    fn lost(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
        self.waiting.fetch_sub(count, Ordering::Relaxed);
    }
}

/// A sender, and the work of the task behind it: done when it is stopped and what was sent by then is exported or lost.
///
/// # Errors
/// When there can be no such exporter.
pub fn start(
    config: &OtlpConfig,
    stop: CancellationToken,
) -> Result<(SpanSender, impl Future<Output = ()> + Send + use<>), OtlpError> {
    let tls = ClientTls::new(ClientOptions {
        verify: true,
        ca: None,
        more: Vec::new(),
        server_name: None,
        client: None,
    })?;
    let headers: HashMap<_, _> = config.headers.iter().cloned().collect();
    let mut exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(CollectorClient { tls })
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(config.endpoint.clone())
        .with_timeout(LONGEST)
        .with_headers(headers)
        .build()?;
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder_empty()
        .with_service_name(config.service_name.clone())
        .with_attribute(version);
    exporter.set_resource(&resource.build());
    let (queue, waiting) = mpsc::channel(MOST_WAITING);
    let counts = Arc::<Counts>::default();
    let sender = SpanSender {
        queue,
        counts: counts.clone(),
    };
    let shipping = Shipping {
        exporter,
        waiting,
        counts,
        endpoint: config.endpoint.clone(),
        complaint: None,
    };
    Ok((sender, shipping.run(stop)))
}

/// The task's own.
struct Shipping {
    exporter: SpanExporter,
    waiting: mpsc::Receiver<Vec<SpanData>>,
    counts: Arc<Counts>,
    endpoint: String,
    /// The failure that was told.
    complaint: Option<String>,
}

impl Shipping {
    async fn run(mut self, stop: CancellationToken) {
        loop {
            let (batch, is_last) = self.gather(&stop).await;
            if !batch.is_empty() {
                self.export(batch).await;
            }
            if is_last {
                return;
            }
        }
    }

    /// The next batch, and whether it is the last one.
    async fn gather(&mut self, stop: &CancellationToken) -> (Vec<SpanData>, bool) {
        let mut batch = Vec::new();
        let first = tokio::select! {
            biased;
            spans = self.waiting.recv() => spans,
            () = self.counts.hurry.notified() => return (batch, false),
            () = stop.cancelled() => None,
        };
        let Some(first) = first else {
            return (batch, true);
        };
        batch.extend(first);
        let enough = tokio::time::sleep(GATHER);
        tokio::pin!(enough);
        while batch.len() < MOST_OF_A_BATCH {
            tokio::select! {
                biased;
                Some(spans) = self.waiting.recv() => batch.extend(spans),
                () = &mut enough => break,
                () = self.counts.hurry.notified() => break,
                () = stop.cancelled() => break,
                else => break,
            }
        }
        (batch, false)
    }

    async fn export(&mut self, batch: Vec<SpanData>) {
        let count = batch.len() as u64;
        let exported = tokio::time::timeout(LONGEST, self.exporter.export(batch)).await;
        let error = match exported {
            Ok(Ok(())) => {
                self.counts.exported.fetch_add(count, Ordering::Relaxed);
                self.counts.waiting.fetch_sub(count, Ordering::Relaxed);
                if self.complaint.take().is_some() {
                    tracing::info!("tracing: {} takes spans again", self.endpoint);
                }
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer in {} s", LONGEST.as_secs()),
        };
        self.counts.lost(count);
        if self.complaint.as_ref() != Some(&error) {
            tracing::warn!(
                "tracing: {} does not take spans ({error}); they are lost until it does, and exchanges go on",
                self.endpoint
            );
        }
        self.complaint = Some(error);
    }
}
