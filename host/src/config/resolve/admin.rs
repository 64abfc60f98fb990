//! The admin listener: `admin = ADDRESS` or the table `[admin]`.

use std::net::SocketAddr;
use std::path::Path;

use toml::de::DeValue;

use super::layers::{Layers, Placed};
use crate::config::admin::{AdminConfig, TokenSource};
use crate::config::admin_address;
use crate::config::file::{Scalar, TomlTable};

/// What the file says of it.
#[derive(Default)]
struct InFile {
    address: Option<Scalar>,
    token_file: Option<Scalar>,
    hosts: Vec<String>,
}

impl Layers<'_> {
    /// The listener, and where its address was given.
    pub(super) fn admin(
        &self,
        file: &mut TomlTable<'_>,
        base: &Path,
    ) -> Option<Placed<AdminConfig>> {
        let given = file.take("admin").map(|value| match value.value {
            DeValue::Table(_) => value.table().map(|table| self.admin_table(table)),
            _ if value.value.is_integer() => value.number().map(InFile::at),
            _ => value.text().map(InFile::at),
        });
        let in_file = given.flatten().unwrap_or_default();
        let at_file = in_file.address.as_ref().map(|entry| entry.place.clone());
        let address = self.value_at("admin", &self.args.admin, in_file.address, |text, place| {
            // A path in the file is relative to it, one of a flag to where the program was started.
            let base = if Some(place) == at_file.as_ref() {
                base
            } else {
                Path::new("")
            };
            admin_address(text, base)
        });
        let token_file = in_file.token_file.map(|entry| (entry, base));
        let token_file = self.path(
            "admin-token-file",
            self.args.admin_token_file.as_deref(),
            token_file,
        );
        let token = self
            .variable("admin-token")
            .and_then(|value| self.utf8(value));
        let token = match (token, token_file) {
            // The flag is stronger than any variable.
            (Some(token), file) if self.args.admin_token_file.is_none() || file.is_none() => {
                Some(TokenSource::Given(token.text))
            }
            (_, file) => file.map(|(path, _)| TokenSource::File(path)),
        };
        let (address, place) = address?;
        if !address.is_local() && token.is_none() {
            let problem = "others reach this address, so a token is needed; expected a loopback address or unix:PATH, or \
                           --admin-token-file FILE (admin.token-file, TOLLGATE_ADMIN_TOKEN) too";
            self.mistakes.add(place.clone(), problem);
        }
        let hosts = in_file.hosts;
        Some((
            AdminConfig {
                address,
                token,
                hosts,
            },
            place,
        ))
    }

    fn admin_table(&self, mut table: TomlTable<'_>) -> InFile {
        let hosts = table.list("hosts", "strings, the names that the admin listener has");
        let hosts = hosts.unwrap_or_default().into_iter();
        let hosts = hosts
            .filter_map(|entry| entry.read(self.mistakes, host))
            .collect();
        let read = InFile {
            address: table.text_or_number("address"),
            token_file: table.text("token-file"),
            hosts,
        };
        table.finish(&[]);
        read
    }
}

impl InFile {
    fn at(address: Scalar) -> Self {
        Self {
            address: Some(address),
            ..Self::default()
        }
    }
}

/// A name without a port.
fn host(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty()
        && text.len() <= 253
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
    match is_name {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(
            "expected the name of a host without a port, such as tollgate.example.com".to_owned(),
        ),
    }
}

/// The TCP address of a listener, for the checks of addresses.
pub(super) fn tcp(admin: Option<&Placed<AdminConfig>>) -> Option<Placed<SocketAddr>> {
    let (admin, place) = admin?;
    Some((admin.address.tcp()?, place.clone()))
}
