//! What plugins may share beyond exchanges: the tables `[state]` and `[outbound]`.

use std::path::Path;
use std::time::Duration;

use super::layers::Layers;
use crate::config::file::TomlTable;
use crate::config::units;
use crate::outbound::OutboundConfig;
use crate::store::{Durability, Kind, Quotas, StoreConfig};

/// How long a call to Redis may take, and what its keys begin with.
const REDIS_TIMEOUT: Duration = Duration::from_secs(1);
const REDIS_PREFIX: &str = "tollgate";

/// The file of the embedded store, below the directory for state.
const FILE: &str = "tollgate/state.redb";

/// Where `store` says that data is.
enum Place {
    Embedded,
    Memory,
    Redis(String),
}

impl Layers<'_> {
    /// None when the store is embedded, and nothing says where: neither a key nor a home.
    pub(super) fn state(&self, file: Option<TomlTable<'_>>, base: &Path) -> Option<StoreConfig> {
        let mut quotas = Quotas::default();
        let (mut place, mut path, mut durability) = (Place::Embedded, None, Durability::default());
        let (mut prefix, mut timeout) = (REDIS_PREFIX.to_owned(), REDIS_TIMEOUT);
        if let Some(mut table) = file {
            self.set(&mut place, table.text("store"), store);
            path = self.path_in_file(table.text("path"), base);
            self.set(&mut durability, table.text("durability"), units::durability);
            self.set(
                &mut prefix,
                table.text("prefix"),
                |text| Ok(text.to_owned()),
            );
            self.set(&mut timeout, table.text("timeout"), units::time_above_zero);
            self.set(
                &mut quotas.key_bytes,
                table.text_or_number("max-key"),
                units::bytes,
            );
            self.set(
                &mut quotas.value_bytes,
                table.text_or_number("max-value"),
                units::bytes,
            );
            self.set(
                &mut quotas.bucket_bytes,
                table.text_or_number("max-bytes"),
                units::size,
            );
            let entries = table.number("max-entries");
            self.set(&mut quotas.bucket_entries, entries, |text| {
                units::count(text).map(u64::from)
            });
            table.finish(&[]);
        }
        let kind = match place {
            Place::Memory => Kind::Memory,
            Place::Redis(url) => Kind::Redis {
                url,
                prefix,
                timeout,
            },
            Place::Embedded => Kind::Embedded {
                make_directory: path.is_none(),
                path: path.map(|(path, _)| path).or_else(|| {
                    let state = self.base_directory("XDG_STATE_HOME", ".local/state")?;
                    Some(state.join(FILE))
                })?,
                durability,
            },
        };
        Some(StoreConfig { kind, quotas })
    }

    pub(super) fn outbound(&self, file: Option<TomlTable<'_>>, base: &Path) -> OutboundConfig {
        let mut outbound = OutboundConfig::default();
        let Some(mut table) = file else {
            return outbound;
        };
        self.set(
            &mut outbound.timeout,
            table.text("timeout"),
            units::time_above_zero,
        );
        let connect = table.text("connect-timeout");
        self.set(
            &mut outbound.connect_timeout,
            connect,
            units::time_above_zero,
        );
        self.set(
            &mut outbound.max_request,
            table.text_or_number("max-request"),
            units::size,
        );
        self.set(
            &mut outbound.max_response,
            table.text_or_number("max-response"),
            units::size,
        );
        self.set(
            &mut outbound.max_calls,
            table.number("max-calls"),
            units::many,
        );
        self.set(
            &mut outbound.max_at_once_of_plugin,
            table.number("max-at-once"),
            units::many,
        );
        let ca = self.path_in_file(table.text("ca"), base);
        outbound.ca = ca.map(|(path, _)| path).into_iter().collect();
        table.finish(&[]);
        outbound
    }
}

fn store(text: &str) -> Result<Place, String> {
    match text {
        "embedded" => Ok(Place::Embedded),
        "memory" => Ok(Place::Memory),
        url if url.starts_with("redis://") || url.starts_with("unix://") => {
            Ok(Place::Redis(url.to_owned()))
        }
        _ => Err(
            "expected embedded, memory, or the URL of a Redis server: redis://HOST:PORT".to_owned(),
        ),
    }
}
