"""The plugin llm-guard, seen by the vendors' own clients: what a model says comes without secrets, or ends with the API's error.

The backend is made here and says invented things. It cuts each text into deltas of a few characters.
"""

import gzip
import json
import threading

import anthropic
import openai
import pytest
from conftest import add_header
from harness.waiting import until

SECRET = "AKIAIOSFODNN7EXAMPLE"
CARD = "4111 1111 1111 1111"
SAID = f"The key is {SECRET}, the card {CARD}. Good night."
REDACTED = "The key is [redacted], the card [redacted]. Good night."
ARGUMENTS = json.dumps({"key": SECRET, "note": "a\nb", "number": 4111111111111111})
REDACTED_ARGUMENTS = {"key": "[redacted]", "note": "a\nb", "number": "[redacted]"}

HALTING = {"keywords": ["good night"], "keywords_action": "halt"}
SIZES = pytest.mark.parametrize("size", [1, 3, 7, 1000])


def cut(text, size):
    return [text[at : at + size] for at in range(0, len(text), size)]


def sse(data, named=False):
    name = f"event: {data['type']}\n" if named else ""
    return f"{name}data: {json.dumps(data)}\n\n".encode()


def chat_document():
    call = {"id": "call_1", "type": "function", "function": {"name": "store", "arguments": ARGUMENTS}}
    message = {"role": "assistant", "content": SAID, "refusal": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    usage = {"prompt_tokens": 3, "completion_tokens": 21, "total_tokens": 24}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}


def chat_events(size):
    def chunk(delta, finish=None, **more):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return sse({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more})

    yield chunk({"role": "assistant", "content": ""})
    for part in cut(SAID, size):
        yield chunk({"content": part})
    yield chunk({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "store", "arguments": ""}}]})
    for part in cut(ARGUMENTS, size):
        yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": part}}]})
    yield chunk({}, "stop", usage={"prompt_tokens": 3, "completion_tokens": 21, "total_tokens": 24})
    yield b"data: [DONE]\n\n"


def response_document(status="completed"):
    text = {"type": "output_text", "text": SAID, "annotations": []}
    items = [
        {"type": "message", "id": "m_1", "role": "assistant", "status": "completed", "content": [text]},
        {"type": "function_call", "id": "f_1", "call_id": "call_1", "name": "store", "arguments": ARGUMENTS, "status": "completed"},
    ]
    return {
        "id": "r", "object": "response", "created_at": 1, "model": "m", "status": status, "instructions": "Say good night.",
        "output": items if status == "completed" else [], "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "usage": {"input_tokens": 3, "output_tokens": 21, "total_tokens": 24} if status == "completed" else None,
    }  # fmt: skip


def response_events(size):
    number = iter(range(10_000))

    def event(kind, **more):
        return sse({"type": f"response.{kind}", "sequence_number": next(number), **more}, named=True)

    done = response_document()
    yield event("created", response=response_document("in_progress"))
    for output, item in enumerate(done["output"]):
        text = {"content": []} if item["type"] == "message" else {"arguments": ""}
        yield event("output_item.added", output_index=output, item={**item, **text, "status": "in_progress"})
        place = {"item_id": item["id"], "output_index": output}
        if item["type"] == "message":
            place["content_index"] = 0
            empty = {"type": "output_text", "text": "", "annotations": []}
            yield event("content_part.added", **place, part=empty)
            for part in cut(SAID, size):
                yield event("output_text.delta", **place, delta=part, logprobs=[])
            yield event("output_text.done", **place, text=SAID, logprobs=[])
            yield event("content_part.done", **place, part=item["content"][0])
        else:
            for part in cut(ARGUMENTS, size):
                yield event("function_call_arguments.delta", **place, delta=part)
            yield event("function_call_arguments.done", **place, name="store", arguments=ARGUMENTS)
        yield event("output_item.done", output_index=output, item=item)
    yield event("completed", response=done)


def message_document():
    content = [
        {"type": "text", "text": SAID, "citations": None},
        {"type": "tool_use", "id": "t_1", "name": "store", "input": json.loads(ARGUMENTS)},
    ]
    usage = {"input_tokens": 3, "output_tokens": 21}
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content, "stop_reason": "end_turn",
        "stop_sequence": None, "usage": usage,
    }  # fmt: skip


def message_events(size):
    done = message_document()
    start = {**done, "content": [], "stop_reason": None, "usage": {"input_tokens": 3, "output_tokens": 1}}
    yield sse({"type": "message_start", "message": start}, named=True)
    yield sse({"type": "ping"}, named=True)
    for index, block in enumerate(done["content"]):
        is_text = block["type"] == "text"
        empty = {**block, "text": ""} if is_text else {**block, "input": {}}
        yield sse({"type": "content_block_start", "index": index, "content_block": empty}, named=True)
        for part in cut(SAID if is_text else ARGUMENTS, size):
            delta = {"type": "text_delta", "text": part} if is_text else {"type": "input_json_delta", "partial_json": part}
            yield sse({"type": "content_block_delta", "index": index, "delta": delta}, named=True)
        yield sse({"type": "content_block_stop", "index": index}, named=True)
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    yield sse({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 21}}, named=True)
    yield sse({"type": "message_stop"}, named=True)


APIS = {
    "/v1/chat/completions": (chat_document, chat_events),
    "/v1/responses": (response_document, response_events),
    "/v1/messages": (message_document, message_events),
}


class Model:
    """The backend. Its requests are kept; `size` is that of deltas; `ignores_stream` answers JSON whatever is asked."""

    def __init__(self, origin):
        self.requests = []
        self.size = 3
        self.ignores_stream = False
        self.compresses = False
        self.wait = None
        self.status = 200
        self.url = origin(self.serve).url

    def serve(self, peer):
        while True:
            request = peer.request()
            self.requests.append(request)
            document, events = APIS[request.target]
            asked = json.loads(request.body)
            if self.status != 200:
                self.answer(peer, "application/json", json.dumps({"error": {"message": f"no {SECRET}", "type": "x"}}).encode())
            elif asked.get("stream") and not self.ignores_stream:
                self.stream(peer, events(self.size))
            else:
                self.answer(peer, "application/json", json.dumps(document()).encode())

    def answer(self, peer, kind, body):
        peer.send(b"HTTP/1.1 %d X\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n%s" % (self.status, kind.encode(), len(body), body))

    def stream(self, peer, events):
        coding = b"content-encoding: gzip\r\n" if self.compresses else b""
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n%stransfer-encoding: chunked\r\n\r\n" % coding)
        if self.compresses:
            events = [gzip.compress(b"".join(events))]
        for event in events:
            peer.send(b"%x\r\n%s\r\n" % (len(event), event))
            if self.wait:
                assert self.wait.acquire(timeout=10), "the client never saw what was sent"
        peer.send(b"0\r\n\r\n")


@pytest.fixture
def model(origin):
    return Model(origin)


@pytest.fixture
def guarded(tollgate, model):
    """Starts a proxy with the plugin: guarded(settings)."""
    return lambda settings=None: tollgate(model.url, {**add_header(), "llm-guard": settings or {}})


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
