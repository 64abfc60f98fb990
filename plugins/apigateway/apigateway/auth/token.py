"""JSON Web Tokens (RFC 7519, RFC 7515): read, and their signature verified. Claims are checked elsewhere.

The key's type decides what it verifies; the token only chooses among that. `none` and HMAC are no algorithms here, keys that a token
brings along are never looked at, and a token that could be read in two ways is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import Any

from ecdsa import NIST256p, VerifyingKey
from ecdsa.errors import MalformedPointError
from ecdsa.keys import BadSignatureError
from ecdsa.util import sigdecode_string

LONGEST = 16 * 1024
# DigestInfo of each hash (RFC 8017, section 9.2, note 1).
_RSA = {
    "RS256": (hashlib.sha256, bytes.fromhex("3031300d060960864801650304020105000420")),
    "RS384": (hashlib.sha384, bytes.fromhex("3041300d060960864801650304020205000430")),
    "RS512": (hashlib.sha512, bytes.fromhex("3051300d060960864801650304020305000440")),
}
_SMALLEST_MODULUS, _LARGEST_MODULUS = 2048, 8192
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


class BadToken(Exception):
    """The token is not valid. The text says why, for a log."""


@dataclass(frozen=True)
class Token:
    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes

    @property
    def kid(self) -> str | None:
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else None


def read(text: str) -> Token:
    """Reads a token in its compact form. Nothing of it may be believed before `verify`. Raises BadToken."""
    parts = text.split(".")
    if len(text) > LONGEST or len(parts) != 3:
        raise BadToken("it is no token of three parts")
    header, claims = _object(parts[0]), _object(parts[1])
    if "crit" in header or "b64" in header:
        raise BadToken("its header has crit or b64")
    return Token(header, claims, f"{parts[0]}.{parts[1]}".encode(), _decoded(parts[2]))


def verify(token: Token, key: dict[str, Any]) -> bool:
    """Whether a key of a JWKS (RFC 7517) signed the token. A key that can't verify its algorithm did not."""
    algorithm = token.header.get("alg")
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        return False
    if "key_ops" in key and "verify" not in (key["key_ops"] or []):
        return False
    try:
        if key.get("kty") == "RSA" and algorithm in _RSA:
            return _verify_rsa(token, algorithm, _number(key["n"]), _number(key["e"]))
        if key.get("kty") == "EC" and key.get("crv") == "P-256" and algorithm == "ES256":
            return _verify_p256(token, _decoded(key["x"]), _decoded(key["y"]))
    except (BadToken, KeyError, TypeError, AttributeError):
        # The key is broken.
        return False
    return False


def _verify_rsa(token: Token, algorithm: str, modulus: int, exponent: int) -> bool:
    """RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2.2): what the signature should be is made and compared, nothing of it is parsed."""
    size = modulus.bit_length()
    length = (size + 7) // 8
    value = int.from_bytes(token.signature, "big")
    if not _SMALLEST_MODULUS <= size <= _LARGEST_MODULUS or not 3 <= exponent < 1 << 33 or exponent % 2 == 0:
        return False
    if len(token.signature) != length or value >= modulus:
        return False
    hashed, info = _RSA[algorithm]
    digest = info + hashed(token.signed).digest()
    wanted = b"\x00\x01" + b"\xff" * (length - len(digest) - 3) + b"\x00" + digest
    return hmac.compare_digest(pow(value, exponent, modulus).to_bytes(length, "big"), wanted)


def _verify_p256(token: Token, x: bytes, y: bytes) -> bool:
    """ECDSA on P-256 with SHA-256 (RFC 7518, section 3.4): the signature is R and S, 32 bytes each."""
    if len(x) != 32 or len(y) != 32 or len(token.signature) != 64:
        return False
    try:
        key = VerifyingKey.from_string(x + y, curve=NIST256p, hashfunc=hashlib.sha256)
        return bool(key.verify(token.signature, token.signed, hashlib.sha256, sigdecode_string))
    except (BadSignatureError, MalformedPointError):
        return False


def _number(text: str) -> int:
    return int.from_bytes(_decoded(text), "big")


def _decoded(text: str) -> bytes:
    """Base64url without padding (RFC 7515, section 2), in the one way in which it may be written."""
    if not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        raise BadToken("it is no base64url")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise BadToken("it is no base64url") from None
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise BadToken("its base64url has bits that mean nothing")
    return data


def _object(text: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise BadToken("it has a name twice")
        return found

    def refused(text: str) -> Any:
        raise BadToken(f"{text} is no JSON")

    try:
        value = json.loads(_decoded(text).decode(), object_pairs_hook=once, parse_constant=refused)
    except (ValueError, RecursionError):
        raise BadToken("a part is no JSON") from None
    if not isinstance(value, dict):
        raise BadToken("a part is no JSON object")
    return value
