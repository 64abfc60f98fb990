"""The host's functions. They can be called while a hook runs, and not before.

The top level of a module runs at build time, where there is no host: a call there would end the build with a trap, so it is
refused here with words. Each instance starts from the snapshot that was made at build time.
"""

import importlib
from types import ModuleType
from typing import Any

from wit_world.imports import body_sink as _body_sink
from wit_world.imports import exchange as _exchange
from wit_world.imports import logging as _logging
from wit_world.imports import random as _random
from wit_world.imports import request as _request
from wit_world.imports import response as _response
from wit_world.imports import store as _store
from wit_world.imports import timer as _timer
from wit_world.imports import wall_clock as _wall_clock


class Guarded:
    """A module of the bindings, each function of which raises until ``begin``."""

    def __init__(self, module: ModuleType, what: str) -> None:
        self._module = module
        self._what = what

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        # The contract's types, such as logging.Level, are always there.
        if not _live and not isinstance(found, type):
            raise RuntimeError(
                f"{self._what} can't be used at the top level of a module, which runs at build time: "
                "move this into start, forward_request or return_response"
            )
        setattr(self, name, found)  # the next time it is found without a call of this
        return found


_live = False


def begin() -> None:
    """A hook runs: from now on the host can be called."""
    global _live
    _live = True


def optional(name: str) -> Guarded:
    """An interface that a plugin has only if the build found that it uses it (``world.py``)."""
    try:
        module = importlib.import_module(f"wit_world.imports.{name}")
    except ImportError:
        raise ImportError(
            f"the plugin was built without the interface {name}: write `from tollgate import {name}` in one of its own modules, "
            "where the build finds it"
        ) from None
    return Guarded(module, name)


body_sink = Guarded(_body_sink, "emit")
exchange = Guarded(_exchange, "exchange")
logging = Guarded(_logging, "log")
random = Guarded(_random, "random()")
request = Guarded(_request, "request")
response = Guarded(_response, "response")
store = Guarded(_store, "settings")
timer = Guarded(_timer, "timer")
wall_clock = Guarded(_wall_clock, "now()")
