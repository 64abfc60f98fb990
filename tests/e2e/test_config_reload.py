"""The configuration file changes while clients work: no request fails, none sees half of old and new.

A bad file changes nothing, and the log tells of it with its line.
"""

import os
import threading
import time

import pytest
from harness.config import configured  # noqa: F401
from harness.origin import answer
from harness.traffic import Traffic, fresh, kept
from harness.waiting import until

MARK = "x-mark"


def named(name, requests=None):
    return answer(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(name), name.encode()), requests)


def to(origin, **more):
    """Settings that send everything to this origin."""
    return {"backends": {"users": {"address": origin.url}}, "routes": [{"backend": "users"}], **more}


def mark(value, name="mark"):
    return {name: {"name": MARK, "value": value}}


def asked(client, field=MARK):
    """What a request sees: the backend's name and the plugin's field."""
    response = client.request("GET", "/")
    assert response.status == 200, response
    return response.body.decode(), response.get(field)


def in_place(proxy, text):
    proxy.config.write_text(text)


def by_rename(proxy, text):
    proxy.replace(text)


def by_link(proxy, text):
    """As Kubernetes mounts a ConfigMap: the name is a link that is turned to another file."""
    target = proxy.config.with_name(f"version-{time.monotonic_ns()}.toml")
    target.write_text(text)
    link = proxy.config.with_name("link")
    link.symlink_to(target)
    os.replace(link, proxy.config)


@pytest.mark.parametrize("way", [in_place, by_rename, by_link], ids=lambda way: way.__name__)
def test_another_backend_serves_soon(configured, origin, connect, way):  # noqa: F811
    a, b = origin(named("a")), origin(named("b"))
    proxy = configured(to(a), mark("1"))
    client = connect(proxy)
    assert asked(client) == ("a", "1")
    for backend, name in [(b, "b"), (a, "a")]:
        way(proxy, proxy.document(to(backend), mark(name)))
        until(lambda: asked(client) == (name, name), f"{name} serves", seconds=10)


def test_sighup_reads_the_file_at_once(configured, origin, connect):  # noqa: F811
    a, b = origin(named("a")), origin(named("b"))
    proxy = configured(to(a))
    client = connect(proxy)
    assert asked(client)[0] == "a"
    proxy.rewrite(to(b))
    proxy.hang_up()
    until(lambda: asked(client)[0] == "b", "the new backend serves", seconds=10)
    # A signal without a change changes nothing, and ends nothing.
    for _ in range(5):
        proxy.hang_up()
        assert asked(client)[0] == "b"
    assert proxy.process.alive()


def test_changes_under_load_fail_no_request_and_are_atomic(configured, origin):  # noqa: F811
    """Each file names a backend, a plugin's value and the order of two others; a request sees one file's alone."""
    names = ("a", "b")
    backends = {name: origin(named(name)) for name in names}

    def file(name):
        plugins = {
            **{plugin: {"name": "x-first", "value": f"{plugin}{name}"} for plugin in ("p", "q")},
            **mark(name),
        }
        plugins = plugins if name == "a" else dict(reversed(plugins.items()))
        extra = {"forwarding": {"via": name == "a"}, "server": {"max-body": "1MiB" if name == "a" else "2MiB"}}
        return to(backends[name], **extra), plugins

    settings, plugins = file("a")
    proxy = configured(settings, plugins)
    seen = []

    def noted(call):
        def called():
            fields, body = call()
            # On the way back the first plugin of the chain comes last: p in file a, q in file b.
            seen.append((body.decode(), fields[MARK], fields["x-first"], "via" in fields))

        return called

    with Traffic(noted(fresh(proxy.port)), noted(kept(proxy.port)), noted(kept(proxy.port))) as traffic:
        for turn in range(6):
            name = names[(turn + 1) % 2]
            proxy.rewrite(*file(name))
            if turn % 2:
                proxy.hang_up()
            until(lambda: traffic.failures or seen[-1:] and seen[-1][0] == name, f"file {name} serves")
            traffic.more(30)
    assert set(seen) == {("a", "a", "pa", True), ("b", "b", "qb", False)}, "old and new were mixed"


def test_a_running_exchange_keeps_what_it_began_with(configured, origin, connect):  # noqa: F811
    go_on = threading.Event()

    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n" + b"x" * 1000)
        assert go_on.wait(30)
        peer.send(b"x" * 1000)

    proxy = configured(to(origin(serve)), mark("1"))
    slow = connect(proxy)
    slow.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    head = slow.head()
    assert head.get(MARK) == "1"
    proxy.rewrite(to(origin(named("b"))), mark("2"))
    client = connect(proxy)
    # The old backend answers nobody to the end, so only the new one is asked here once it serves.
    proxy.hang_up()

    def changed():
        probe = connect(proxy)
        probe.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        return probe.head().get(MARK) == "2"

    until(changed, "the new file serves")
    assert asked(client) == ("b", "2")
    go_on.set()
    assert slow.reader.exactly(2000) == b"x" * 2000


def body_of(client, size):
    """The status of an upload of so many bytes."""
    return client.request("POST", "/", body=b"x" * size).status


def test_limits_change(configured, origin, connect):  # noqa: F811
    backend = origin(named("a"))
    proxy = configured(to(backend, server={"max-body": "1KiB"}))
    assert body_of(connect(proxy), 1024) == 200
    assert body_of(connect(proxy), 1025) == 413
    proxy.rewrite(to(backend, server={"max-body": "2KiB"}))
    until(lambda: body_of(connect(proxy), 1025) == 200, "the new bound holds")
    assert body_of(connect(proxy), 2049) == 413


def test_forwarding_changes(configured, origin, connect):  # noqa: F811
    requests = []
    backend = origin(named("a", requests))
    proxy = configured(to(backend, forwarding={"x-forwarded": "replace", "forwarded": "remove", "via": True}))
    client = connect(proxy)

    def received():
        client.request("GET", "/", "x-forwarded-for: 192.0.2.1", "forwarded: for=192.0.2.1")
        return requests[-1].get("x-forwarded-for"), requests[-1].get("forwarded"), "via" in dict(requests[-1].fields)

    assert received() == ("127.0.0.1", None, True)
    proxy.rewrite(to(backend, forwarding={"x-forwarded": "append", "forwarded": "keep", "via": False}))
    until(lambda: received() == ("192.0.2.1, 127.0.0.1", "for=192.0.2.1", False), "the new rules hold")


def test_routes_and_their_plugins_change(configured, origin, connect):  # noqa: F811
    a, b = origin(named("a")), origin(named("b"))
    plugins = {**mark("p", "p"), **mark("q", "q")}

    def file(*routes):
        return {"backend": a.url, "backends": {"b": {"address": b.url}}, "routes": list(routes)}

    proxy = configured(file({"path": "/b", "backend": "b", "plugins": ["p"]}), plugins)
    client = connect(proxy)

    def seen():
        answers = [client.request("GET", path) for path in ("/", "/b", "/c")]
        return [(each.body.decode(), each.get(MARK)) for each in answers]

    assert seen() == [("a", "p"), ("b", "p"), ("a", "p")]
    proxy.rewrite(file({"path": "/c", "backend": "b", "plugins": ["q", "p"]}), plugins)
    until(lambda: seen() == [("a", "p"), ("a", "p"), ("b", "q")], "the new routes hold")
    proxy.rewrite(file({"path": "/c", "backend": "b", "plugins": []}), dict(reversed(plugins.items())))
    until(lambda: seen() == [("a", "q"), ("a", "q"), ("b", None)], "the new order holds")


def test_a_plugin_is_switched_off_and_on(configured, origin, connect):  # noqa: F811
    backend = origin(named("a"))
    proxy = configured(to(backend), mark("1"))
    client = connect(proxy)
    assert asked(client) == ("a", "1")
    proxy.rewrite(to(backend, plugin={"mark": {"enabled": False}}))
    until(lambda: asked(client) == ("a", None), "the plugin is off")
    proxy.rewrite(to(backend), mark("2"))
    until(lambda: asked(client) == ("a", "2"), "the plugin is on again")


# A mistake in the file's last line: its text, and what must be said of it.
MISTAKES = {
    "no TOML": ("routes = [", ""),
    "a misspelt key": ("[server]\nmax-bodi = 1", "max-body"),
    "a wrong type": ('[server]\nmax-connections = "many"', "max-connections"),
    "a bad time": ('[server]\nheader-timeout = "10 parsecs"', "header-timeout"),
    "a route to nowhere": ('[[routes]]\nbackend = "nobody"', "nobody"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_bad_file_keeps_the_last_good_one(configured, origin, connect, what):  # noqa: F811
    a, b = origin(named("a")), origin(named("b"))
    proxy = configured(to(a), mark("1"))
    client = connect(proxy)
    assert asked(client) == ("a", "1")
    lines = len(proxy.process.lines("err"))
    bad, mistake = MISTAKES[what]
    text = proxy.document(to(b), mark("2")).rstrip("\n") + "\n" + bad + "\n"
    proxy.replace(text)
    line = text.count("\n")
    complaint = proxy.logged(rf"tollgate\.toml:{line}\b.*{mistake}", since=lines)
    assert "WARN" in complaint or "ERROR" in complaint or "ERROR" in proxy.log()
    assert asked(client) == ("a", "1")
    # The next good file serves, and the first complaint isn't repeated for ever.
    proxy.rewrite(to(b), mark("3"))
    until(lambda: asked(client) == ("b", "3"), "the next good file serves")
    assert sum(f"tollgate.toml:{line}" in each for each in proxy.process.lines("err")[lines:]) <= 2


def test_a_file_that_goes_away_changes_nothing(configured, origin, connect):  # noqa: F811
    a, b = origin(named("a")), origin(named("b"))
    proxy = configured(to(b))
    client = connect(proxy)
    # A file that goes before its watcher looks for the first time is none to be told of.
    proxy.rewrite(to(a))
    until(lambda: asked(client)[0] == "a", "the file is followed")
    lines = len(proxy.process.lines("err"))
    proxy.config.unlink()
    proxy.logged(r"tollgate\.toml", since=lines)
    assert asked(client)[0] == "a"
    proxy.rewrite(to(b))
    until(lambda: asked(client)[0] == "b", "the new file serves")


def test_a_file_written_slowly_is_never_half_read(configured, origin):  # noqa: F811
    """For a second the file ends after its first route: a good file, but half of what is being written."""
    a, b = origin(named("a")), origin(named("b"))
    proxy = configured(to(a))
    with Traffic(fresh(proxy.port)) as traffic:
        text = proxy.document(to(b))
        with proxy.config.open("w") as file:
            for line in text.splitlines(keepends=True):
                file.write(line)
                file.flush()
                time.sleep(0.02)
        until(lambda: traffic.failures or traffic.seen[-1][1][1] == b"b", "the whole file serves")
    assert {body for _, (_, body) in traffic.seen} == {b"a", b"b"}


RESTARTS = {
    "workers": lambda settings: {**settings, "workers": 1},
    "plugins": lambda settings: {**settings, "plugins": "elsewhere"},
    "cache": lambda settings: {**settings, "cache": {"max-size": "1MiB"}},
}


@pytest.mark.parametrize("key", RESTARTS)
def test_keys_that_need_a_restart_are_named(configured, origin, connect, key):  # noqa: F811
    """What can change changes all the same."""
    a, b = origin(named("a")), origin(named("b"))
    proxy = configured({**to(a), "workers": 2}, mark("1"))
    client = connect(proxy)
    assert asked(client) == ("a", "1")
    lines = len(proxy.process.lines("err"))
    proxy.rewrite(RESTARTS[key]({**to(b), "workers": 2}), mark("2"))
    assert proxy.logged(rf"WARN.*\b{key}\b.*(restart|next start)", since=lines)
    until(lambda: asked(client) == ("b", "2"), "the rest of the file serves")
