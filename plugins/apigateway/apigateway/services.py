"""What the parts of a call have in common: the settings, and the way to the backend."""

from __future__ import annotations

from dataclasses import dataclass

from .backend import Backend
from .config import Config


@dataclass(frozen=True, slots=True)
class Services:
    config: Config
    backend: Backend
