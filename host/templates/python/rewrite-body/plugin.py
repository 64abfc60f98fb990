"""Replaces every occurrence of the setting ``from`` by the setting ``to`` in text and JSON that comes back."""

from tollgate import Plugin, log, request, response, settings


class Interceptor(Plugin):
    def forward_request(self):
        # A compressed body would have to be unpacked first.
        request.accept_identity()

    def return_response(self):
        media_type = (response.field("content-type") or "").lower()
        if not media_type.startswith(("text/", "application/json")):
            return
        coding = response.content_coding()
        if coding:
            log.warn(f"left a body alone that is encoded: {coding}")
            return
        response.map_text(lambda text: text.replace(settings["from"], settings["to"]))
