//! Tells an AWS emulator by the port which service a request without credentials is for.
//!
//! AWS's own endpoints are told apart by their hosts. An emulator with one address goes by the credential scope of the signature
//! (Signature Version 4, `authorization: AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request`), and a request without a
//! signature is taken for one of S3 or of nothing. With one port per service the port tells it.

use std::collections::BTreeMap;

use tollgate_plugin::{Plugin, Request, Result, Verdict};

/// The settings, ready for use.
#[derive(serde::Deserialize)]
#[serde(try_from = "Settings")]
struct AwsPorts {
    /// What `authorization` becomes, and the service, by the port.
    ports: BTreeMap<u16, (String, String)>,
}

/// The settings as written.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    ports: BTreeMap<String, String>,
    #[serde(default = "region")]
    region: String,
    #[serde(default = "access_key")]
    access_key: String,
}

fn region() -> String {
    "us-east-1".into()
}

fn access_key() -> String {
    "test".into()
}

impl TryFrom<Settings> for AwsPorts {
    type Error = String;

    fn try_from(settings: Settings) -> Result<Self, String> {
        let Settings {
            ports,
            region,
            access_key,
        } = settings;
        for (name, value) in [("region", &region), ("access_key", &access_key)] {
            if !is_word(value) {
                return Err(format!(
                    "setting {name} is {value:?}: expected letters, digits and -"
                ));
            }
        }
        let port = |(port, service): (String, String)| {
            let number = port.parse::<u16>().ok().filter(|number| *number > 0);
            let number = number.ok_or_else(|| {
                format!("setting ports has {port:?}: expected a port from 1 to 65535")
            })?;
            if !is_word(&service) {
                return Err(format!(
                    "setting ports.{port} is {service:?}: expected the name of a service in signatures, such as sqs"
                ));
            }
            // The date is one that no client sends, so that whoever reads a log sees that it is made up.
            let scope = format!("{access_key}/19700101/{region}/{service}/aws4_request");
            let value =
                format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none");
            Ok((number, (value, service)))
        };
        let ports = ports.into_iter().map(port).collect::<Result<_, _>>()?;
        Ok(Self { ports })
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

impl Plugin for AwsPorts {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        let authority = request.authority();
        let port = authority
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok());
        if let Some((authorization, service)) = port.and_then(|port: u16| self.ports.get(&port))
            && request.field("authorization").is_none()
            && !is_signed(&request.target())
            // Its operation is in this field, and without it moto fails with 500.
            && (service != "dynamodb" || request.field("x-amz-target").is_some())
        {
            request.set_field("authorization", authorization)?;
        }
        Ok(Verdict::Forward)
    }
}

/// Whether the query has a signature, of version 4 or 2.
fn is_signed(target: &str) -> bool {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let mut names = query
        .split('&')
        .map(|pair| pair.split('=').next().unwrap_or(pair));
    names.any(|name| {
        let names = [
            "X-Amz-Credential",
            "X-Amz-Signature",
            "AWSAccessKeyId",
            "Signature",
        ];
        names.iter().any(|known| known.eq_ignore_ascii_case(name))
    })
}

tollgate_plugin::export!(AwsPorts);

#[cfg(test)]
mod tests;
