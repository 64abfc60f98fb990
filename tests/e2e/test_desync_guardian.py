"""The corpus of the crate http_desync_guardian, AWS's classifier of requests that desynchronise proxies: 159 cases.

Each case becomes raw bytes. A *severe* one must be refused before plugin and backend see it. What is compliant must
pass, if it asks for nothing that this proxy doesn't do. All others are refused, or forwarded so that they can be read
in one way only. The crate is a dependency of the package `tests`, so cargo has its source.
"""

import glob
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import add_header
from harness.client import Client
from harness.raw import Gate
from harness.servers import REPOSITORY
from harness.waiting import until

CRATE = "http_desync_guardian"
REFUSALS = range(400, 600)


def corpus():
    """The directory of the YAML files; None if cargo hasn't got the crate."""
    for find in (named_by_cargo, unpacked_by_cargo):
        if directory := find():
            return directory
    return None


def named_by_cargo():
    """What `cargo metadata` says, without network."""
    command = ["metadata", "--locked", "--offline", "--format-version", "1"]
    try:
        cargo = subprocess.run(
            [REPOSITORY / "host/toolchain.sh"], capture_output=True, text=True, timeout=60
        ).stdout.strip()
        answer = subprocess.run(
            [cargo or "cargo", *command], cwd=REPOSITORY, capture_output=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    packages = json.loads(answer.stdout)["packages"]
    return next((Path(p["manifest_path"]).parent / "tests" for p in packages if p["name"] == CRATE), None)


def unpacked_by_cargo():
    """Where cargo unpacks sources, when this workspace doesn't name the crate."""
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    found = sorted(glob.glob(str(home / f"registry/src/*/{CRATE}-0.1.*/tests")))
    return Path(found[-1]) if found else None


def unescape(value):
    """The corpus escapes once more what YAML has unescaped already, as its own runner does."""
    named = {"b": "\x08", "f": "\x0c", "n": "\n", "r": "\r", "t": "\t"}
    return re.sub(
        r"\\(?:x(..)|(.))",
        lambda m: chr(int(m[1], 16)) if m[1] else named.get(m[2], m[2]),
        str(value),
        flags=re.DOTALL,
    )


def wire(text):
    """A character up to U+00FF stands for a byte, one above for itself."""
    return b"".join(c.encode("latin-1" if c <= "\xff" else "utf-8") for c in text)


class Case:
    def __init__(self, file, entry):
        self.tier = entry["expected"]["tier"]
        self.reason = entry["expected"]["reason"]
        self.name = f"{file}: {entry['name']}"
        self.method, self.uri, self.version = (unescape(entry[key]) for key in ("method", "uri", "version"))
        self.fields = [(unescape(each["name"]), unescape(each["value"])) for each in entry["headers"] or []]

    def all(self, name):
        return [value.strip(" \t") for key, value in self.fields if key.lower() == name]

    @property
    def raw(self):
        """Without a host it would be refused for that alone, so it gets one; and a body that fits, if one can."""
        fields = self.fields if self.all("host") else [("Host", "guardian.test"), *self.fields]
        line = f"{self.method} {self.uri} {self.version}" if self.version else f"{self.method} {self.uri}"
        head = "\r\n".join([line, *(f"{name}: {value}" for name, value in fields)])
        return wire(head) + b"\r\n\r\n" + self._body()

    def _body(self):
        if any("chunked" in value for value in self.all("transfer-encoding")):
            return b"2\r\nok\r\n0\r\n\r\n"
        lengths = self.all("content-length")
        if lengths and lengths[0].isascii() and lengths[0].isdigit() and len(lengths[0]) < 6:
            return b"x" * int(lengths[0])
        return b""


def cases():
    directory = corpus()
    if not directory:
        return []
    return [
        Case(path.stem, entry)
        for path in sorted(directory.glob("*.yaml"))
        for entry in yaml.safe_load(path.read_bytes().decode())
    ]


CASES = cases()


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    gate = Gate(tmp_path_factory.mktemp("guardian"), add_header())
    yield gate
    gate.stop()


def of_tier(*tiers):
    found = [case for case in CASES if case.tier in tiers]
    return pytest.mark.parametrize("case", found, ids=lambda case: ascii(case.name).strip("'\""))


def test_the_corpus_is_there():
    assert CASES, f"cargo hasn't got the crate {CRATE}: run `cargo fetch`"
    assert len(CASES) == 159
    assert len([case for case in CASES if case.tier == "Severe"]) == 58


@of_tier("Severe")
def test_severe_is_refused(gate, case):
    gate.refuse(case.raw, *REFUSALS)


def is_narrower(case):
    """Compliant for the guardian, but not for RFC 9112 or not with this proxy: another version, a coding other than
    chunked (501), a fragment, raw bytes or nothing as target."""
    codings = ",".join(case.all("transfer-encoding")).lower()
    return case.version != "HTTP/1.1" or codings not in ("", "chunked") or not re.fullmatch(r"[!-\"$-~]+", case.uri)


def check_same(case, received):
    assert (received.method, received.target) == (case.method, case.uri)
    for name, _ in case.fields:
        # What the proxy says of the client is the proxy's own by default.
        if name.lower() not in ("connection", "transfer-encoding", "te") and not name.lower().startswith(
            "x-forwarded-"
        ):
            assert received.all(name) == case.all(name.lower()), name


@of_tier("Compliant")
def test_compliant_is_forwarded(gate, case):
    if is_narrower(case):
        gate.judge(case.raw, case.method)
    elif any(len(length) > 6 for length in case.all("content-length")):
        check_same(case, head_alone(gate, case))
    else:
        check_same(case, gate.forward(case.raw, case.method))


def head_alone(gate, case):
    """The request as the backend sees it while its body, which is too long for a test, is still awaited."""
    seen = len(gate.backend.received)
    with Client(gate.proxy.address) as client:
        client.send(case.raw)
        until(lambda: len(gate.backend.received) > seen, "the backend has the head")
        received = gate.backend.received[seen]
    assert not received.faults()
    return received


@of_tier("Acceptable", "Ambiguous")
def test_what_is_doubtful_is_refused_or_made_plain(gate, case, record_property):
    status, received = gate.judge(case.raw, case.method)
    record_property("status", status)
    if received:
        assert received.body in (b"", b"ok", b"x" * len(received.body))
