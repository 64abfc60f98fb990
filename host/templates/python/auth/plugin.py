"""Lets in who sends ``authorization: Bearer TOKEN``, with TOKEN from the setting ``token``.

The backend doesn't see the field.
"""

import hmac

from tollgate import Plugin, answer, request, settings


class Interceptor(Plugin):
    def forward_request(self):
        sent = request.field_bytes("authorization") or b""
        # In a time that doesn't tell how much of a guess was right.
        if not hmac.compare_digest(sent, f"Bearer {settings['token']}".encode()):
            return answer(401, fields={"www-authenticate": "Bearer"}, text="token required\n")
        request.delete_field("authorization")
