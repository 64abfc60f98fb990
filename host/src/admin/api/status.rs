//! `/api/v1/status`: what runs here.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::state::Admin;
use crate::record::tape::TapeWriter;

/// What runs here
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Status {
    /// Of tollgate.
    pub version: String,
    /// When it started: microseconds since 1970.
    pub started_us: u64,
    /// Whether it is to get new traffic.
    pub ready: bool,
    /// Where clients connect.
    pub listen: Vec<Listening>,
    /// Where the admin listener is: `ADDRESS:PORT` or `unix:PATH`.
    pub admin: String,
    pub backends: Vec<BackendStatus>,
    /// The configuration file, if there is one.
    pub config_file: Option<String>,
    pub plugins_dir: String,
    pub exchanges: Exchanges,
    pub recording: Recording,
}

/// What is recorded
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Recording {
    pub on: bool,
    /// How many exchanges are kept, and bytes of memory that they take, roughly.
    pub exchanges: u64,
    pub bytes: u64,
    /// At most.
    pub max_exchanges: u64,
    pub max_bytes: u64,
    /// The first bytes of each body that are kept.
    pub body_limit: u64,
    /// Exchanges that were not recorded, because too many waited.
    pub dropped: u64,
    /// The file that exchanges are appended to, if there is one.
    pub tape: Option<TapeStatus>,
}

/// The tape
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TapeStatus {
    pub file: String,
    /// What was written since the start, in bytes.
    pub bytes: u64,
    /// How many exchanges that were.
    pub exchanges: u64,
    /// Exchanges that are not on it: too many waited, or they could not be written.
    pub dropped: u64,
    /// Why the last one could not be written; none if it was.
    pub error: Option<String>,
}

/// An address for clients
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Listening {
    /// The listener's name: `default` for the addresses in `listen`.
    pub name: String,
    pub address: String,
    pub tls: bool,
}

/// A backend by its name in the configuration
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BackendStatus {
    pub name: String,
    /// URLs, as in the configuration.
    pub addresses: Vec<String>,
}

/// Exchanges since the start
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Exchanges {
    pub total: u64,
    pub in_progress: u64,
    /// Those that began in a second, as a mean over the last five.
    pub per_second: f64,
}

impl Recording {
    fn of(admin: &Admin) -> Self {
        let limits = &admin.config.load().record;
        let recorder = admin.recorder.as_ref();
        let size = recorder.map(|recorder| recorder.ring().size());
        Self {
            on: recorder.is_some(),
            exchanges: size.map_or(0, |size| size.exchanges as u64),
            bytes: size.map_or(0, |size| size.bytes),
            max_exchanges: size.map_or(limits.exchanges, |size| size.most) as u64,
            max_bytes: size.map_or(limits.bytes, |size| size.most_bytes),
            body_limit: limits.body as u64,
            dropped: recorder.map_or(0, |recorder| recorder.dropped()),
            tape: admin.tape.as_ref().map(TapeStatus::of),
        }
    }
}

impl TapeStatus {
    fn of(tape: &TapeWriter) -> Self {
        let counts = tape.counts();
        Self {
            file: tape.path().display().to_string(),
            bytes: counts.bytes,
            exchanges: counts.written,
            dropped: counts.dropped + counts.failed,
            error: tape.error(),
        }
    }
}

fn listening(admin: &Admin) -> Vec<Listening> {
    let sockets = admin.listeners.sockets().into_iter();
    let listening = sockets.map(|socket| Listening {
        name: socket.listener.to_string(),
        address: socket.address.to_string(),
        tls: socket.tls.is_some(),
    });
    listening.collect()
}

impl Status {
    pub fn of(admin: &Admin) -> Self {
        let config = admin.config.load();
        let backends = config.backends.iter().map(|(name, backend)| BackendStatus {
            name: name.clone(),
            addresses: backend.addresses.iter().map(ToString::to_string).collect(),
        });
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_us: admin.started,
            ready: admin.ready.get(),
            listen: listening(admin),
            admin: admin.address.to_string(),
            backends: backends.collect(),
            config_file: config.file.as_ref().map(|file| file.display().to_string()),
            plugins_dir: config.plugins.display().to_string(),
            exchanges: Exchanges {
                total: admin.exchanges_total(),
                in_progress: admin.proxy.under_way() as u64,
                per_second: admin.throughput.per_second(),
            },
            recording: Recording::of(admin),
        }
    }
}

/// What runs here
#[utoipa::path(get, path = "/api/v1/status", tag = "status", responses(
    (status = 200, description = "What runs here.", body = Status),
))]
pub async fn status(State(admin): State<Arc<Admin>>) -> Json<Status> {
    Json(Status::of(&admin))
}
