"""gRPC's own interop service and client, as interop.sh has got them."""

import subprocess
import sys
from concurrent import futures

import grpc
import pytest

from .servers import REPOSITORY

DIRECTORY = REPOSITORY / "target/grpc-interop"


def get():
    """Puts the sources on the path; skips the test where they can't be had."""
    done = subprocess.run(
        [REPOSITORY / "tests/e2e/interop.sh"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
    if done.returncode:
        pytest.skip(done.stderr.strip())
    if str(DIRECTORY) not in sys.path:
        sys.path.append(str(DIRECTORY))


class Server:
    """The interop service on a free port. `calls` are the methods called, in order."""

    def __init__(self):
        from src.proto.grpc.testing import test_pb2_grpc
        from tests.interop import service

        self.calls = []
        self._server = grpc.server(futures.ThreadPoolExecutor(8), interceptors=[Counter(self.calls)])
        test_pb2_grpc.add_TestServiceServicer_to_server(service.TestService(), self._server)
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        self.url = f"h2c://127.0.0.1:{port}"

    def stop(self):
        self._server.stop(grace=None).wait(10)


class Counter(grpc.ServerInterceptor):
    def __init__(self, calls):
        self._calls = calls

    def intercept_service(self, continuation, details):
        fields = {name: value for name, value in details.invocation_metadata}
        self._calls.append((details.method, fields))
        return continuation(details)
