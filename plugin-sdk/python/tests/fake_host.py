"""A host that is enough to test the helper: modules in place of the generated bindings.

It keeps what it is given, refuses what a test tells it to, and insists on the types of the contract, since the bindings
trap where a type is wrong. The real host runs in the tour's tests.
"""

import sys
import types
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


@dataclass(frozen=True)
class Err(Exception):
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


def reset():
    """A new exchange."""
    for part in (request, response, exchange, store, logging, random, wall_clock):
        part.reset()


def _install():
    imports = types.ModuleType("wit_world.imports")
    for part in (request, response, exchange, store, logging, random, wall_clock, contract_types):
        setattr(imports, part.__name__.rpartition(".")[2], part)
        sys.modules[part.__name__] = part
    interceptor = types.ModuleType("wit_world.exports.interceptor")
    interceptor.Verdict = Verdict
    runtime = types.ModuleType("componentize_py_types")
    runtime.Err = Err
    exports = types.ModuleType("wit_world.exports")
    for module in (types.ModuleType("wit_world"), imports, exports, interceptor, runtime):
        sys.modules[module.__name__] = module


_install()
reset()
