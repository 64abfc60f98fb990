"""An endpoint that speaks Lambda's Invoke API, with functions in Python.

    functions.add("greet", lambda event: {"statusCode": 200, "body": "hello"})

A function that raises has failed: the answer is what Lambda makes of it. One that returns `Raw` says all of the HTTP response.
"""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

ACCOUNT = "123456789012"


@dataclass
class Raw:
    """A response of the endpoint as it is; None in place of a status ends the connection without one."""

    status: int | None = 200
    body: bytes = b""
    headers: dict = field(default_factory=dict)


class Functions:
    def __init__(self):
        self._handlers = {}
        self.calls = []
        """Of each call: the function's name, the event, the type of invocation."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def add(self, name, handler):
        """Its URI, as integrations and authorizers have it."""
        self._handlers[name] = handler if callable(handler) else lambda event: handler
        return uri(name)

    def events(self, name):
        return [event for known, event, _ in list(self.calls) if known == name]

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def _handler(self):
        functions = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body in one write: apart, the second waits for the first to be acknowledged.
            wbufsize = 1 << 16

            def do_POST(self):
                payload = self.rfile.read(int(self.headers.get("content-length") or 0))
                functions.answer(self, payload)

            def log_message(self, *_):
                pass

        return Handler

    def answer(self, request, payload):
        """Invokes the function that a request is for."""
        parts = request.path.split("/")
        assert parts[1:3] == ["2015-03-31", "functions"] and parts[4:] == ["invocations"], request.path
        assert "/lambda/aws4_request" in request.headers["authorization"]
        name = unquote(parts[3]).split(":function:")[-1].split(":")[0]
        kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
        self.calls.append((name, json.loads(payload), kind))
        made = self._invoke(name, json.loads(payload), kind)
        if made.status is None:
            request.close_connection = True
            return
        request.send_response(made.status)
        for field_name, value in {"content-type": "application/json", **made.headers}.items():
            request.send_header(field_name, value)
        request.send_header("content-length", str(len(made.body)))
        request.end_headers()
        request.wfile.write(made.body)

    def _invoke(self, name, event, kind):
        if name not in self._handlers:
            text = f"Function not found: arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
            return Raw(404, json.dumps({"Type": "User", "Message": text}).encode(), {"x-amzn-errortype": "ResourceNotFoundException"})
        try:
            value = self._handlers[name](event)
        except Exception as error:
            failed = {"errorMessage": str(error), "errorType": type(error).__name__, "requestId": "r", "stackTrace": []}
            return Raw(200, json.dumps(failed).encode(), {"x-amz-function-error": "Unhandled"})
        if isinstance(value, Raw):
            return value
        return Raw(202) if kind == "Event" else Raw(200, json.dumps(value).encode())


def uri(name):
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
    return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
