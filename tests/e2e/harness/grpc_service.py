"""A service of grpcio whose messages are plain bytes: framing, metadata, deadlines and statuses are gRPC's own."""

import threading
from concurrent import futures

import grpc

SERVICE = "e2e.Test"
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class Service:
    """What the methods do, and what they saw: `metadata` of the last call, `cancelled` and `released` events."""

    def __init__(self):
        self.metadata = {}
        self.time_remaining = None
        self.arrived = threading.Event()
        self.cancelled = threading.Event()
        self.go_on = threading.Event()

    def note(self, context):
        self.metadata = {}
        for name, value in context.invocation_metadata():
            self.metadata.setdefault(name, []).append(value)
        self.time_remaining = context.time_remaining()
        context.add_callback(self.cancelled.set)

    def echo(self, request, context):
        """Unary: the message back, and each x-echo-* field in both kinds of metadata."""
        self.note(context)
        fields = [(name, value) for name, value in context.invocation_metadata() if name.startswith("x-echo-")]
        context.send_initial_metadata(fields)
        context.set_trailing_metadata([(name.replace("x-echo", "x-last"), value) for name, value in fields])
        return request

    def count(self, requests, context):
        """Client streaming: how many messages, and how many bytes."""
        self.note(context)
        sizes = [len(request) for request in requests]
        return b"%d %d" % (len(sizes), sum(sizes))

    def repeat(self, request, context):
        """Server streaming: `b"5"` gives five messages; then an error, if a status follows: `b"5 7"`."""
        self.note(context)
        number, _, code = request.partition(b" ")
        for each in range(int(number)):
            yield b"%d" % each
        if code:
            context.abort(status(int(code)), "as asked: für dich ☺ 100 %")

    def converse(self, requests, context):
        """Both ways: each message is answered at once."""
        self.note(context)
        for request in requests:
            yield b"re: " + request

    def fail(self, request, context):
        """Unary: the status that the message names, without any answer."""
        self.note(context)
        context.set_trailing_metadata([("x-why-bin", b"\x00\xff")])
        context.abort(status(int(request)), "as asked: für dich ☺ 100 %")

    def wait(self, request, context):
        """Server streaming: one message, then nothing until `go_on` or the call's end."""
        self.note(context)
        yield b"first"
        self.arrived.set()
        while context.is_active() and not self.go_on.wait(0.01):
            pass
        yield b"last"


def status(number):
    return next(code for code in grpc.StatusCode if code.value[0] == number)


class Server:
    """The service on a free port, for calls with prior knowledge."""

    def __init__(self):
        self.service = Service()
        handlers = {
            "Echo": grpc.unary_unary_rpc_method_handler(lambda *call: self.service.echo(*call)),
            "Count": grpc.stream_unary_rpc_method_handler(lambda *call: self.service.count(*call)),
            "Repeat": grpc.unary_stream_rpc_method_handler(lambda *call: self.service.repeat(*call)),
            "Converse": grpc.stream_stream_rpc_method_handler(lambda *call: self.service.converse(*call)),
            "Fail": grpc.unary_unary_rpc_method_handler(lambda *call: self.service.fail(*call)),
            "Wait": grpc.unary_stream_rpc_method_handler(lambda *call: self.service.wait(*call)),
        }
        self._server = grpc.server(futures.ThreadPoolExecutor(16), options=UNLIMITED)
        self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, handlers)])
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        self.url = f"h2c://127.0.0.1:{port}"

    def renew(self):
        """A service that has seen nothing yet."""
        self.service.go_on.set()
        self.service = Service()
        return self.service

    def stop(self):
        self.service.go_on.set()
        self._server.stop(grace=None).wait(10)


class Stub:
    """The client's side of a channel."""

    def __init__(self, channel):
        def path(method):
            return f"/{SERVICE}/{method}"

        self.channel = channel
        self.echo = channel.unary_unary(path("Echo"))
        self.count = channel.stream_unary(path("Count"))
        self.repeat = channel.unary_stream(path("Repeat"))
        self.converse = channel.stream_stream(path("Converse"))
        self.fail = channel.unary_unary(path("Fail"))
        self.wait = channel.unary_stream(path("Wait"))
        self.missing = channel.unary_unary(path("Missing"))
