//! The backends: the tables `[backends.NAME]`, the default one, and those that routes name by a URL.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::layers::{Layers, Placed};
use crate::config::backend::{
    BackendConfig, BackendTls, BackendUrl, DEFAULT_BACKEND, HostField, Protocol,
};
use crate::config::file::{Scalar, TomlTable, Value};
use crate::config::plugin::is_shaped;
use crate::config::url::{self, BackendOrigin, BackendScheme, BackendTarget};
use crate::config::{Place, nearest_name, units};

/// Keys of tables, for people who write them right into a backend's table.
pub(super) const IN_BACKEND_TABLES: [&str; 15] = [
    "tls.verify",
    "tls.ca",
    "tls.server-name",
    "tls.certificate",
    "tls.key",
    "ejection.failures",
    "ejection.time",
    "replay.match-host",
    "replay.match-body",
    "replay.match-fields",
    "replay.ignore-query",
    "replay.ignore-keys",
    "replay.repeat",
    "replay.pace",
    "replay.on-miss",
];

/// What is said of the default backend outside of its table.
#[derive(Debug, Default)]
pub(super) struct DefaultTarget {
    /// None also if nobody could read it.
    pub(super) given: Option<Placed<BackendTarget>>,
    pub(super) is_given: bool,
    /// Whether the file says something, even if a stronger layer does too.
    pub(super) is_in_file: bool,
}

/// The backends found so far.
#[derive(Debug, Default)]
pub(super) struct NamedBackends {
    configs: BTreeMap<String, BackendConfig>,
    /// Also of those that are not among `configs`: with a mistake in them, or embedded.
    names: BTreeSet<String>,
    addresses: Vec<Placed<BackendUrl>>,
    /// Of tapes: what becomes of requests without an answer. A later one counts.
    misses: Vec<(String, Scalar)>,
}

impl NamedBackends {
    pub(super) fn know(&mut self, name: &str) {
        self.names.insert(name.to_owned());
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub(super) fn config_mut(&mut self, name: &str) -> Option<&mut BackendConfig> {
        self.configs.get_mut(name)
    }

    pub(super) fn misses(&mut self, name: &str, entry: Scalar) {
        self.misses.push((name.to_owned(), entry));
    }

    pub(super) fn take_misses(&mut self) -> Vec<(String, Scalar)> {
        std::mem::take(&mut self.misses)
    }

    /// The known name that somebody most likely meant.
    pub(super) fn nearest(&self, name: &str) -> Option<&str> {
        nearest_name(name, self.names.iter().map(String::as_str))
    }

    /// The backend of a URL, of which nothing else is said; gives its name.
    pub(super) fn at(&mut self, origin: &BackendOrigin, place: Place) -> String {
        let name = origin.to_string();
        self.add_only(&name, origin, place);
        name
    }

    /// All by name, and every address with the place where it was given.
    /// All names that are known.
    pub(super) fn names(&self) -> BTreeSet<String> {
        self.names.clone()
    }

    pub(super) fn done(self) -> (BTreeMap<String, BackendConfig>, Vec<Placed<BackendUrl>>) {
        (self.configs, self.addresses)
    }

    /// Adds a backend of which only this URL is known, unless there is one of this name.
    fn add_only(&mut self, name: &str, origin: &BackendOrigin, place: Place) {
        self.know(name);
        if !self.configs.contains_key(name) {
            let mut backend = BackendConfig::new(vec![origin.url.clone()]);
            backend.protocol = origin.protocol().unwrap_or_default();
            self.configs.insert(name.to_owned(), backend);
            self.addresses.push((origin.url.clone(), place));
        }
    }
}

/// The addresses of a backend, as far as they could be read.
struct Addresses {
    /// Those that requests go to.
    used: Vec<Placed<BackendOrigin>>,
    /// The scheme of those in the file, which a layer above may hide. The rest of the table must fit them.
    in_file: Option<BackendScheme>,
}

impl Addresses {
    fn are_sockets(&self) -> bool {
        let used = self.used.first().map(|(origin, _)| origin.scheme);
        [used, self.in_file].contains(&Some(BackendScheme::Unix))
    }
}

impl Layers<'_> {
    /// The backends of the file and the default one, where that has a URL.
    pub(super) fn backends(
        &self,
        file: Option<&TomlTable<'_>>,
        default: &DefaultTarget,
        base: &Path,
    ) -> NamedBackends {
        let mut backends = NamedBackends::default();
        for (name, value) in file.into_iter().flat_map(TomlTable::values) {
            self.named(&mut backends, name, value, default, base);
        }
        match &default.given {
            Some((BackendTarget::Origin(origin), place)) => {
                backends.add_only(DEFAULT_BACKEND, origin, place.clone());
            }
            Some((BackendTarget::Echo { .. }, _)) => {
                backends.configs.remove(DEFAULT_BACKEND);
            }
            None => {}
        }
        backends
    }

    fn named(
        &self,
        backends: &mut NamedBackends,
        name: &str,
        value: Value<'_>,
        default: &DefaultTarget,
        base: &Path,
    ) {
        if !is_shaped(name) {
            let place = value.place.clone().without_value();
            let problem = "a backend's name has 1 to 64 letters, digits, `-`, `_` or `.` and begins with a letter or digit";
            self.mistakes.add(place, problem);
        }
        backends.know(name);
        let Some(mut table) = value.table() else {
            return;
        };
        let addresses = if name == DEFAULT_BACKEND {
            self.addresses(&mut table, default, base)
        } else {
            self.addresses(&mut table, &DefaultTarget::default(), base)
        };
        let (config, on_miss) = self.backend(table, &addresses, base);
        if let Some(on_miss) = on_miss {
            backends.misses(name, on_miss);
        }
        let used = addresses.used.into_iter();
        let used = used.map(|(origin, place)| (origin.url, place));
        backends.addresses.extend(used);
        backends.configs.insert(name.to_owned(), config);
    }

    /// The addresses of a table; those of the default backend may stand at the top of the file or above it.
    fn addresses(
        &self,
        table: &mut TomlTable<'_>,
        default: &DefaultTarget,
        base: &Path,
    ) -> Addresses {
        let place = table.place.clone().without_value();
        let (has_one, has_many) = (table.has("address"), table.has("addresses"));
        let problem = match has_one || has_many {
            true if default.is_in_file => Some(
                "the default backend has its address from `backend` at the top; expected one of the two alone",
            ),
            true if has_one && has_many => Some("expected address or addresses, not both"),
            false if !default.is_given => Some("expected address or addresses"),
            _ => None,
        };
        if let Some(problem) = problem {
            self.mistakes.add(place, problem);
        }
        let one = table.text("address").map(|entry| vec![entry]);
        let many = self.many_addresses(table);
        let own = self.origins(many.or(one).unwrap_or_default(), base);
        let own_scheme = own.first().map(|(origin, _)| origin.scheme);
        let (used, in_file) = match &default.given {
            Some((BackendTarget::Origin(origin), place)) => {
                let given = Some(origin.scheme).filter(|_| place.is_in_file());
                (vec![(origin.clone(), place.clone())], own_scheme.or(given))
            }
            // Nobody asks the table's addresses as long as the embedded backend is the default.
            Some((BackendTarget::Echo { .. }, _)) => (Vec::new(), own_scheme),
            None => (own, own_scheme),
        };
        Addresses { used, in_file }
    }

    fn many_addresses(&self, table: &mut TomlTable<'_>) -> Option<Vec<Scalar>> {
        let value = table.take("addresses")?;
        if value.is_empty_list() {
            return value.wrong("at least one URL");
        }
        table.list("addresses", "URLs")
    }

    /// URLs that one backend can have together.
    fn origins(&self, entries: Vec<Scalar>, base: &Path) -> Vec<Placed<BackendOrigin>> {
        let mut origins: Vec<Placed<BackendOrigin>> = Vec::new();
        for entry in entries {
            let Some(origin) = entry.read(self.mistakes, |text| url::origin(text, base)) else {
                continue;
            };
            let first = origins.first().map(|(first, _)| first.scheme);
            let problem = match first {
                Some(BackendScheme::Tape) => {
                    Some("a tape answers alone; expected no other address beside it".to_owned())
                }
                Some(first) if first != origin.scheme => Some(format!(
                    "the addresses of one backend have one scheme; expected {} as in the first",
                    first.prefix()
                )),
                _ if origins.iter().any(|(known, _)| *known == origin) => {
                    Some("this address stands in the list twice; expected it once".to_owned())
                }
                _ => None,
            };
            match problem {
                Some(problem) => self.mistakes.add(entry.place, problem),
                None => origins.push((origin, entry.place)),
            }
        }
        origins
    }

    fn backend(
        &self,
        mut table: TomlTable<'_>,
        addresses: &Addresses,
        base: &Path,
    ) -> (BackendConfig, Option<Scalar>) {
        let urls = addresses.used.iter().map(|(origin, _)| origin.url.clone());
        let mut backend = BackendConfig::new(urls.collect());
        self.set(&mut backend.balance, table.text("balance"), units::balance);
        backend.protocol = self.protocol(table.text("protocol"), addresses);
        backend.host = self.host(table.text("host"), addresses);
        for (slot, key) in [
            (&mut backend.connect_timeout, "connect-timeout"),
            (&mut backend.first_byte_timeout, "first-byte-timeout"),
            (&mut backend.body_timeout, "body-timeout"),
            (&mut backend.idle_timeout, "idle-timeout"),
            (&mut backend.resolve_every, "resolve-every"),
        ] {
            self.set(slot, table.text(key), units::time_above_zero);
        }
        let most = table.number("max-connections");
        self.set(&mut backend.max_connections, most, units::many);
        let head = table.text_or_number("max-head");
        self.set(&mut backend.max_head, head, units::max_head);
        let fields = table.number("max-fields");
        self.set(&mut backend.max_fields, fields, units::max_fields);
        if let Some(tls) = table.table("tls") {
            self.refuse_tls_in_cleartext(&tls.place, addresses);
            backend.tls = self.backend_tls(tls, base);
        }
        if let Some(mut ejection) = table.table("ejection") {
            let failures = ejection.number("failures");
            self.set(&mut backend.ejection.failures, failures, units::failures);
            let time = ejection.text("time");
            self.set(&mut backend.ejection.time, time, units::time_above_zero);
            ejection.finish(&[]);
        }
        let replay = table.table("replay").map(|table| self.replay(table));
        let (rules, on_miss) = replay.unwrap_or_default();
        backend.replay.rules = rules;
        table.finish(&IN_BACKEND_TABLES);
        (backend, on_miss)
    }

    /// The protocol of the table, unless the scheme fixes it.
    fn protocol(&self, entry: Option<Scalar>, addresses: &Addresses) -> Protocol {
        let fixed = addresses.used.first().and_then(|(o, _)| o.protocol());
        let given = entry.and_then(|entry| {
            let protocol = entry.read(self.mistakes, units::protocol)?;
            if protocol == Protocol::Http1 && addresses.in_file == Some(BackendScheme::H2c) {
                let problem = "h2c:// is HTTP/2; expected addresses with http://, or no protocol";
                self.mistakes.add(entry.place, problem);
            }
            Some(protocol)
        });
        fixed.or(given).unwrap_or_default()
    }

    fn host(&self, entry: Option<Scalar>, addresses: &Addresses) -> HostField {
        let host = entry.and_then(|entry| {
            let host = entry.read(self.mistakes, url::host_field)?;
            if host == HostField::Rewrite && addresses.are_sockets() {
                let problem = "a socket has no host to send; expected keep, or the host to send";
                self.mistakes.add(entry.place, problem);
            }
            Some(host)
        });
        host.unwrap_or_default()
    }

    fn refuse_tls_in_cleartext(&self, place: &Place, addresses: &Addresses) {
        if let Some(scheme) = addresses
            .in_file
            .filter(|scheme| *scheme != BackendScheme::Https)
        {
            let problem = format!(
                "{} is cleartext; expected addresses with https://, or no tls",
                scheme.prefix()
            );
            self.mistakes.add(place.clone().without_value(), problem);
        }
    }

    fn backend_tls(&self, mut table: TomlTable<'_>, base: &Path) -> BackendTls {
        let mut tls = BackendTls::default();
        tls.verify = table.boolean("verify").unwrap_or(tls.verify);
        let ca = self.path_in_file(table.text("ca"), base);
        if let Some((_, place)) = &ca
            && !tls.verify
        {
            let problem = "verify = false accepts any certificate; expected one of the two alone";
            self.mistakes.add(place.clone(), problem);
        }
        tls.ca = ca.map(|(path, _)| path);
        let name = table.text("server-name");
        self.set(&mut tls.server_name, name, |text| {
            units::server_name(text).map(Some)
        });
        tls.client = self.certificate_files(&mut table, base);
        table.finish(&[]);
        tls
    }
}
