"""Answers GET of one path itself; everything else goes to the backend. Settings: ``path`` and ``body``."""

from tollgate import Plugin, answer, request, settings


class Interceptor(Plugin):
    def forward_request(self):
        if request.method == "GET" and request.path == settings.get("path", "/mock"):
            body = settings.get("body", '{"mock":true}')
            return answer(fields={"content-type": "application/json"}, body=body)
