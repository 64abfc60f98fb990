"""A host that is enough to test the helper: modules in place of the generated bindings.

It keeps what it is given, refuses what a test tells it to, and insists on the types of the contract, since the bindings
trap where a type is wrong. The real host runs in the tour's tests.
"""

import sys
import types
from dataclasses import dataclass
from enum import Enum
from importlib.machinery import ModuleSpec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


@dataclass(frozen=True)
class Err(Exception):
    value: object


@dataclass(frozen=True)
class Ok:
    value: object


def _variant(name, has_value):
    annotations = {"value": object} if has_value else {}
    return dataclass(type(name, (), {"__annotations__": annotations}))


class Verdict(Enum):
    FORWARD = 0
    RESPOND = 1


class Level(Enum):
    TRACE = 0
    DEBUG = 1
    INFO = 2
    WARN = 3
    ERROR = 4
    CRITICAL = 5


def text(value):
    assert type(value) is str, value
    value.encode()  # a lone surrogate traps
    return value


def content(value):
    assert type(value) is bytes, value
    return value


class Message(types.ModuleType):
    """`wit_world.imports.request` or `.response`."""

    def reset(self):
        self.list = []
        self.content = b""
        self.refusal = None

    def refuse(self):
        refusal, self.refusal = self.refusal, None
        if refusal is not None:
            raise Err(refusal)

    def field(self, name):
        return next((value for known, value in self.list if known == text(name)), None)

    def field_values(self, name):
        return [value for known, value in self.list if known == text(name)]

    def fields(self):
        return list(self.list)

    def set_field(self, name, value):
        self.set_fields([(name, value)])

    def set_fields(self, fields):
        self.refuse()
        names = {text(name) for name, value in fields if content(value) is not None}
        self.list = [(name, value) for name, value in self.list if name not in names] + fields

    def append_field(self, name, value):
        self.refuse()
        self.list.append((text(name), content(value)))

    def delete_field(self, name):
        self.refuse()
        self.list = [(known, value) for known, value in self.list if known != text(name)]

    def body(self):
        self.refuse()
        return self.content

    def set_body(self, body):
        self.content = content(body)


class Request(Message):
    def reset(self):
        super().reset()
        self.head = {"method": "GET", "authority": "example.com", "target": "/"}

    def method(self):
        return self.head["method"]

    def scheme(self):
        return "https"

    def authority(self):
        return self.head["authority"]

    def target(self):
        return self.head["target"]

    def set_method(self, method):
        self.change("method", method)

    def set_authority(self, authority):
        self.change("authority", authority)

    def set_target(self, target):
        self.change("target", target)

    def change(self, part, value):
        self.refuse()
        self.head[part] = text(value)


class Response(Message):
    def reset(self):
        super().reset()
        self.code = 200

    def status(self):
        return self.code

    def set_status(self, status):
        self.refuse()
        assert type(status) is int, status
        self.code = status


class Exchange(types.ModuleType):
    def reset(self):
        self.notes = {}

    def id(self):
        return "x1"

    def client_address(self):
        return "127.0.0.1:50312"

    def note(self, key):
        return self.notes.get(text(key))

    def set_note(self, key, value):
        self.notes[text(key)] = content(value)


class Store(types.ModuleType):
    def reset(self):
        self.settings = {}

    def get(self, key):
        return self.settings.get(text(key))

    def get_all(self):
        return list(self.settings.items())


class Random(types.ModuleType):
    def reset(self):
        self.u64 = 0

    def get_random_u64(self):
        return self.u64


class Clock(types.ModuleType):
    def reset(self):
        self.time = types.SimpleNamespace(seconds=0, nanoseconds=0)

    def now(self):
        return self.time


class Sink(types.ModuleType):
    def reset(self):
        self.emitted = []

    def emit(self, data):
        self.emitted.append(content(data))


class Timer(types.ModuleType):
    def reset(self):
        self.slept = []

    def sleep(self, ms):
        assert type(ms) is int, ms
        self.slept.append(ms)


class State(types.ModuleType):
    """Values and their times to live."""

    def reset(self):
        self.values = {}
        self.ttls = {}
        self.refusal = None

    def refuse(self):
        refusal, self.refusal = self.refusal, None
        if refusal is not None:
            raise Err(refusal)

    def get(self, key):
        self.refuse()
        return self.values.get(text(key))

    def set(self, key, value, ttl_ms):
        self.refuse()
        self.values[text(key)] = content(value)
        self.ttls[key] = ttl_ms

    def delete(self, key):
        return self.values.pop(text(key), None) is not None

    def increment(self, key, by, ttl_ms):
        assert type(by) is int, by
        self.refuse()
        total = int(self.values.get(text(key), b"0")) + by
        self.set(key, str(total).encode(), ttl_ms)
        return total

    def compare_and_swap(self, key, expected, new, ttl_ms):
        if self.values.get(text(key)) != expected:
            return False
        if new is None:
            self.values.pop(key, None)
        else:
            self.set(key, new, ttl_ms)
        return True

    def keys(self, prefix, after, limit):
        known = sorted(key for key in self.values if key.startswith(text(prefix)) and (after is None or key > after))
        return known[:limit]


@dataclass
class OutgoingRequest:
    method: str
    uri: str
    fields: list
    body: bytes
    timeout_ms: int


@dataclass
class IncomingResponse:
    status: int
    fields: list
    body: bytes
    trailers: list


class Client(types.ModuleType):
    """Answers each request with what a test says of its URI: a response, or a refusal."""

    OutgoingRequest = OutgoingRequest

    def reset(self):
        self.sent = []
        self.answers = {}

    def one(self, request):
        content(request.body)
        assert all(type(name) is str and type(value) is bytes for name, value in request.fields), request.fields
        self.sent.append(request)
        return self.answers[text(request.uri)]

    def send(self, request):
        answer = self.one(request)
        if not isinstance(answer, IncomingResponse):
            raise Err(answer)
        return answer

    def send_all(self, requests):
        answers = [self.one(request) for request in requests]
        return [Ok(answer) if isinstance(answer, IncomingResponse) else Err(answer) for answer in answers]


class Backends(types.ModuleType):
    def reset(self):
        self.name = "default"
        self.refusal = None

    def set_backend(self, name):
        if self.refusal is not None:
            raise Err(self.refusal)
        self.name = text(name)

    def backend(self):
        return self.name


class Metrics(types.ModuleType):
    def reset(self):
        self.calls = []

    def describe(self, name, help, buckets):
        assert all(type(bound) is float for bound in buckets), buckets
        self.calls.append(("describe", text(name), text(help), buckets))

    def add(self, name, by, labels):
        assert type(by) is float, by
        self.calls.append(("add", text(name), by, labels))

    def set(self, name, value, labels):
        assert type(value) is float, value
        self.calls.append(("set", text(name), value, labels))

    def observe(self, name, value, labels):
        assert type(value) is float, value
        self.calls.append(("observe", text(name), value, labels))


class Logging(types.ModuleType):
    Level = Level

    def reset(self):
        self.lines = []

    def log(self, level, context, message):
        self.lines.append((level.name, text(context), text(message)))


request = Request("wit_world.imports.request")
response = Response("wit_world.imports.response")
exchange = Exchange("wit_world.imports.exchange")
store = Store("wit_world.imports.store")
logging = Logging("wit_world.imports.logging")
random = Random("wit_world.imports.random")
wall_clock = Clock("wit_world.imports.wall_clock")
body_sink = Sink("wit_world.imports.body_sink")
timer = Timer("wit_world.imports.timer")
state = State("wit_world.imports.state")
client = Client("wit_world.imports.client")
metrics = Metrics("wit_world.imports.metrics")
backends = Backends("wit_world.imports.backends")
contract_types = types.ModuleType("wit_world.imports.types")
for variant, has_value in {
    "FieldError_InvalidName": True,
    "FieldError_InvalidValue": True,
    "FieldError_OwnedByHost": True,
    "FieldError_TooMany": False,
    "BodyError_TooLarge": True,
    "BodyError_TimedOut": False,
    "BodyError_Disconnected": True,
    "BodyError_AlreadyStreamed": False,
}.items():
    setattr(contract_types, variant, _variant(variant, has_value))
for case in ("TooLarge", "Full", "NotANumber", "TimedOut", "Unavailable"):
    setattr(state, f"StateError_{case}", _variant(f"StateError_{case}", True))
for case in ("Denied", "InvalidRequest", "Unreachable", "Tls", "TimedOut", "TooMany"):
    setattr(client, f"SendError_{case}", _variant(f"SendError_{case}", True))
for case in ("Denied", "Unknown", "TooLate"):
    setattr(backends, f"BackendError_{case}", _variant(f"BackendError_{case}", case != "TooLate"))
contract_types.Unit = Enum("Unit", ["BYTES", "TEXT", "LINES", "EVENTS", "MESSAGES"])
contract_types.Fate = Enum("Fate", ["KEEP", "REPLACE", "STOP"])
contract_types.BodyWish = dataclass(type("BodyWish", (), {"__annotations__": {"unit": object, "decoded": bool}}))

PARTS = (request, response, exchange, store, logging, random, wall_clock, body_sink, timer, state, client, metrics, backends)


def reset():
    """A new exchange."""
    for part in PARTS:
        part.reset()


def _install():
    imports = types.ModuleType("wit_world.imports")
    for part in (*PARTS, contract_types):
        setattr(imports, part.__name__.rpartition(".")[2], part)
        sys.modules[part.__name__] = part
    interceptor = types.ModuleType("wit_world.exports.interceptor")
    interceptor.Verdict = Verdict
    runtime = types.ModuleType("componentize_py_types")
    runtime.Err = Err
    exports = types.ModuleType("wit_world.exports")
    # What a test's plugin may export of bodies. `find_spec` wants a spec of a module that is there already.
    response_body = types.ModuleType("wit_world.exports.response_body")
    response_body.__spec__ = ModuleSpec(response_body.__name__, None)
    background = types.ModuleType("wit_world.exports.background")
    background.__spec__ = ModuleSpec(background.__name__, None)
    exports.__path__ = []
    for module in (types.ModuleType("wit_world"), imports, exports, interceptor, response_body, background, runtime):
        sys.modules[module.__name__] = module


_install()
reset()
