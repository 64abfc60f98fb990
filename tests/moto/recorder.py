"""A pytest plugin for moto's own tests: writes each test's outcome and says which server its calls reached.

Loaded with `-p recorder` into the process that runs moto's tests, which themselves stay as they are. It does three
things, told by environment variables:

- MOTO_CONNECT=HOST:PORT: connections to localhost:5000 go there instead. Some of moto's tests compare URLs with
  `http://localhost:5000`, so that is the endpoint that they get, and the servers still listen on free ports.
- MOTO_MARK=NAME: a response field that only a plugin of tollgate sets.
- MOTO_RECORD=FILE: one JSON object a line for each test: `id`, `outcome`, `requests` (how many responses it got from
  the server), `marked` (how many of these had the field), `broken` (connections that were refused or ended without a
  response, which botocore's retries would hide), `seconds`, `text` (of a failure).
"""

import collections
import contextlib
import http.client
import json
import os

import urllib3.util.connection

ADVERTISED = ("localhost", 5000)

_connect = urllib3.util.connection.create_connection
_getresponse = http.client.HTTPConnection.getresponse
_counts = collections.Counter()
_tests = {}


def create_connection(address, *args, **kwargs):
    """urllib3's, for botocore and requests alike."""
    if tuple(address[:2]) == ADVERTISED:
        host, port = os.environ["MOTO_CONNECT"].rsplit(":", 1)
        with broken_if_raised():
            return _connect((host, int(port)), *args, **kwargs)
    return _connect(address, *args, **kwargs)


def getresponse(self, *args, **kwargs):
    if (self.host, self.port) != ADVERTISED:
        return _getresponse(self, *args, **kwargs)
    with broken_if_raised():
        response = _getresponse(self, *args, **kwargs)
    _counts["requests"] += 1
    _counts["marked"] += os.environ["MOTO_MARK"] in response.headers
    return response


@contextlib.contextmanager
def broken_if_raised():
    try:
        yield
    except Exception:
        _counts["broken"] += 1
        raise


def pytest_configure():
    urllib3.util.connection.create_connection = create_connection
    http.client.HTTPConnection.getresponse = getresponse


def pytest_runtest_logstart():
    _counts.clear()


def pytest_runtest_logreport(report):
    """Setup, call and teardown make one outcome: the worst of the three."""
    outcome = report.outcome
    if report.failed and report.when != "call":
        outcome = "error"
    if hasattr(report, "wasxfail"):
        outcome = "xpassed" if report.passed else "xfailed"
    entry = _tests.setdefault(
        report.nodeid, {"id": report.nodeid, "outcome": "passed", "seconds": 0.0, "text": ""}
    )
    entry["seconds"] += report.duration
    if outcome != "passed":
        entry["outcome"] = outcome
    if report.failed:
        entry["text"] = str(report.longrepr)[-4000:]


def pytest_runtest_logfinish(nodeid):
    entry = _tests.pop(nodeid)
    entry.update(**{name: _counts[name] for name in ("requests", "marked", "broken")})
    with open(os.environ["MOTO_RECORD"], "a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
