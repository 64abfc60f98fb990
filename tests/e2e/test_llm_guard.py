"""The plugin llm-guard, seen by the vendors' own clients: what a model says comes without secrets, or ends with the API's error.

The backend (harness/model.py) cuts each text into deltas of a few characters.
"""

import json
import re
import threading

import anthropic
import openai
import pytest
from conftest import add_header
from harness.model import REDACTED, REDACTED_ARGUMENTS, SECRET, Model
from harness.waiting import until

# Budgets are in the state.
ALLOW = '[plugin.llm-guard.allow]\nstate = true\n\n[state]\nstore = "memory"\n'

HALTING = {"keywords": ["good night"], "keywords_action": "halt"}
SIZES = pytest.mark.parametrize("size", [1, 3, 7, 1000])


@pytest.fixture
def model(origin):
    return Model(origin)


@pytest.fixture
def guarded(tollgate, model):
    """Starts a proxy with the plugin: guarded(settings)."""
    return lambda settings=None, **more: tollgate(model.url, {**add_header(), "llm-guard": settings or {}}, config=ALLOW, **more)


def openai_client(proxy):
    return openai.OpenAI(base_url=f"{proxy.url}/v1", api_key="sk-test", max_retries=0, timeout=20)


def anthropic_client(proxy):
    return anthropic.Anthropic(base_url=proxy.url, api_key="test", max_retries=0, timeout=20)


def ask_chat(proxy, **more):
    return openai_client(proxy).chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello."}], **more)


def ask_responses(proxy, **more):
    return openai_client(proxy).responses.create(model="m", input="Hello.", **more)


MESSAGE = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello."}]}


def until_logged(proxy, part):
    """The line is written behind the answer's last byte."""
    until(lambda: part in proxy.log(), f"the log has {part!r}")


def test_chat_whole(guarded):
    proxy = guarded()
    message = ask_chat(proxy).choices[0].message
    assert message.content == REDACTED
    assert json.loads(message.tool_calls[0].function.arguments) == REDACTED_ARGUMENTS


@SIZES
def test_chat_streamed(guarded, model, size):
    model.size = size
    proxy = guarded()
    client = openai_client(proxy)
    tools = [{"type": "function", "function": {"name": "store", "parameters": {"type": "object"}}}]
    with client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "Hello."}], tools=tools) as stream:
        done = stream.get_final_completion()
    choice = done.choices[0]
    assert (choice.message.content, choice.finish_reason) == (REDACTED, "stop")
    assert json.loads(choice.message.tool_calls[0].function.arguments) == REDACTED_ARGUMENTS
    assert done.usage.completion_tokens == 21


def test_chat_streamed_halts(guarded):
    proxy = guarded(HALTING)
    chunks = list(ask_chat(proxy, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert REDACTED.startswith(text) and "night" not in text.lower()
    assert chunks[-1].choices[0].finish_reason == "content_filter"


def test_chat_whole_halts(guarded):
    with pytest.raises(openai.BadRequestError) as error:
        ask_chat(guarded(HALTING))
    assert (error.value.code, error.value.status_code) == ("content_filter", 400)


def test_responses_whole(guarded):
    done = ask_responses(guarded())
    assert done.output_text == REDACTED
    assert json.loads(done.output[1].arguments) == REDACTED_ARGUMENTS


@SIZES
def test_responses_streamed(guarded, model, size):
    model.size = size
    with openai_client(guarded()).responses.stream(model="m", input="Hello.") as stream:
        events = list(stream)
        done = stream.get_final_response()
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    arguments = "".join(event.delta for event in events if event.type == "response.function_call_arguments.delta")
    assert text == done.output_text == REDACTED
    assert json.loads(arguments) == json.loads(done.output[1].arguments) == REDACTED_ARGUMENTS
    assert SECRET not in repr(events)


def test_responses_streamed_halts(guarded):
    events = list(ask_responses(guarded(HALTING), stream=True))
    assert [event.type for event in events[-2:]] == ["error", "response.failed"]
    assert events[-2].code == events[-1].response.error.code == "content_filter"
    assert (events[-1].response.status, events[-1].response.id) == ("failed", "r")
    assert "night" not in "".join(event.delta for event in events if event.type == "response.output_text.delta")


def test_responses_whole_halts(guarded):
    with pytest.raises(openai.BadRequestError) as error:
        ask_responses(guarded(HALTING))
    assert error.value.code == "content_filter"


def test_messages_whole(guarded):
    text, tool = anthropic_client(guarded()).messages.create(**MESSAGE).content
    assert (text.text, tool.input) == (REDACTED, REDACTED_ARGUMENTS)


@SIZES
def test_messages_streamed(guarded, model, size):
    model.size = size
    proxy = guarded()
    with anthropic_client(proxy).messages.stream(**MESSAGE) as stream:
        said = "".join(stream.text_stream)
        text, tool = stream.get_final_message().content
    assert (said, text.text, tool.input) == (REDACTED, REDACTED, REDACTED_ARGUMENTS)
    wanted = "anthropic, streamed: 21 tokens out, 3 in (reported); redacted aws-access-key 2 times; redacted card-number 2 times"
    until_logged(proxy, wanted)


def test_messages_streamed_halts(guarded):
    proxy = guarded(HALTING)
    said = []
    with pytest.raises(anthropic.APIStatusError) as error, anthropic_client(proxy).messages.stream(**MESSAGE) as stream:
        said.extend(stream.text_stream)
    assert error.value.body["error"]["type"] == "invalid_request_error"
    assert REDACTED.startswith("".join(said)) and "night" not in "".join(said)
    until_logged(proxy, "halted by keyword-1")


def test_messages_whole_halts(guarded):
    with pytest.raises(anthropic.BadRequestError) as error:
        anthropic_client(guarded(HALTING)).messages.create(**MESSAGE)
    assert error.value.body["error"]["type"] == "invalid_request_error"


def test_a_prompt_halts(guarded, model):
    proxy = guarded({"prompts": True, "keywords": ["hello"], "keywords_action": "halt"})
    with pytest.raises(openai.BadRequestError):
        ask_chat(proxy, stream=True)
    with pytest.raises(anthropic.BadRequestError):
        anthropic_client(proxy).messages.create(**MESSAGE)
    assert model.requests == []


def test_a_backend_that_ignores_stream(guarded, model):
    model.ignores_stream = True
    answer = openai_client(guarded()).chat.completions.with_raw_response.create(
        model="m", messages=[{"role": "user", "content": "Hello."}], stream=True
    )
    body = answer.http_response.read()
    assert json.loads(body)["choices"][0]["message"]["content"] == REDACTED


def test_a_compressed_stream(guarded, model):
    model.compresses = True
    with anthropic_client(guarded()).messages.stream(**MESSAGE) as stream:
        assert stream.get_final_text() == REDACTED


def test_an_error_of_the_backend_passes(guarded, model):
    model.status = 429
    with pytest.raises(openai.RateLimitError) as error:
        ask_chat(guarded())
    assert SECRET in error.value.message


def test_nothing_waits_but_what_could_be_a_match(guarded, model):
    """Each event is with the client before the next is sent: none waits for another."""
    model.wait = threading.Semaphore(0)
    chunks = 0
    for chunk in ask_chat(guarded(), stream=True):
        chunks += 1
        model.wait.release()
        if chunk.choices[0].finish_reason:
            model.wait.release()
    assert chunks > 20


def ask_anything(proxy, api, **more):
    if api == "messages":
        return anthropic_client(proxy).messages.create(**MESSAGE, **more)
    return (ask_chat if api == "chat" else ask_responses)(proxy, **more)


@pytest.mark.parametrize("api", ["chat", "responses", "messages"])
def test_a_used_up_budget_is_the_apis_error(guarded, model, api):
    proxy = guarded({"budget": {"tokens": 24}})
    ask_anything(proxy, api)
    with pytest.raises((openai.RateLimitError, anthropic.RateLimitError)) as error:
        ask_anything(proxy, api)
    body = error.value.body.get("error", error.value.body)
    assert body["type"] == ("rate_limit_error" if api == "messages" else "insufficient_quota")
    assert len(model.requests) == 1
    assert 0 < int(error.value.response.headers["retry-after"]) <= 86_400
    # Another key has a budget of its own; with retries as they are by default, nobody asks twice.
    if api == "chat":
        other = openai.OpenAI(base_url=f"{proxy.url}/v1", api_key="sk-other", timeout=20)
        other.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello."}])
        with pytest.raises(openai.RateLimitError):
            other.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello."}])
        assert len(model.requests) == 2
        refused = lambda: proxy.log().count("refused, the budget is used up")  # noqa: E731
        until(lambda: refused() >= 2, "both refusals are in the log")
        assert refused() == 2


@pytest.mark.parametrize("api", ["chat", "responses", "messages"])
def test_a_stream_over_its_budget_halts(guarded, api):
    proxy = guarded({"budget": {"tokens": 17, "counts": "output", "streams": "halt"}})
    said, code = "", None
    try:
        for event in ask_anything(proxy, api, stream=True):
            if api == "chat":
                said += event.choices[0].delta.content or ""
            elif event.type == "response.output_text.delta":
                said += event.delta
            elif event.type == "content_block_delta" and event.delta.type == "text_delta":
                said += event.delta.text
            elif event.type == "response.failed":
                code = event.response.error.code
    except (openai.APIError, anthropic.APIStatusError) as error:
        code = getattr(error, "code", None) or error.body["error"]["type"]
    assert code == {"chat": "insufficient_quota", "responses": "rate_limit_exceeded", "messages": "rate_limit_error"}[api]
    assert REDACTED.startswith(said)
    until_logged(proxy, "halted because the budget is used up")


def test_a_client_that_leaves_has_paid(guarded, model):
    proxy = guarded({"budget": {"tokens": 17, "counts": "output"}})
    model.size = 1
    with openai_client(proxy).chat.completions.create(
        model="m", messages=[{"role": "user", "content": "Hello."}], stream=True
    ) as stream:
        for _, chunk in zip(range(1000), stream):
            if chunk.choices[0].delta.tool_calls and chunk.choices[0].delta.tool_calls[0].function.arguments == "n":
                break
        # What it has got is paid once the next event comes.
        next(stream)
    with pytest.raises(openai.RateLimitError):
        ask_chat(proxy)


def test_the_time_to_the_first_token_is_measured(guarded, model):
    proxy = guarded()
    model.before = 0.3
    list(ask_chat(proxy, stream=True))
    until_logged(proxy, "first token after")
    ms = int(re.search(r"first token after (\d+) ms", proxy.log())[1])
    assert 300 <= ms < 5000
