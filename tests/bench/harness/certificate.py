"""The certificate that the peers show where TLS is measured. tollgate makes its own."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tls:
    """PEM files; `both` holds chain and key, as HAProxy wants it."""

    chain: Path
    key: Path
    both: Path


def make(directory: Path) -> Tls:
    """A self-signed one with a P-256 key, like tollgate's own. Raises when openssl isn't there."""
    chain, key, both = (directory / name for name in ("chain.pem", "key.pem", "both.pem"))
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", "/CN=localhost", "-days", "30", "-out", str(chain), "-keyout", str(key)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    both.write_bytes(chain.read_bytes() + key.read_bytes())
    return Tls(chain, key, both)
