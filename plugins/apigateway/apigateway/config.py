"""The plugin's settings, checked when it starts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tollgate import Error, settings

MOTO = "http://127.0.0.1:5000"
"""Where moto_server listens unless told."""


@dataclass(frozen=True, slots=True)
class Config:
    """What `apigateway.schema.json` describes, in the same words."""

    backend: str = MOTO
    """The mock's base URL, without a slash at its end."""
    account_id: str = "123456789012"
    region: str = "us-east-1"
    """Where an API is looked for if nothing says its region."""
    access_key: str = "test"
    """Stands in the credential of calls to the backend; moto takes the account from it."""
    lambda_endpoint: str | None = None
    """A server of Lambda's `POST /2015-03-31/functions/NAME/invocations`; without one, functions can't be called."""
    strict: bool = False
    """Whether what AWS refuses is refused, where LocalStack let it pass: a stage that doesn't exist (403), a MOCK integration without a status and
    an integration without a response (500)."""
    cache_seconds: int = 300
    """How long a definition is used that nobody was seen to change."""
    jwks: dict[str, str] = field(default_factory=dict)
    """Issuers of tokens, each with the URL of its keys; others are asked where their keys are."""
    integration_timeout: float = 29.0
    """Seconds, for an integration that says no `timeoutInMillis`."""

    @classmethod
    def read(cls) -> Config:
        """Raises Error for what can't be used; the host then refuses the plugin."""
        found = settings.into(_Settings)
        backend = _url("backend", found.backend)
        if not re.fullmatch("[0-9]{12}", found.account_id):
            raise Error(f"setting account_id is {found.account_id!r}: expected twelve digits")
        if not 1 <= found.cache_seconds <= 86400:
            raise Error(f"setting cache_seconds is {found.cache_seconds}: expected 1 to 86400")
        if not 0.05 <= found.integration_timeout <= 29:
            raise Error(f"setting integration_timeout is {found.integration_timeout}: expected 0.05 to 29")
        return cls(
            backend=backend,
            account_id=found.account_id,
            region=found.region,
            access_key=found.access_key,
            lambda_endpoint=None if found.lambda_endpoint is None else _url("lambda_endpoint", found.lambda_endpoint),
            strict=found.strict,
            cache_seconds=found.cache_seconds,
            jwks={issuer: _url("jwks", url) for issuer, url in found.jwks.items()},
            integration_timeout=found.integration_timeout,
        )


@dataclass
class _Settings:
    backend: str = MOTO
    account_id: str = "123456789012"
    region: str = "us-east-1"
    access_key: str = "test"
    lambda_endpoint: str | None = None
    strict: bool = False
    cache_seconds: int = 300
    integration_timeout: float = 29.0
    jwks: dict[str, str] = field(default_factory=dict)


def _url(key: str, text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise Error(f"setting {key} is {text!r}: expected a URL such as http://127.0.0.1:5000")
    return text.rstrip("/")
