"""Fixtures: `moto` and `origin` are backends, `tollgate` starts a proxy, `aws` makes clients that prove their way.

Read from the bottom up for what a test says: `s3 = aws("s3")` speaks through the plugins add-header and cors to moto.
"""

import itertools
import os
import signal

import boto3
import pytest
from botocore.config import Config
from harness import http2_peer, peers, process, websocket_peer
from harness.apigateway import Gateway
from harness.client import Client
from harness.functions import Functions
from harness.origin import Origin
from harness.servers import CACHE_DIRECTORY, Moto, Tollgate

# Nothing of this machine's may steer boto3: no configuration, no credentials, no proxy.
os.environ.update(
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_EC2_METADATA_DISABLED="true",
    NO_PROXY="127.0.0.1",
    no_proxy="127.0.0.1",
)

# What add-header puts on each response, so that a test can tell that the response came through a plugin.
MARK = "x-e2e-mark"
MARK_VALUE = "through tollgate"


def add_header(value=MARK_VALUE):
    """The chain's first plugin with its settings."""
    return {"add-header": {"name": MARK, "value": value}}


# A request that moto answers with 200 whatever its state: S3's list of buckets, unsigned.
PROBE = "/"

PAGE = "https://app.example"


def cors(**settings):
    """The plugin cors, which lets pages of PAGE in, with further settings."""
    return {"cors": {"allow_origins": [PAGE], **settings}}


def pytest_configure():
    """SIGTERM ends a run like Ctrl-C, so that the fixtures stop what they started."""
    signal.signal(signal.SIGTERM, interrupt_once)


def interrupt_once(*_):
    """A second SIGTERM, as timeout(1) sends it, must not cut that short."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows what each server wrote, when a test fails."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for server in process.ALL:
            report.sections.append((f"{server.name} (pid {server.pid})", server.output()))


@pytest.fixture(autouse=True)
def _logs_of_this_test():
    process.ALL[:] = [server for server in process.ALL if server.alive()]
    for server in process.ALL:
        server.mark()


@pytest.fixture(scope="session", autouse=True)
def _session(tmp_path_factory):
    os.environ[CACHE_DIRECTORY] = str(tmp_path_factory.mktemp("cache"))
    yield
    for server in process.ALL:
        server.stop()


@pytest.fixture(scope="session")
def moto():
    """The backend: moto_server, for all tests of the session. Tests don't share names of buckets, tables or queues."""
    # Its own CORS answers would hide those of the plugin.
    server = Moto(MOTO_DISABLE_GLOBAL_CORS="true")
    yield server
    server.stop()


def backends(make):
    """Starts backends as often as a test wants. They are stopped after it, and it fails with the first error that one had."""
    started = []

    def start(*arguments, **options):
        started.append(make(*arguments, **options))
        return started[-1]

    yield start
    for each in started:
        each.stop()
    errors = [error for each in started for error in each.errors]
    if errors:
        raise errors[0]


@pytest.fixture
def origin():
    """Starts a scripted backend: origin(serve), on a free port unless told."""
    yield from backends(Origin)


@pytest.fixture
def server():
    """Starts a backend of WebSockets: server(handler, **options of websockets)."""
    yield from backends(lambda handler=websocket_peer.echo, **options: websocket_peer.Server(handler, **options))


@pytest.fixture
def tollgate(tmp_path):
    """Starts a proxy: tollgate(backend_url, plugins={name: settings}), as often as a test wants."""
    started = []

    def start(backend, plugins=None, **more):
        proxy = Tollgate(backend, tmp_path / f"tollgate-{len(started)}", plugins, **more)
        started.append(proxy)
        return proxy

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def connect():
    """Opens a raw connection: connect(tollgate)."""
    opened = []

    def start(proxy):
        opened.append(Client(proxy.address))
        return opened[-1]

    yield start
    for each in opened:
        each.socket.close()


@pytest.fixture
def http2():
    """Opens a raw HTTP/2 connection: http2(tollgate), over TLS if that is what it serves."""
    opened = []

    def start(proxy, settings=None):
        if proxy.url.startswith("https:"):
            sock = peers.Tls(proxy, "h2")
            assert sock.protocol == "h2"
        else:
            sock = peers.connect(proxy)
        opened.append(http2_peer.Client(sock, settings))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


@pytest.fixture
def http2_origin():
    """Starts a scripted HTTP/2 backend: http2_origin(serve)."""
    yield from backends(http2_peer.Origin)


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    """Starts nginx as a backend: nginx("location / { … }", listen="http2").root is where its files go."""
    started = []

    def start(server="", listen=""):
        started.append(peers.Nginx(tmp_path_factory.mktemp("nginx"), server, listen))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture(scope="session")
def chain(moto, tmp_path_factory):
    """The proxy that most tests share: add-header, then cors, then moto."""
    proxy = Tollgate(moto.url, tmp_path_factory.mktemp("chain") / "tollgate", {**add_header(), **cors()})
    yield proxy
    assert proxy.stop() == 0, "tollgate must end well on SIGTERM"


@pytest.fixture(scope="session")
def functions():
    """An endpoint of Lambda, whose functions are Python's: functions.add(name, handler)."""
    server = Functions()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def gateway(moto, functions, tmp_path_factory):
    """The proxy that most tests of the plugin apigateway share."""
    settings = {"integration_timeout": 5, "lambda_endpoint": functions.url}
    made = Gateway(moto, tmp_path_factory.mktemp("gateway") / "tollgate", settings, allow=["http://127.0.0.1:*"])
    yield made
    made.stop()


@pytest.fixture
def gateway_with(moto, tmp_path):
    """Starts proxies with the plugin apigateway and settings of their own: gateway_with({"strict": True})."""
    started = []

    def start(settings=None, **more):
        started.append(Gateway(moto, tmp_path / f"gateway-{len(started)}", settings, **more))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def api(gateway, unique):
    """A new REST API behind the shared proxy."""
    return gateway.api(unique("api"))


def client(service, url, attempts=1, marked=True, **more):
    """A boto3 client of an endpoint. It never retries unless told, so no failure is hidden.

    With `marked` it fails when a response lacks the field that add-header sets.
    """
    config = Config(
        retries={"total_max_attempts": attempts, "mode": "standard"},
        connect_timeout=10,
        read_timeout=60,
        **{"s3": {"addressing_style": "path"}, **more},
    )
    made = boto3.session.Session().client(service, endpoint_url=url, config=config)
    if marked:
        made.meta.events.register("after-call", demand_mark)
    return made


def demand_mark(http_response, model, **_):
    assert http_response.headers.get(MARK) == MARK_VALUE, f"{model.name} did not come through add-header"


@pytest.fixture
def aws(chain):
    """Makes a boto3 client that speaks through the shared chain: aws("s3")."""
    return lambda service, **more: client(service, chain.url, **more)


_serial = itertools.count(1)


@pytest.fixture
def unique():
    """Makes a name that no other test uses: unique("queue")."""
    return lambda prefix: f"{prefix}-{next(_serial)}"
