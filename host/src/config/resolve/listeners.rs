//! The listeners: `listen`, and the tables `[[listeners]]` with what is each one's own.

use std::path::Path;

use toml::de::DeValue;

use super::backends::NamedBackends;
use super::layers::{Layers, Placed, PlacedAddress};
use super::routes::{RouteOwner, add_default};
use crate::config::file::{Scalar, TomlTable, Value};
use crate::config::listener::{DEFAULT_LISTENER, ListenerConfig};
use crate::config::plugin::is_shaped;
use crate::config::route::RouteConfig;
use crate::config::server::ServerTls;
use crate::config::{DEFAULT_LISTEN, Place, units};

/// A table of `[[listeners]]`, as far as it could be read.
#[derive(Debug)]
pub(super) struct ListenerTable {
    /// Empty if there is nothing to call it by.
    name: String,
    /// Where it is named; the table as a whole if it isn't.
    place: Place,
    pub(super) addresses: Vec<PlacedAddress>,
    tls: ListenerTls,
    pub(super) has_routes: bool,
}

/// What a listener says of TLS.
#[derive(Debug)]
enum ListenerTls {
    /// Nothing, so `[tls]` at the top holds.
    AsAtTheTop,
    Cleartext,
    Own(ServerTls),
}

impl Layers<'_> {
    /// The addresses in `listen` of the strongest layer that has some.
    pub(super) fn listen(&self, file: &mut TomlTable<'_>) -> Option<Vec<PlacedAddress>> {
        let flags: Vec<_> = self.args.listen.iter().map(|text| flag(text)).collect();
        let variable = self.variable("listen").and_then(|given| self.utf8(given));
        let variable: Vec<_> = variable.iter().flat_map(at_commas).collect();
        let in_file = file.take("listen").map(entries).unwrap_or_default();
        // Collected, so that all are read.
        let layers: Vec<_> = [flags, variable, in_file]
            .into_iter()
            .filter(|entries| !entries.is_empty())
            .map(|entries| self.addresses_in(entries))
            .collect();
        layers.into_iter().find(|addresses| !addresses.is_empty())
    }

    fn addresses_in(&self, entries: Vec<Scalar>) -> Vec<PlacedAddress> {
        let read = |entry: Scalar| Some((entry.read(self.mistakes, units::listen)?, entry.place));
        entries.into_iter().filter_map(read).collect()
    }

    /// The tables, and the routes that are theirs alone. `has_default` says whether a default backend is given.
    pub(super) fn listener_tables(
        &self,
        value: Option<Value<'_>>,
        has_default: bool,
        backends: &mut NamedBackends,
        base: &Path,
    ) -> (Vec<ListenerTable>, Vec<RouteConfig>) {
        let (mut tables, mut routes) = (Vec::new(), Vec::new());
        let Some(value) = value else {
            return (tables, routes);
        };
        if !value.value.is_array() {
            let none: Option<()> = value.wrong(
                "tables, each below [[listeners]]; [[listeners.routes]] stands below the [[listeners]] that it belongs to",
            );
            none.unwrap_or_default();
            return (tables, routes);
        }
        for table in value.items().filter_map(Value::table) {
            let (table, own) = self.listener_table(table, has_default, backends, base);
            tables.push(table);
            routes.extend(own);
        }
        (tables, routes)
    }

    fn listener_table(
        &self,
        mut table: TomlTable<'_>,
        has_default: bool,
        backends: &mut NamedBackends,
        base: &Path,
    ) -> (ListenerTable, Vec<RouteConfig>) {
        let place = table.place.clone().without_value();
        let given = table.text("name");
        let addresses = self.listener_addresses(&mut table);
        let first = addresses.first().map(|(address, _)| address.to_string());
        let name = given
            .as_ref()
            .and_then(|name| name.read(self.mistakes, listener_name));
        let name = name.or(first).unwrap_or_default();
        let tls = self.listener_tls(table.take("tls"), base);
        let has_routes = ["backend", "plugins", "routes"]
            .iter()
            .any(|key| table.has(key));
        let backend = table.text("backend");
        let backend = backend.and_then(|entry| self.backend_of_route(&entry, backends, base));
        let plugins = table.list("plugins", "names of plugins");
        let owner = RouteOwner {
            listener: Some(name.clone()),
            backend,
            plugins: plugins.map(|entries| self.plugins_of_route(entries)),
        };
        let value = table.take("routes");
        let has_tables = value.as_ref().is_some_and(|value| !value.is_empty_list());
        table.finish(&[]);
        let mut routes = self.routes(value, &owner, backends, base);
        if has_routes && (owner.backend.is_some() || has_default || !has_tables) {
            add_default(&mut routes, &owner);
        }
        let table = ListenerTable {
            name,
            place: given.map_or(place, |name| name.place),
            addresses,
            tls,
            has_routes,
        };
        (table, routes)
    }

    fn listener_addresses(&self, table: &mut TomlTable<'_>) -> Vec<PlacedAddress> {
        let place = table.place.clone().without_value();
        let (one, many) = (table.take("address"), table.take("addresses"));
        let entries = match (one, many) {
            (Some(_), Some(_)) => {
                let problem = "expected address or addresses, not both";
                self.mistakes.add(place, problem);
                return Vec::new();
            }
            (Some(one), None) => Vec::from_iter(one.text_or_number()),
            (None, Some(many)) if many.value.is_array() => entries(many),
            (None, Some(many)) => many.wrong("a list of addresses").unwrap_or_default(),
            (None, None) => {
                let problem = "expected address: where its clients connect, such as 127.0.0.1:4572";
                self.mistakes.add(place, problem);
                return Vec::new();
            }
        };
        self.addresses_in(entries)
    }

    fn listener_tls(&self, value: Option<Value<'_>>, base: &Path) -> ListenerTls {
        let Some(value) = value else {
            return ListenerTls::AsAtTheTop;
        };
        match value.value {
            DeValue::Boolean(false) => ListenerTls::Cleartext,
            DeValue::Boolean(true) => value
                .wrong("a table, or false for cleartext; without this key [tls] at the top holds")
                .unwrap_or(ListenerTls::AsAtTheTop),
            _ => {
                let own = value.table().and_then(|mut table| {
                    let cleartext = table.switch("cleartext");
                    Some(ServerTls {
                        certificate: self.certificate(table, base, false)?,
                        cleartext: cleartext.is_some_and(|(cleartext, _)| cleartext),
                    })
                });
                own.map_or(ListenerTls::AsAtTheTop, ListenerTls::Own)
            }
        }
    }

    /// All listeners: that of `listen`, unless there are tables and nothing is said of it, and those of the tables.
    pub(super) fn listeners(
        &self,
        listen: Option<&[PlacedAddress]>,
        tables: Vec<ListenerTable>,
        tls: Option<&ServerTls>,
    ) -> Vec<ListenerConfig> {
        let addresses = match listen {
            Some(listen) => listen.iter().map(|(address, _)| *address).collect(),
            None if tables.is_empty() => vec![DEFAULT_LISTEN],
            None => Vec::new(),
        };
        let first = (!addresses.is_empty()).then(|| ListenerConfig {
            name: DEFAULT_LISTENER.to_owned(),
            addresses,
            tls: tls.cloned(),
            has_routes: false,
        });
        self.check_names(first.is_some(), &tables);
        let of_table = |table: ListenerTable| ListenerConfig {
            name: table.name,
            addresses: table
                .addresses
                .into_iter()
                .map(|(address, _)| address)
                .collect(),
            tls: match table.tls {
                ListenerTls::AsAtTheTop => tls.cloned(),
                ListenerTls::Cleartext => None,
                ListenerTls::Own(tls) => Some(tls),
            },
            has_routes: table.has_routes,
        };
        first
            .into_iter()
            .chain(tables.into_iter().map(of_table))
            .collect()
    }

    fn check_names(&self, has_default: bool, tables: &[ListenerTable]) {
        for (at, table) in tables
            .iter()
            .enumerate()
            .filter(|(_, table)| !table.name.is_empty())
        {
            if has_default && table.name == DEFAULT_LISTENER {
                let problem = format!(
                    "the addresses in listen (--listen) are the listener {DEFAULT_LISTENER:?}; expected another name"
                );
                self.mistakes.add(table.place.clone(), problem);
            }
            let same = tables[..at].iter().find(|other| other.name == table.name);
            if let Some(other) = same {
                let line = other.place.line().unwrap_or_default();
                let problem = format!(
                    "the listener of line {line} is called {:?} too; expected a name of its own",
                    table.name
                );
                self.mistakes.add(table.place.clone(), problem);
            }
        }
    }
}

fn flag(text: &str) -> Scalar {
    Scalar {
        place: Place::Flag {
            name: "listen",
            value: Some(text.to_owned()),
        },
        text: text.to_owned(),
    }
}

fn at_commas(given: &Scalar) -> Vec<Scalar> {
    let texts = given.text.split(',');
    let entry = |text: &str| Scalar {
        place: given.place.clone(),
        text: text.trim().to_owned(),
    };
    texts.map(entry).collect()
}

/// One value, or those of a list that is not empty.
fn entries(value: Value<'_>) -> Vec<Scalar> {
    if value.is_empty_list() {
        return value.wrong("at least one address").unwrap_or_default();
    }
    if value.value.is_array() {
        return value.items().filter_map(Value::text_or_number).collect();
    }
    Vec::from_iter(value.text_or_number())
}

fn listener_name(text: &str) -> Result<String, String> {
    if is_shaped(text) {
        return Ok(text.to_owned());
    }
    Err(
        "a listener's name has 1 to 64 letters, digits, `-`, `_` or `.` and begins with a letter or digit"
            .to_owned(),
    )
}

/// Every address of the listeners and where it was given; that of nobody's choice has no place.
pub(super) fn all_addresses<'a>(
    listen: Option<&'a [PlacedAddress]>,
    tables: &'a [ListenerTable],
) -> Vec<Placed<std::net::SocketAddr>> {
    let own = tables.iter().flat_map(|table| &table.addresses);
    listen.into_iter().flatten().chain(own).cloned().collect()
}
