"""The plugin llm-guard, seen by the vendors' clients for JavaScript. `setup.sh` installs them where npm is."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import add_header
from harness.model import REDACTED, REDACTED_ARGUMENTS, Model

HERE = Path(__file__).parent
CLIENTS = HERE.parent.parent / "target" / "e2e-js"

pytestmark = pytest.mark.skipif(
    not (CLIENTS / "node_modules").is_dir() or not shutil.which("node"),
    reason="the clients for JavaScript are not installed: npm was missing when tests/e2e/setup.sh ran",
)

APIS = pytest.mark.parametrize("api", ["chat", "responses", "messages"])
MODES = pytest.mark.parametrize("mode", ["whole", "stream"])
ALLOW = '[plugin.llm-guard.allow]\nstate = true\n\n[state]\nstore = "memory"\n'


@pytest.fixture
def ask(tollgate, origin):
    """Asks through the plugin with these settings: ask(api, mode, settings) gives what the client saw, and the proxy."""
    model = Model(origin)
    proxies = {}

    def start(api, mode, settings=None):
        key = json.dumps(settings)
        if key not in proxies:
            proxies[key] = tollgate(model.url, {**add_header(), "llm-guard": settings or {}}, config=ALLOW)
        command = ["node", str(HERE / "javascript" / "ask.mjs"), proxies[key].url, api, mode]
        done = subprocess.run(command, env={**os.environ, "CLIENTS": str(CLIENTS)}, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), proxies[key], model

    return start


@APIS
@MODES
def test_secrets_are_redacted(ask, api, mode):
    seen, _, _ = ask(api, mode)
    assert "error" not in seen, seen
    assert (seen["text"], json.loads(seen["arguments"])) == (REDACTED, REDACTED_ARGUMENTS)
    assert seen["finish"] == {"chat": "stop", "responses": "completed", "messages": "end_turn"}[api]
    assert mode == "whole" or seen["chunks"] > 10


@APIS
@MODES
def test_a_keyword_halts(ask, api, mode):
    seen, _, _ = ask(api, mode, {"keywords": ["good night"], "keywords_action": "halt"})
    assert "night" not in seen["text"]
    if mode == "whole":
        assert seen["error"]["status"] == 400 and seen["error"]["class"] == "BadRequestError", seen
    elif api == "chat":
        assert seen["finish"] == "content_filter" and "error" not in seen
    elif api == "responses":
        assert seen.get("code") == "content_filter" or seen["error"]["code"] == "content_filter", seen
    else:
        assert seen["error"]["type"] == "invalid_request_error", seen


@APIS
@MODES
def test_a_used_up_budget_is_told_once(ask, api, mode):
    settings = {"budget": {"tokens": 20}}
    seen, _, _ = ask(api, mode, settings)
    assert seen["text"] == REDACTED
    refused, proxy, model = ask(api, mode, settings)
    assert (refused["error"]["class"], refused["error"]["status"]) == ("RateLimitError", 429), refused
    assert refused["error"]["type"] == ("rate_limit_error" if api == "messages" else "insufficient_quota")
    # The client has its own retries, and makes none.
    assert len(model.requests) == 1 and proxy.log().count("refused, the budget is used up") <= 1


@APIS
def test_a_stream_over_its_budget_ends_with_an_error(ask, api):
    seen, _, _ = ask(api, "stream", {"budget": {"tokens": 17, "counts": "output", "streams": "halt"}})
    assert REDACTED.startswith(seen["text"]), seen
    if api == "responses" and "error" not in seen:
        assert (seen["finish"], seen["code"]) == ("failed", "rate_limit_exceeded")
    else:
        expected = {"chat": "insufficient_quota", "responses": "rate_limit_exceeded", "messages": "rate_limit_error"}[api]
        assert expected in (seen["error"].get("type"), seen["error"].get("code")), seen
