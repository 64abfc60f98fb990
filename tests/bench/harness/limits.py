"""How many files this machine lets a process have open: a proxy needs two for each connection under load."""

from __future__ import annotations

import resource

WANTED = 65536
SPARE = 200
"""For libraries, logs, event queues and what else a process has open."""


def raise_files() -> int:
    """Raises the limit of this process, which all that it starts inherit, as far as it may. Returns the new limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (WANTED, max(WANTED, hard)))
    except (ValueError, PermissionError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(WANTED, hard), hard))
    return files()


def files() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def connections() -> int:
    """The most connections through one proxy, each with one of its own to the backend."""
    return (files() - SPARE) // 2
