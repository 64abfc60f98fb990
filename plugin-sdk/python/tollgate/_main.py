"""What the build does with the plugin's module before it takes the snapshot."""

import functools
import importlib.util
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ._body import METHODS, Body, Exported
from ._describe import own_frames_are_in, without_network
from ._host import begin
from ._nearest import nearest
from ._plugin import HOOKS, START, TICK, Plugin

# The contract's interfaces for bodies, each with the class that a plugin has for it.
BODIES = {"RequestBody": "request_body", "ResponseBody": "response_body"}


def exports(module: ModuleType) -> dict[str, type]:
    """The classes that the host calls, by the names that componentize-py looks for. Raises TypeError, which ends the build."""
    _rewriters_are_named(module)
    made = functools.cache(checked(module))
    found = {"Interceptor": _one(made), "Lifecycle": _lifecycle(made)}
    if _ticks(module):
        _is_exported("background", f"{module.__name__}.py: the build did not find tick: write `def tick(self)` in the class Interceptor")
        found["Background"] = _background(made)
    for name, interface in BODIES.items():
        kind = getattr(module, name, None)
        if kind is not None:
            _is_rewriter(module, name, kind, interface)
            found[name] = _one(functools.cache(functools.partial(Exported, kind, made)))
    return found


def _one(made: Callable[[], Any]) -> type:
    """A class of one object: componentize-py makes one for each call, and the plugin's must outlive it."""

    class One:
        def __new__(cls) -> Any:
            return made()

    return One


def _lifecycle(made: Callable[[], Any]) -> type:
    class Lifecycle:
        def start(self) -> None:
            begin()
            start = getattr(made(), START, None)
            if start is not None:
                start()

    return Lifecycle


def _background(made: Callable[[], Any]) -> type:
    class Background:
        def tick(self) -> None:
            begin()
            getattr(made(), TICK)()

    return Background


def _ticks(module: ModuleType) -> bool:
    return callable(getattr(getattr(module, "Interceptor", None), TICK, None))


def _is_exported(interface: str, otherwise: str) -> None:
    if importlib.util.find_spec(f"wit_world.exports.{interface}") is None:
        raise TypeError(otherwise)


def _is_rewriter(module: ModuleType, name: str, kind: object, interface: str) -> None:
    file = f"{module.__name__}.py"
    if not isinstance(kind, type) or not issubclass(kind, Body):
        raise TypeError(f"{file}: {name} is no Body: write `class {name}(Body)`")
    for method in METHODS[:2]:
        if getattr(kind, method) is getattr(Body, method):
            raise TypeError(f"{file}: {name} has no {method}")
    _is_exported(interface, f"{file}: the build did not find {name}: write `class {name}(Body)` at the top level of {file}")


def _rewriters_are_named(module: ModuleType) -> None:
    """A class for bodies that the host would never call is a mistake, unless one with the right name derives from it."""
    named = [kind for name in BODIES if isinstance(kind := getattr(module, name, None), type)]
    for name, kind in list(vars(module).items()):
        own = isinstance(kind, type) and issubclass(kind, Body) and kind.__module__ == module.__name__
        if own and not any(issubclass(one, kind) for one in named):
            raise TypeError(f"{module.__name__}.py: {name} is never called: call it ResponseBody or RequestBody")


def checked(module: ModuleType) -> type:
    """The module's class ``Interceptor``. Raises TypeError, which ends the build, if the host would not find its hooks."""
    name = f"{module.__name__}.py"
    interceptor = getattr(module, "Interceptor", None)
    has_bodies = any(hasattr(module, kind) for kind in BODIES)
    if interceptor is None and has_bodies and not any(_is_own_plugin(value, module) for value in vars(module).values()):
        interceptor = type("Interceptor", (Plugin,), {})
    if not isinstance(interceptor, type):
        classes = [known for known, value in vars(module).items() if _is_own_plugin(value, module)]
        meant = nearest("Interceptor", classes) or (classes[0] if classes else None)
        instead = f" in place of {meant}" if meant else ""
        raise TypeError(f"{name} has no class Interceptor: write `class Interceptor(Plugin)`{instead}")
    own_frames_are_in((module.__file__ or "").rpartition("/")[0] + "/")
    without_network()
    if not issubclass(interceptor, Plugin):
        missing = [hook for hook in HOOKS if not callable(getattr(interceptor, hook, None))]
        if missing:
            raise TypeError(f"{name}: Interceptor has no {' and no '.join(missing)}: write `class Interceptor(Plugin)`")
        hooks = {hook: _beginning(getattr(interceptor, hook)) for hook in HOOKS}
        return type(interceptor.__name__, (interceptor,), hooks)
    if not has_bodies and not _ticks(module) and all(getattr(interceptor, hook) is getattr(Plugin, hook) for hook in HOOKS):
        own = [known for known in vars(interceptor) if not known.startswith("_")]
        meant = next((known for known in own if nearest(known, HOOKS, most=6)), None)
        has = f" (it has {meant})" if meant else ""
        raise TypeError(f"{name}: Interceptor has neither {HOOKS[0]} nor {HOOKS[1]}{has}")
    return interceptor


def _beginning(hook: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @functools.wraps(hook)
    def wrapped(self: Any) -> Any:
        begin()
        return hook(self)

    return wrapped


def _is_own_plugin(value: object, module: ModuleType) -> bool:
    return isinstance(value, type) and issubclass(value, Plugin) and value.__module__ == module.__name__
