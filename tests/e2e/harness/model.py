"""A backend that answers as language models do: three APIs, streamed and whole. What it says is invented, and has secrets in it."""

import gzip
import json
import time

SECRET = "AKIAIOSFODNN7EXAMPLE"
CARD = "4111 1111 1111 1111"
SAID = f"The key is {SECRET}, the card {CARD}. Good night."
REDACTED = "The key is [redacted], the card [redacted]. Good night."
ARGUMENTS = json.dumps({"key": SECRET, "note": "a\nb", "number": 4111111111111111})
REDACTED_ARGUMENTS = {"key": "[redacted]", "note": "a\nb", "number": "[redacted]"}


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
    """The backend. Its requests are kept; `size` is that of deltas; `ignores_stream` answers JSON whatever is asked.

    `before` is how many seconds a stream waits before its first event.
    """

    def __init__(self, origin):
        self.requests = []
        self.size = 3
        self.ignores_stream = False
        self.compresses = False
        self.wait = None
        self.before = 0
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
        time.sleep(self.before)
        for event in events:
            peer.send(b"%x\r\n%s\r\n" % (len(event), event))
            if self.wait:
                assert self.wait.acquire(timeout=10), "the client never saw what was sent"
        peer.send(b"0\r\n\r\n")
