//! Requests of a guest to what comes next.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Request, Response};
use wasmtime_wasi_http::{Error, WasiBody};

use super::convert;
use super::life::GuestLife;
use crate::interceptor::{Next, NextError};
use crate::message::{BackendChoice, Exchange, ExchangeId, Known, Notes, Scheme, Trace};

/// The exchange that a guest was called for, and what comes after it.
pub struct GuestExchange {
    id: ExchangeId,
    client: SocketAddr,
    scheme: Scheme,
    host: Option<Box<[u8]>>,
    notes: Mutex<Notes>,
    /// Where each request goes unless a later plugin chooses another one.
    backend: BackendChoice,
    /// Where the last one went.
    went_to: Mutex<BackendChoice>,
    next: Arc<dyn Next>,
    life: Arc<GuestLife>,
    failed: Mutex<Option<NextError>>,
    /// For what the guest has done by those behind it.
    trace: Trace,
}

impl std::fmt::Debug for GuestExchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Origin")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl GuestExchange {
    pub fn new(exchange: &Exchange, next: Arc<dyn Next>, life: Arc<GuestLife>) -> Self {
        Self {
            id: exchange.id,
            client: exchange.client,
            scheme: exchange.scheme,
            host: exchange.request.fields.get(Known::Host).map(Into::into),
            notes: Mutex::new(exchange.notes.clone()),
            backend: exchange.backend.clone(),
            went_to: Mutex::new(exchange.backend.clone()),
            next,
            life,
            failed: Mutex::new(None),
            trace: exchange.trace.deeper(),
        }
    }

    pub fn exchange(&self) -> ExchangeId {
        self.id
    }

    /// For what the guest does.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Sends a request on and waits for the head of its answer.
    ///
    /// # Errors
    /// What the guest is to be told; [`failure`](Self::failure) has the whole story.
    pub async fn ask(&self, request: Request<WasiBody>) -> Result<Response<WasiBody>, Error> {
        let asking = self.life.asking();
        let (head, body) = convert::from_guest(request, self.host.as_deref()).await?;
        let mut exchange = Exchange::new(self.id.0, self.client, self.scheme, head, body);
        exchange.notes = self.notes();
        exchange.backend = self.backend.clone();
        exchange.trace = self.trace.clone();
        let asked = self.next.clone().ask(Box::new(exchange)).await;
        drop(asking);
        match asked {
            Ok(mut exchange) => {
                *lock(&self.notes) = std::mem::take(&mut exchange.notes);
                *lock(&self.went_to) = std::mem::take(&mut exchange.backend);
                *lock(&self.failed) = None;
                let (fields, status, body) = convert::answer_to_guest(*exchange, self.life.clone());
                let mut response = Response::new(body);
                *response.status_mut() = status;
                *response.headers_mut() = fields;
                Ok(response)
            }
            Err(error) => {
                let told = convert::next_error(&error);
                *lock(&self.failed) = Some(error);
                Err(told)
            }
        }
    }

    /// The notes as the last request left them.
    pub fn notes(&self) -> Notes {
        lock(&self.notes).clone()
    }

    /// The backend of the last request that was answered.
    pub fn backend(&self) -> BackendChoice {
        lock(&self.went_to).clone()
    }

    /// Why the last request came to nothing.
    pub fn failure(&self) -> Option<NextError> {
        lock(&self.failed).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
