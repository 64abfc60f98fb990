"""Write plugins for tollgate, the HTTP proxy, in Python.

    from tollgate import Plugin, request

    class Interceptor(Plugin):
        def forward_request(self):
            request.set_field("x-hello", "world")

``state``, ``client``, ``backends`` and ``metrics`` are modules that a plugin imports (``from tollgate import state``): the build looks for that,
and gives the plugin what it uses.

The component is a snapshot taken after the module was imported: there are no files when a hook runs, so import
everything at the top of a module.
"""

from . import events, timer
from ._body import Body, Fate, Wish, emit
from ._chance import now, random
from ._errors import BackendError, BodyError, Error, FieldError, SendError, SettingError, StateError
from ._exchange import exchange
from ._json import quote_json, replace_json_member
from ._log import log
from ._plugin import Plugin, answer
from ._request import Request, request
from ._response import Response, response
from ._settings import settings
from ._url import url_decode, url_encode

__all__ = [
    "BackendError",
    "Body",
    "BodyError",
    "Error",
    "Fate",
    "FieldError",
    "Plugin",
    "Request",
    "Response",
    "SendError",
    "SettingError",
    "StateError",
    "Wish",
    "answer",
    "emit",
    "events",
    "exchange",
    "log",
    "now",
    "quote_json",
    "random",
    "replace_json_member",
    "request",
    "response",
    "settings",
    "timer",
    "url_decode",
    "url_encode",
]
