"""Replaces every occurrence of the setting ``from`` by the setting ``to`` in text and JSON that comes back."""

from tollgate import Plugin, request, response, settings


class Interceptor(Plugin):
    def forward_request(self):
        # A compressed body would have to be unpacked first.
        request.set_field("accept-encoding", "identity")

    def return_response(self):
        media_type = (response.field("content-type") or "").lower()
        if media_type.startswith(("text/", "application/json")):
            response.map_text(lambda text: text.replace(settings["from"], settings["to"]))
