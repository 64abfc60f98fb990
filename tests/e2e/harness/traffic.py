"""Clients that call without pause while a test changes something, so that no failed request goes unseen."""

import http.client
import threading
import time

from .waiting import until


class Traffic:
    """Runs each of `calls` in a thread of its own, again and again, until the `with` block ends.

    A call returns what it saw, or raises. `seen` keeps (time, what was seen) in the order of the ends of the calls.
    """

    def __init__(self, *calls):
        self._threads = [threading.Thread(target=self._run, args=(call,), daemon=True) for call in calls]
        self._stop = threading.Event()
        self.seen = []
        self.failures = []

    def _run(self, call):
        while not self._stop.is_set():
            try:
                self.seen.append((time.monotonic(), call()))
            except Exception as error:  # shown in the test's thread
                self.failures.append(repr(error))
                if len(self.failures) > 20:
                    return

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        if kind is None:
            assert not self.failures, f"{len(self.failures)} of {len(self.seen)} calls failed: {self.failures[:5]}"

    def more(self, count):
        """Waits for so many further calls; fails as soon as one has failed."""
        goal = len(self.seen) + count
        until(lambda: len(self.seen) >= goal or self.failures, f"{count} more calls end", seconds=30)
        assert not self.failures, f"of {len(self.seen)} calls these failed: {self.failures[:5]}"


def get(connection, target="/", **fields):
    """One GET whose answer must be 200 and whole: its fields and its body."""
    connection.request("GET", target, headers={name.replace("_", "-"): value for name, value in fields.items()})
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise AssertionError(f"{response.status} {response.getheader('proxy-status')} {body[:100]!r}")
    return response.headers, body


def fresh(port, target="/", **fields):
    """A call on a new connection each time."""

    def call():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            return get(connection, target, **fields)
        finally:
            connection.close()

    return call


def kept(port, target="/", reopen=False, **fields):
    """A call on one connection, which is opened again when the proxy has said that it closes it.

    With `reopen` also when it was closed between two requests, as clients do (RFC 9112, section 9.3.1): a server that
    ends an idle connection can't know of the request that is on its way.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def call():
        used = connection.sock is not None
        try:
            return get(connection, target, **fields)
        except ConnectionError:
            connection.close()
            if not (used and reopen):
                raise
        return get(connection, target, **fields)

    return call
