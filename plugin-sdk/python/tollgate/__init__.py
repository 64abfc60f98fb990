"""Write plugins for tollgate, the HTTP proxy, in Python.

    from tollgate import Plugin, request

    class Interceptor(Plugin):
        def forward_request(self):
            request.set_field("x-hello", "world")

The component is a snapshot taken after the module was imported: there are no files when a hook runs, so import
everything at the top of a module.
"""

from ._chance import now, random
from ._errors import BodyError, Error, FieldError, SettingError
from ._exchange import exchange
from ._json import quote_json, replace_json_member
from ._log import log
from ._plugin import Plugin, answer
from ._request import Request, request
from ._response import Response, response
from ._settings import settings
from ._url import url_decode, url_encode

__all__ = [
    "BodyError",
    "Error",
    "FieldError",
    "Plugin",
    "Request",
    "Response",
    "SettingError",
    "answer",
    "exchange",
    "log",
    "now",
    "quote_json",
    "random",
    "replace_json_member",
    "request",
    "response",
    "settings",
    "url_decode",
    "url_encode",
]
