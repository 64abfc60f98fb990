"""`/metrics`: what happens is counted exactly, the text is OpenMetrics, and documents and dashboard name what is there."""

import json
import re
import shutil

import pytest
from harness.collector import Collector
from harness.exposition import Exposition, admin_url, counted, in_query
from harness.origin import answer
from harness.servers import GUESTS, REPOSITORY
from harness.waiting import until

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
DASHBOARD = REPOSITORY / "host/dashboard"

ROUTES = """
[backends.users]
address = "{url}"

[[routes]]
host = "a.test"
path = "/"
backend = "users"

[limits]
deadline = "200ms"
memory = "4MiB"
"""


def ask(client, target, host="a.test"):
    client.send(f"GET {target} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
    return client.response()


@pytest.fixture
def scenario(tollgate, connect, origin, tmp_path):
    """What an operator sees in a bad hour: three good requests, one without a route, one that runs into the deadline, one that
    wants too much memory, a bad and a good version of a plugin, a bad and a good configuration."""
    config = ROUTES.format(url=origin(answer(OK)).url)
    plugins = {"measure": {}, "loop-forward": {}, "grow": {}, "mark": {}}
    collector = Collector()
    arguments = ["--admin", "127.0.0.1:0", "--no-cache", "--access-log", tmp_path / "access.log", "--otlp", collector.url]
    proxy = tollgate(None, plugins, config=config, arguments=arguments)
    client = connect(proxy)
    for _ in range(3):
        assert ask(client, "/x?token=secret").status == 200
    assert ask(client, "/", "b.test").status == 404
    assert ask(client, "/loop").status == 502
    assert ask(client, "/grow").status == 502
    mark = proxy.plugins / "mark.wat"
    replace(mark, "(module broken")
    proxy.process.wait_for(r"plugin mark: .* refused", label="err")
    replace(mark, (GUESTS / "mark.wat").read_text().replace("v000", "v001"))
    proxy.process.wait_for(r"plugin mark: version \w+ serves(?s:.*)", label="err")
    url = admin_url(proxy)
    counted(url, "tollgate_reloads_total", 2, plugin="mark", result="served")
    text = proxy.config.read_text()
    replace(proxy.config, text + "\nlisten-to = 1\n")
    proxy.process.wait_for(r"configuration not reloaded", label="err")
    replace(proxy.config, text + '\n[server]\nidle-timeout = "60s"\n')
    proxy.process.wait_for(r"configuration reloaded", label="err")
    yield url
    collector.stop()


def replace(path, text):
    new = path.with_suffix(".new")
    new.write_text(text)
    shutil.move(new, path)


def test_routes_and_backends_that_are_gone_have_no_series(tollgate, connect, origin):
    config = ROUTES.format(url=origin(answer(OK)).url)
    proxy = tollgate(None, {}, config=config, arguments=["--admin", "127.0.0.1:0"])
    client, url = connect(proxy), admin_url(proxy)
    assert ask(client, "/").status == 200
    counted(url, "tollgate_exchange_duration_seconds_count", 1, route="a.test/")
    renamed = proxy.config.read_text().replace("users", "people").replace('host = "a.test"', 'host = "b.test"')
    replace(proxy.config, renamed)
    proxy.process.wait_for(r"configuration reloaded", label="err")
    assert ask(client, "/", "b.test").status == 200
    seen = counted(url, "tollgate_exchange_duration_seconds_count", 1, route="b.test/")
    labels = [sample.labels for sample in seen.samples]
    assert {each["route"] for each in labels if "route" in each} == {"b.test/"}
    assert {each["backend"] for each in labels if "backend" in each} == {"people"}


def test_a_bad_hour_is_counted_exactly(scenario):
    seen = counted(scenario, "tollgate_exchange_duration_seconds_count", 5, route="a.test/")
    assert seen.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    exchanges = {
        tuple(sample.labels[label] for label in ("route", "status", "outcome")): sample.value
        for sample in seen.samples
        if sample.name == "tollgate_exchanges_total"
    }
    assert exchanges == {
        ("a.test/", "2xx", "complete"): 3,
        ("a.test/", "5xx", "proxy_internal_error"): 2,
        ("none", "4xx", "destination_not_found"): 1,
    }
    calls = {"plugin": "loop-forward", "hook": "forward-request"}
    for name, value, labels in [
        ("tollgate_failures_total", 1, {"plugin": "loop-forward", "cause": "deadline"}),
        ("tollgate_failures_total", 1, {"plugin": "grow", "cause": "memory"}),
        ("tollgate_failures_total", 0, {"plugin": "grow", "cause": "trapped"}),
        ("tollgate_hook_calls_total", 4, {**calls, "outcome": "done"}),
        ("tollgate_hook_calls_total", 1, {**calls, "outcome": "failed"}),
        ("tollgate_hook_duration_seconds_count", 5, calls),
        ("tollgate_hook_calls_total", 3, {"plugin": "mark", "hook": "return-response", "outcome": "done"}),
        ("tollgate_backend_requests_total", 3, {"backend": "users", "outcome": "done"}),
        ("tollgate_backend_duration_seconds_count", 3, {"backend": "users"}),
        ("tollgate_response_body_bytes_total", 6, {"route": "a.test/"}),
        ("tollgate_reloads_total", 1, {"plugin": "mark", "result": "refused"}),
        ("tollgate_reloads_total", 2, {"plugin": "mark", "result": "served"}),
        ("tollgate_reloads_total", 1, {"plugin": "grow", "result": "served"}),
        ("tollgate_config_reloads_total", 1, {"result": "refused"}),
        ("tollgate_config_reloads_total", 1, {"result": "accepted"}),
        ("tollgate_instances_replaced_total", 1, {"plugin": "grow"}),
        ("tollgate_connections", 1, {}),
        ("tollgate_connections_accepted_total", 1, {}),
        ("tollgate_exchanges_in_progress", 0, {}),
        ("tollgate_serving", 1, {"plugin": "mark"}),
        ("tollgate_ready", 1, {}),
        ("tollgate_log_lines_dropped_total", 0, {}),
        ("tollgate_access_log_lines_dropped_total", 0, {}),
        ("tollgate_plugin_hits_total", 5, {"plugin": "measure"}),
    ]:
        assert seen.value(name, **labels) == value, (name, labels)
    # A module has 64 KiB at least. Two instances may have been made for two workers; idle ones are let go after 30 s, and a
    # busy machine may take longer to come here.
    instances = seen.value("tollgate_instances", plugin="mark")
    assert 0 <= instances <= 2
    assert seen.value("tollgate_instance_memory_bytes", plugin="mark") >= 65536 * instances
    slow = seen.value("tollgate_hook_computing_seconds_total", **calls)
    assert 0.05 <= slow < 5, "it computed up to its deadline"
    counted(scenario, "tollgate_access_log_lines_total", 6)
    # Six exchanges, three times the backend, and a span for each call of a hook.
    calls = sum(sample.value for sample in seen.samples if sample.name == "tollgate_hook_calls_total")
    counted(scenario, "tollgate_spans_exported_total", 6 + 3 + calls)


def test_documents_and_dashboard_name_what_is_exported(scenario):
    seen = counted(scenario, "tollgate_exchange_duration_seconds_count", 5, route="a.test/")
    exported = seen.series()
    rows = re.findall(r"^\| `(tollgate_\w+)` \| (\w+) \| ([\w, ]*) ?\|", (DASHBOARD / "README.md").read_text(), re.M)
    documented = {name: set(filter(None, re.split(r",\s*", labels.strip()))) for name, _, labels in rows}
    own = {name for name in exported if name.startswith("tollgate_plugin_")}
    assert own == {"tollgate_plugin_hits_total"}
    assert {name: labels for name, labels in exported.items() if name not in own} == documented
    kinds = {family.name: family.type for family in seen.families}
    for name, kind, _ in rows:
        family = re.sub(r"_(total|info)$", "", name)
        assert kinds[family] == kind, name

    panels = json.loads((DASHBOARD / "tollgate.json").read_text())["panels"]
    assert 10 <= len(panels) <= 15
    for panel in panels:
        for target in panel["targets"]:
            named = in_query(target["expr"])
            assert named, target["expr"]
            for name, labels in named.items():
                assert name in exported, (panel["title"], name)
                assert labels <= exported[name], (panel["title"], name, labels)


def test_a_query_is_read_with_its_labels():
    query = 'histogram_quantile(0.9, sum by (le, a, b) (rate(tollgate_x_seconds_bucket{instance=~"x", c!="d"}[5m])))'
    assert in_query(query) == {"tollgate_x_seconds": {"a", "b", "c"}}


def test_nothing_is_counted_for_nobody(tollgate, connect, origin):
    """Without the admin listener there is no observer, and the proxy serves as it does with one."""
    proxy = tollgate(origin(answer(OK)).url, {"mark": {}})
    assert connect(proxy).request("GET", "/").status == 200
    assert "admin" not in proxy.log()


def test_names_that_plugins_choose_cannot_break_the_text(tollgate, connect, origin):
    proxy = tollgate(origin(answer(OK)).url, {"measure": {}}, arguments=["--admin", "127.0.0.1:0"])
    assert connect(proxy).request("GET", "/").status == 200
    url = admin_url(proxy)
    until(lambda: Exposition(url).value("tollgate_plugin_hits_total", plugin="measure") == 1, "it is counted")
