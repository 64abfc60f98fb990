"""Test-invoke: a method is carried out without a stage, authorizers and keys, and its answer is told as JSON."""

from __future__ import annotations

from typing import Any

from .model import Api
from .services import Services


def answer(api: Api, resource_id: str, verb: str, services: Services) -> Any:
    """The answer to `POST /restapis/ID/resources/ID/methods/VERB`."""
    return None
