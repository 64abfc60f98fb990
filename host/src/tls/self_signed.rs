//! A certificate made at the start, for local use. It is for names that only this machine answers to, so that nobody is
//! tempted to trust it for more.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;

use super::{SetupError, provider};

const DAY: Duration = Duration::from_secs(86_400);

/// Clocks of containers and virtual machines differ.
const BEFORE: Duration = DAY;

/// With [`BEFORE`] 365 days: browsers take up to 398, Mozilla's recommendation allows 366.
const AFTER: Duration = Duration::from_secs(364 * 86_400);

/// A new ECDSA P-256 key and its certificate for localhost, the loopback addresses, the address that is listened on (if
/// it is one: 0.0.0.0 and :: are left out) and the machine's name.
pub(super) fn generate(listen: IpAddr, now: SystemTime) -> Result<CertifiedKey, SetupError> {
    let mut params = CertificateParams::new(names(listen, hostname().as_deref()))?;
    params.not_before = (now - BEFORE).into();
    params.not_after = (now + AFTER).into();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "tollgate (self-signed)");
    // Without basic constraints and key identifiers, strict verifiers (Python since 3.13) refuse it even as a trusted one.
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];

    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = params.self_signed(&key)?.der().clone();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let signing = provider().key_provider.load_private_key(key)?;
    Ok(CertifiedKey::new(vec![certificate], signing))
}

fn names(listen: IpAddr, hostname: Option<&str>) -> Vec<String> {
    let mut names = vec!["localhost".to_owned()];
    names.extend(hostname.map(str::to_owned));
    names.extend(
        [IpAddr::V4(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].map(|ip| ip.to_string()),
    );
    let listen = listen.to_canonical();
    if !listen.is_unspecified() {
        names.push(listen.to_string());
    }
    let mut seen = Vec::new();
    names.retain(|name| {
        let new = !seen.contains(name);
        seen.push(name.clone());
        new
    });
    names
}

/// The kernel's name of this machine, if certificates can carry it.
fn hostname() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim().to_ascii_lowercase();
    let fits = matches!(
        ServerName::try_from(name.as_str()),
        Ok(ServerName::DnsName(_))
    );
    fits.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_this_machine_each_once() {
        let cases = [
            (
                "0.0.0.0",
                Some("box"),
                vec!["localhost", "box", "127.0.0.1", "::1"],
            ),
            ("::", None, vec!["localhost", "127.0.0.1", "::1"]),
            (
                "127.0.0.1",
                Some("localhost"),
                vec!["localhost", "127.0.0.1", "::1"],
            ),
            (
                "10.1.2.3",
                None,
                vec!["localhost", "127.0.0.1", "::1", "10.1.2.3"],
            ),
            (
                "::ffff:10.1.2.3",
                None,
                vec!["localhost", "127.0.0.1", "::1", "10.1.2.3"],
            ),
        ];
        for (listen, hostname, expected) in cases {
            assert_eq!(
                names(listen.parse().unwrap(), hostname),
                expected,
                "{listen}"
            );
        }
    }
}
