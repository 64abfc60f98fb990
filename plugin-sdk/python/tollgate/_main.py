"""What the build does with the plugin's module before it takes the snapshot."""

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ._describe import own_frames_are_in, without_network
from ._host import begin
from ._nearest import nearest
from ._plugin import HOOKS, Plugin


def checked(module: ModuleType) -> type:
    """The module's class ``Interceptor``. Raises TypeError, which ends the build, if the host would not find its hooks."""
    name = f"{module.__name__}.py"
    interceptor = getattr(module, "Interceptor", None)
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
    if all(getattr(interceptor, hook) is getattr(Plugin, hook) for hook in HOOKS):
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
