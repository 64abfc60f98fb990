"""A collector of traces: takes OTLP over HTTP and decodes it by the protocol's own types."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from .waiting import until


def plain(value):
    """The Python value of an attribute."""
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind else None


class Seen:
    """A span with its ids as text and its attributes as a dict."""

    def __init__(self, span, resource):
        self.name = span.name
        self.kind = Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower()
        self.trace_id = span.trace_id.hex()
        self.span_id = span.span_id.hex()
        self.parent = span.parent_span_id.hex()
        self.start, self.end = span.start_time_unix_nano, span.end_time_unix_nano
        self.attributes = {each.key: plain(each.value) for each in span.attributes}
        self.resource = resource
        self.failed = span.status.code == 2
        self.message = span.status.message


class Collector:
    """Listens on a free port. `status` is what it answers with; while `holds` is set, it answers nothing."""

    def __init__(self, status=200):
        self.status = status
        self.holds = threading.Event()
        self.released = threading.Event()
        self.requests = []
        self.spans = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                if outer.holds.is_set():
                    outer.released.wait(60)
                if outer.status == 200:
                    outer.take(body)
                self.send_response(outer.status)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:{}".format(self._server.server_port)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, body):
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = {each.key: plain(each.value) for each in of_resource.resource.attributes}
            for of_scope in of_resource.scope_spans:
                self.spans += [Seen(span, resource) for span in of_scope.spans]

    def trace(self, count, trace_id=None):
        """The spans of a trace, by name, as soon as there are so many."""

        def found():
            spans = [span for span in self.spans if trace_id in (None, span.trace_id)]
            return spans if len(spans) >= count else None

        spans = until(found, f"the collector has {count} spans")
        assert len(spans) == count, [span.name for span in spans]
        return {span.name: span for span in spans}

    def stop(self):
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
