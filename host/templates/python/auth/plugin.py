"""Lets in who sends ``authorization: Bearer TOKEN``, with TOKEN from the setting ``token``.

The backend doesn't see the field.
"""

from tollgate import Plugin, answer, request, settings


class Interceptor(Plugin):
    def forward_request(self):
        if request.field("authorization") != f"Bearer {settings['token']}":
            return answer(401, fields={"www-authenticate": "Bearer"}, text="token required\n")
        request.delete_field("authorization")
