//! How clients are served and what backends are told of them: `[server]`, `[tls]` and `[forwarding]`.

use std::path::{Path, PathBuf};

use super::layers::Layers;
use crate::config::file::TomlTable;
use crate::config::server::{Certificate, ServerConfig, ServerTls};
use crate::config::units;
use crate::message::hygiene::Forwarding;

impl Layers<'_> {
    pub(super) fn server(&self, file: Option<TomlTable<'_>>) -> ServerConfig {
        let mut server = ServerConfig::default();
        let Some(mut table) = file else { return server };
        let most = table.number("max-connections");
        self.set(&mut server.max_connections, most, units::many);
        let most = table.number("max-requests");
        self.set(&mut server.max_requests, most, units::many);
        let most = table.number("max-streams");
        self.set(&mut server.max_streams, most, units::max_streams);
        self.head(&mut server, &mut table);
        let body = table.text_or_number("max-body");
        self.set(&mut server.max_body, body, |text| {
            units::max_body(text).map(Some)
        });
        for (slot, key) in [
            (&mut server.header_timeout, "header-timeout"),
            (&mut server.idle_timeout, "idle-timeout"),
            (&mut server.body_timeout, "body-timeout"),
            (&mut server.tunnel_timeout, "tunnel-timeout"),
        ] {
            self.set(slot, table.text(key), units::time_above_zero);
        }
        let timeout = table.text("request-timeout");
        self.set(&mut server.request_timeout, timeout, |text| {
            units::time_above_zero(text).map(Some)
        });
        let half_close = table.text("half-close");
        self.set(&mut server.half_close, half_close, units::half_close);
        self.set(
            &mut server.drain_delay,
            table.text("drain-delay"),
            units::time,
        );
        table.finish(&["drain"]);
        server
    }

    /// The target is part of the head, so it can't be allowed more. Its default follows a head that is.
    fn head(&self, server: &mut ServerConfig, table: &mut TomlTable<'_>) {
        let head = table.text_or_number("max-head");
        self.set(&mut server.max_head, head, units::max_head);
        let fields = table.number("max-fields");
        self.set(&mut server.max_fields, fields, units::max_fields);
        let Some(entry) = table.text_or_number("max-target") else {
            server.max_target = server.max_target.min(server.max_head);
            return;
        };
        let most = server.max_head;
        let target = entry.read(self.mistakes, |text| match units::max_target(text)? {
            bytes if bytes <= most => Ok(bytes),
            _ => Err(format!(
                "the target is part of the head, and max-head is {most} bytes; expected no more than that"
            )),
        });
        server.max_target = target.unwrap_or(server.max_target);
    }

    pub(super) fn forwarding(&self, file: Option<TomlTable<'_>>) -> Forwarding {
        let mut forwarding = Forwarding::default();
        let Some(mut table) = file else {
            return forwarding;
        };
        let x_forwarded = table.text("x-forwarded");
        self.set(&mut forwarding.x_forwarded, x_forwarded, units::forward);
        let forwarded = table.text("forwarded");
        self.set(&mut forwarding.forwarded, forwarded, units::forward);
        forwarding.via = table.boolean("via").unwrap_or(forwarding.via);
        table.finish(&[]);
        forwarding
    }

    pub(super) fn tls(&self, file: Option<TomlTable<'_>>, base: &Path) -> Option<ServerTls> {
        // Also one that nobody could read.
        let asked_for = self.args.tls.is_some() || self.variable("tls").is_some();
        let given = self.value("tls", &self.args.tls, None, units::certificate);
        let (mut in_file, mut cleartext, is_in_file) = (None, None, file.is_some());
        if let Some(mut table) = file {
            cleartext = table.switch("cleartext");
            in_file = self.certificate(table, base, asked_for);
        }
        let cleartext = self.switch("tls-cleartext", self.args.tls_cleartext, cleartext);
        if let Some((true, place)) = &cleartext
            && !asked_for
            && !is_in_file
        {
            let problem =
                "without TLS there is cleartext anyway; expected --tls too, or [tls] in the file";
            self.mistakes.add(place.clone(), problem);
        }
        let certificate = given.map(|(certificate, _)| certificate).or(in_file)?;
        let cleartext = cleartext.is_some_and(|(cleartext, _)| cleartext);
        Some(ServerTls {
            certificate,
            cleartext,
        })
    }

    /// What `[tls]` says of the certificate. It must say something, unless a layer above does.
    pub(super) fn certificate(
        &self,
        mut table: TomlTable<'_>,
        base: &Path,
        is_given: bool,
    ) -> Option<Certificate> {
        let self_signed = table.switch("self-signed");
        let has_files = table.has("certificate") || table.has("key");
        let files = self.certificate_files(&mut table, base);
        let place = table.place.clone();
        table.finish(&[]);
        match self_signed {
            Some((true, place)) if has_files => {
                let problem = "a certificate is made or read, not both; \
                    expected certificate and key, or self-signed alone";
                self.mistakes.add(place, problem);
                None
            }
            Some((true, _)) => Some(Certificate::SelfSigned),
            _ if has_files || is_given => {
                files.map(|(chain, key)| Certificate::Files { chain, key })
            }
            _ => {
                let problem = "expected certificate and key, or self-signed = true";
                self.mistakes.add(place, problem);
                None
            }
        }
    }

    /// `certificate` and `key`, of which one is nothing without the other.
    pub(super) fn certificate_files(
        &self,
        table: &mut TomlTable<'_>,
        base: &Path,
    ) -> Option<(PathBuf, PathBuf)> {
        let (has_chain, has_key) = (table.has("certificate"), table.has("key"));
        let (chain, key) = (table.text("certificate"), table.text("key"));
        match (&chain, &key) {
            (Some(chain), None) if !has_key => {
                let problem = "a certificate needs its private key; expected key too";
                self.mistakes.add(chain.place.clone(), problem);
            }
            (None, Some(key)) if !has_chain => {
                let problem = "a private key needs its certificate; expected certificate too";
                self.mistakes.add(key.place.clone(), problem);
            }
            _ => {}
        }
        let chain = self.path_in_file(chain, base);
        let key = self.path_in_file(key, base);
        Some((chain?.0, key?.0))
    }
}
