"""The tour of the contract: reads a setting, sets a field both ways, answers one path itself, edits JSON, logs."""

from tollgate import (
    BodyError,
    Error,
    FieldError,
    Plugin,
    answer,
    log,
    quote_json,
    replace_json_member,
    request,
    response,
    settings,
)


class Interceptor(Plugin):
    def forward_request(self):
        mark = settings.get("mark", "none")
        log.info(f"forward {request.method} {request.target}")
        set_mark(request, mark)
        if request.path == "/tour":
            return answer(text=f"tour: {mark}\n")

    def return_response(self):
        mark = settings.get("mark", "none")
        set_mark(response, mark)
        if (response.field("content-type") or "").startswith("application/json"):
            edit_greeting(mark)
        log.info(f"return {response.status}")


def set_mark(message, mark):
    try:
        message.set_field("x-tour", mark)
    except FieldError:
        raise Error("x-tour: refused") from None


def edit_greeting(mark):
    try:
        body = response.body()
    except BodyError:
        log.warn("body: not available")
        return
    edited = replace_json_member(body, "greeting", quote_json(mark))
    if edited is not None:
        response.set_body(edited)
