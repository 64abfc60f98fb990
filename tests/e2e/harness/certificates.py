"""Certificates of a test's own authorities, good ones and those with one mistake, and clients that trust them."""

import datetime
import hashlib
import ipaddress
import os
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .client import Client
from .message import Reader

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Pair:
    """A certificate chain and its key as PEM files, and as what a server or client of Python's takes."""

    chain: Path
    key: Path

    @property
    def fingerprint(self):
        """SHA-256 of the leaf's DER, lower-case hex."""
        return fingerprint(ssl.PEM_cert_to_DER_cert(first_certificate(self.chain.read_text())))

    def server_context(self, alpn=(), client_ca=None):
        """A server's context; with `client_ca` it demands a client certificate of that authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_ca)
        return context


class Authority:
    """A root that issues into a directory. `ca` is the PEM file to trust."""

    def __init__(self, directory, name="e2e root"):
        self._directory = Path(directory)
        self._directory.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        builder = _builder(self._name, self._name, self._key, 3650 * DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        usage = _usage(key_cert_sign=True, crl_sign=True)
        builder = builder.add_extension(usage, critical=True)
        self._certificate = builder.sign(self._key, hashes.SHA256())
        self.ca = self._directory / f"{name.replace(' ', '-')}.pem"
        self.ca.write_bytes(_pem(self._certificate))
        self._issued = 0

    def issue(self, *names, days=90, client=False):
        """A pair for these host names and IP addresses; `days` < 0 is a certificate that ended so long ago."""
        self._issued += 1
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_named(names[0]), self._name, key, days * DAY)
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(digital_signature=True), critical=True)
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        leaf = builder.sign(self._key, hashes.SHA256())
        pair = Pair(self._directory / f"{self._issued}-chain.pem", self._directory / f"{self._issued}-key.pem")
        pair.chain.write_bytes(_pem(leaf) + _pem(self._certificate))
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        pair.key.write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
        return pair


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """The authority that clients and proxies of a test are told to trust."""
    return Authority(tmp_path_factory.mktemp("authority"))


class SecureClient(Client):
    """A client of sockets over TLS. `name` is what it asks for by SNI and checks."""

    def __init__(self, address, context, name="localhost", seconds=30):
        super().__init__(address, seconds)
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname=name)
        except Exception:
            self.socket.close()
            raise
        self.reader = Reader(self.socket)

    @property
    def fingerprint(self):
        """Of the certificate that the server showed."""
        return fingerprint(self.socket.getpeercert(binary_form=True))


def trusting(ca, alpn=()):
    """A client's context that trusts this authority alone and checks names."""
    context = ssl.create_default_context(cafile=str(ca))
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def careless(alpn=()):
    """A client's context that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def client_hello(name="localhost"):
    """The first bytes of a TLS connection, as OpenSSL writes them."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = careless().wrap_bio(incoming, outgoing, server_hostname=name)
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("a handshake without a server went through")


def fingerprint(der):
    return hashlib.sha256(der).hexdigest()


def first_certificate(pem):
    end = "-----END CERTIFICATE-----"
    return pem[: pem.index(end) + len(end)] + "\n"


def replace_by_rename(source, target):
    """As certbot and Kubernetes do it: readers see the old file or the new one."""
    new = target.with_name(target.name + ".new")
    new.write_bytes(source.read_bytes())
    os.replace(new, target)


def replace_in_place(source, target):
    """As `cp` does it: for a moment the file is empty."""
    target.write_bytes(source.read_bytes())


def _named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(subject, issuer, key, lifetime):
    now = datetime.datetime.now(datetime.timezone.utc)
    # A lifetime that has ended must still have begun before it ended.
    begin = now - DAY if lifetime > datetime.timedelta(0) else now + lifetime - 30 * DAY
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begin)
    builder = builder.not_valid_after(now + lifetime)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _usage(**granted):
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    names += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: granted.get(name, False) for name in names})


def _general(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)
