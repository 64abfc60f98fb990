"""The answer on its way to the client, through the host."""

from __future__ import annotations

import base64
import random
from typing import Any

from tollgate import FieldError, answer, log, response

from .message import Call, EndpointResponse

# The connection and the framing are the host's.
_HOST_ONLY = {"connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}


def send(made: EndpointResponse, call: Call | None = None) -> Any:
    """Makes it the response of the exchange, with the ids that AWS adds."""
    fields: dict[str, Any] = {}
    for name, value in made.fields:
        name = name.lower()
        if name in _HOST_ONLY:
            continue
        known = fields.get(name)
        if known is None:
            fields[name] = [value]
        else:
            known.append(value)
    request_id = call.context["requestId"] if call is not None and call.context else None
    fields.setdefault("x-amzn-requestid", [request_id or new_request_id()])
    fields.setdefault("x-amz-apigw-id", [new_extended_id() if request_id is None or call is None else call.context["extendedRequestId"]])
    status = made.status if 200 <= made.status <= 599 else 502
    try:
        return answer(status, fields=fields, body=made.body)
    except FieldError as error:
        # One value that can't be sent must not lose the whole answer.
        log.warn(f"a header field of the answer is left out: {error}")
    kept = {}
    for name, values in fields.items():
        try:
            response.set_fields({name: values})
            kept[name] = values
        except FieldError:
            continue
    return answer(status, fields=kept, body=made.body)


def new_request_id() -> str:
    """A random UUID."""
    text = f"{random.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[random.getrandbits(2)]}{text[17:20]}-{text[20:]}"


def new_extended_id() -> str:
    """Sixteen characters that look like AWS's."""
    return base64.b64encode(random.randbytes(11)).decode()
