//! `state`, `client` and `timer`, for components and for core modules: what a plugin reaches beyond the exchange.

use std::time::Duration;

use super::bindings::tollgate::proxy::client::{
    self, IncomingResponse, OutgoingRequest, SendError,
};
use super::bindings::tollgate::proxy::state::{self, StateError};
use super::bindings::tollgate::proxy::timer;
use crate::outbound::{CallError, CallHead, WholeAnswer, WholeCall};
use crate::plugin::host::HooksState;
use crate::plugin::kind::hooks::abi::{InterfaceFunctions, record, variant};
use crate::store::StoreError;

variant!(StateError {
    0 TooLarge(String), 1 Full(String), 2 NotANumber(String), 3 TimedOut(String), 4 Unavailable(String)
});
variant!(SendError {
    0 Denied(String), 1 InvalidRequest(String), 2 Unresolved(String), 3 Unreachable(String), 4 Tls(String),
    5 TimedOut(String), 6 TooLarge(String), 7 Protocol(String), 8 TooMany(String)
});
record!(OutgoingRequest {
    method: String,
    uri: String,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    timeout_ms: Option<u32>
});
record!(IncomingResponse {
    status: u16,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    trailers: Vec<(String, Vec<u8>)>
});

type Kept<T> = Result<T, StateError>;
type Sent = Result<IncomingResponse, SendError>;

impl state::Host for HooksState {
    async fn get(&mut self, key: String) -> Kept<Option<Vec<u8>>> {
        let kept = self.kept().map_err(state_error)?;
        kept.get(&key).await.map_err(state_error)
    }

    async fn set(&mut self, key: String, value: Vec<u8>, ttl: Option<u64>) -> Kept<()> {
        let kept = self.kept().map_err(state_error)?;
        kept.set(&key, value, ttl).await.map_err(state_error)
    }

    async fn delete(&mut self, key: String) -> Kept<bool> {
        let kept = self.kept().map_err(state_error)?;
        kept.delete(&key).await.map_err(state_error)
    }

    async fn increment(&mut self, key: String, by: i64, ttl: Option<u64>) -> Kept<i64> {
        let kept = self.kept().map_err(state_error)?;
        kept.increment(&key, by, ttl).await.map_err(state_error)
    }

    async fn compare_and_swap(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
        ttl: Option<u64>,
    ) -> Kept<bool> {
        let kept = self.kept().map_err(state_error)?;
        let swap = kept.compare_and_swap(&key, expected.as_deref(), new, ttl);
        swap.await.map_err(state_error)
    }

    async fn keys(
        &mut self,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Kept<Vec<String>> {
        let kept = self.kept().map_err(state_error)?;
        let keys = kept.keys(&prefix, after.as_deref(), limit).await;
        keys.map_err(state_error)
    }
}

impl client::Host for HooksState {
    async fn send(&mut self, request: OutgoingRequest) -> Sent {
        answer(HooksState::send(self, call(request)).await)
    }

    async fn send_all(&mut self, requests: Vec<OutgoingRequest>) -> Vec<Sent> {
        let calls = requests.into_iter().map(call).collect();
        let answers = HooksState::send_all(self, calls).await;
        answers.into_iter().map(answer).collect()
    }
}

impl timer::Host for HooksState {
    async fn sleep(&mut self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

pub fn add_timer(functions: &mut InterfaceFunctions<'_>) {
    functions.waiting::<(u64,), ()>("sleep", |state, (ms,)| {
        Box::pin(async move {
            timer::Host::sleep(state, ms).await;
            Ok(())
        })
    });
}

pub fn add_state(functions: &mut InterfaceFunctions<'_>) {
    use state::Host;
    type Bytes = Vec<u8>;
    functions
        .waiting::<(String,), Kept<Option<Bytes>>>("get", |state, (key,)| {
            Box::pin(async { Ok(Host::get(state, key).await) })
        })
        .waiting::<(String, Bytes, Option<u64>), Kept<()>>("set", |state, (key, value, ttl)| {
            Box::pin(async move { Ok(Host::set(state, key, value, ttl).await) })
        })
        .waiting::<(String,), Kept<bool>>("delete", |state, (key,)| {
            Box::pin(async { Ok(Host::delete(state, key).await) })
        })
        .waiting::<(String, i64, Option<u64>), Kept<i64>>("increment", |state, (key, by, ttl)| {
            Box::pin(async move { Ok(Host::increment(state, key, by, ttl).await) })
        })
        .waiting::<(String, Option<Bytes>, Option<Bytes>, Option<u64>), Kept<bool>>(
            "compare-and-swap",
            |state, (key, expected, new, ttl)| {
                Box::pin(
                    async move { Ok(Host::compare_and_swap(state, key, expected, new, ttl).await) },
                )
            },
        )
        .waiting::<(String, Option<String>, u32), Kept<Vec<String>>>(
            "keys",
            |state, (prefix, after, limit)| {
                Box::pin(async move { Ok(Host::keys(state, prefix, after, limit).await) })
            },
        );
}

pub fn add_client(functions: &mut InterfaceFunctions<'_>) {
    use client::Host;
    functions
        .waiting::<(OutgoingRequest,), Sent>("send", |state, (request,)| {
            Box::pin(async { Ok(Host::send(state, request).await) })
        })
        .waiting::<(Vec<OutgoingRequest>,), Vec<Sent>>("send-all", |state, (requests,)| {
            Box::pin(async { Ok(Host::send_all(state, requests).await) })
        });
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn state_error(error: StoreError) -> StateError {
    let text = error.to_string();
    match error {
        StoreError::TooLarge { .. } => StateError::TooLarge(text),
        StoreError::Full { .. } => StateError::Full(text),
        StoreError::NotANumber { .. } | StoreError::Overflow { .. } => StateError::NotANumber(text),
        StoreError::TimedOut { .. } => StateError::TimedOut(text),
        _ => StateError::Unavailable(text),
    }
}

fn call(request: OutgoingRequest) -> WholeCall {
    WholeCall {
        head: CallHead {
            method: request.method,
            uri: request.uri,
            fields: request.fields,
        },
        body: request.body.into(),
        timeout: request
            .timeout_ms
            .map(|ms| Duration::from_millis(ms.into())),
    }
}

fn answer(answer: Result<WholeAnswer, CallError>) -> Sent {
    let answer = answer.map_err(send_error)?;
    let list = |fields: Vec<(http::HeaderName, http::HeaderValue)>| {
        let fields = fields.into_iter();
        let plain = |(name, value): (http::HeaderName, http::HeaderValue)| {
            (name.as_str().to_owned(), value.as_bytes().to_vec())
        };
        fields.map(plain).collect()
    };
    Ok(IncomingResponse {
        status: answer.status,
        fields: list(answer.fields),
        body: answer.body.into(),
        trailers: list(answer.trailers),
    })
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn send_error(error: CallError) -> SendError {
    let text = error.to_string();
    match error {
        CallError::Denied { .. } | CallError::ForbiddenAddress { .. } => SendError::Denied(text),
        CallError::InvalidRequest(_) => SendError::InvalidRequest(text),
        CallError::Unresolved { .. } => SendError::Unresolved(text),
        CallError::Unreachable { .. } | CallError::Configuration(_) => SendError::Unreachable(text),
        CallError::TlsFailed { .. } => SendError::Tls(text),
        CallError::TimedOut { .. } => SendError::TimedOut(text),
        CallError::TooLarge { .. } => SendError::TooLarge(text),
        CallError::Protocol(_) | CallError::Terminated(_) => SendError::Protocol(text),
        CallError::TooMany { .. } | CallError::Loop { .. } => SendError::TooMany(text),
    }
}
