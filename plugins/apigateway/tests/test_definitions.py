"""Definitions: who reads them, who shares them, and that a change is never missed."""

import json

import fake_host
import pytest
from apigateway import definitions, reading
from apigateway.backend import Backend
from apigateway.config import Config
from apigateway.definitions import MOST, Definitions, forget, forget_everything
from apigateway.services import Services
from tollgate._host import begin
from wit_world.imports import state


@pytest.fixture(autouse=True)
def host():
    fake_host.reset()
    # As in a hook, where the state may be used.
    begin()


class Asked:
    """A backend whose APIs have a version; it says how often it was asked."""

    def __init__(self, monkeypatch):
        self.version = 1
        self.times = 0
        self.while_reading = lambda: None
        self.gone = False
        monkeypatch.setattr(definitions.reading, "read", self.read)

    def read(self, api_id, region, backend, imported=None):
        self.times += 1
        read = {
            "id": api_id, "region": region, "kind": "REST", "about": {"version": self.version}, "resources": [], "stages": [], "authorizers": [], "usage": [],
        }
        self.while_reading()
        return None if self.gone else json.loads(json.dumps(read))


@pytest.fixture
def backend(monkeypatch):
    return Asked(monkeypatch)


def instance():
    config = Config()
    return Definitions(Services(config, Backend(config)))


def test_it_is_read_once_and_shared(backend):
    one, other = instance(), instance()
    assert one.get("a").about == {"version": 1}
    for _ in range(5):
        assert one.get("a") is one.get("a")
    assert other.get("a").about == {"version": 1}
    assert backend.times == 1


def test_after_a_change_every_instance_reads_anew(backend):
    one, other = instance(), instance()
    one.get("a"), other.get("a")
    backend.version = 2
    forget("a")
    assert one.get("a").about == other.get("a").about == {"version": 2}
    assert backend.times == 2


def test_a_change_while_it_is_read_is_not_missed(backend):
    one, other = instance(), instance()

    def change():
        backend.version += 1
        forget("a")

    backend.while_reading = change
    assert one.get("a").about == {"version": 1}
    backend.while_reading = lambda: None
    # What was read before the change is gone in both.
    assert one.get("a").about == other.get("a").about == {"version": 2}


def test_a_change_of_one_leaves_the_others(backend):
    one = instance()
    one.get("a"), one.get("b")
    forget("a")
    one.get("b")
    assert backend.times == 2
    one.get("a")
    assert backend.times == 3


def test_a_change_of_what_all_have_drops_all(backend):
    one = instance()
    one.get("a"), one.get("b")
    forget("*")
    one.get("a"), one.get("b")
    assert backend.times == 4


def test_one_that_is_not_there_leaves_nothing(backend):
    backend.gone = True
    one = instance()
    for number in range(20):
        assert one.get(f"x{number}") is None
    assert state.keys("", None, 1000) == []


def test_what_an_instance_keeps_is_bounded(backend):
    one = instance()
    for number in range(MOST * 2):
        one.get(f"a{number}")
    assert len(one._known) == MOST


def test_a_definition_too_large_for_the_state_is_used_all_the_same(backend, monkeypatch):
    def refused(key, *rest):
        if key.startswith("a/"):
            raise definitions.StateError("too-large")
        return kept(key, *rest)

    kept = definitions.state.set
    monkeypatch.setattr(definitions.state, "set", refused)
    one, other = instance(), instance()
    assert one.get("a").about == other.get("a").about == {"version": 1}
    one.get("a"), other.get("a")
    assert backend.times == 2


def test_a_reset_forgets_everything(backend):
    definitions.remember_region("a", "eu-west-1")
    instance().get("a")
    forget_everything()
    assert state.keys("", None, 1000) == []


def test_the_region_of_an_api(backend):
    definitions.remember_region("a", "eu-west-1")
    assert instance().get("a", "us-west-2").region == "eu-west-1"
    assert instance().get("b", "us-west-2").region == "us-west-2"
    assert instance().get("c").region == "us-east-1"


def test_reading_is_the_module_that_the_plugin_uses():
    assert definitions.reading is reading
