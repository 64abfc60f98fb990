"""What a browser does with a request to another origin: the CORS protocol of the Fetch standard.

Written from the standard, section "HTTP extensions / CORS protocol" and the algorithms "CORS check" and
"CORS-preflight fetch"; it knows nothing of the plugin that answers.
"""

import http.client
import urllib.parse

SIMPLE_METHODS = {"GET", "HEAD", "POST"}
SIMPLE_FIELDS = {"accept", "accept-language", "content-language"}
SIMPLE_TYPES = {"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}
READABLE_FIELDS = {
    "cache-control",
    "content-language",
    "content-length",
    "content-type",
    "expires",
    "last-modified",
    "pragma",
}


class Blocked(Exception):
    """The script gets no response; the text says which rule forbids it."""


class Answer:
    """A response, raw."""

    def __init__(self, response):
        self.status = response.status
        self.fields = [(name.lower(), value) for name, value in response.getheaders()]
        self.body = response.read()

    def all(self, name):
        return [value for key, value in self.fields if key == name]

    def tokens(self, name):
        return {token.strip() for value in self.all(name) for token in value.split(",") if token.strip()}


class Visible:
    """What the script may see of a response."""

    def __init__(self, answer, credentials):
        exposed = {name.lower() for name in answer.tokens("access-control-expose-headers")}
        everything = "*" in exposed and not credentials
        self.status = answer.status
        self.body = answer.body
        self.fields = {
            name: value
            for name, value in answer.fields
            if name != "set-cookie" and (everything or name in READABLE_FIELDS | exposed)
        }


class Browser:
    """A page of `origin` that calls the server at `url`."""

    def __init__(self, url, origin):
        self._authority = urllib.parse.urlsplit(url).netloc
        self._origin = origin
        self.preflights = []

    def fetch(self, method, target, fields=None, body=None, credentials=False):
        """fetch() of a script, `credentials` as in credentials: "include". Raises Blocked where a browser does."""
        fields = {name.lower(): value for name, value in (fields or {}).items()}
        unsafe = sorted(name for name, value in fields.items() if not is_safe(name, value))
        if method not in SIMPLE_METHODS or unsafe:
            self._preflight(method, target, unsafe, credentials)
        answer = self._send(method, target, {**fields, "origin": self._origin}, body)
        self._check(answer, credentials)
        return Visible(answer, credentials)

    def _preflight(self, method, target, unsafe, credentials):
        asked = {"origin": self._origin, "accept": "*/*", "access-control-request-method": method}
        if unsafe:
            asked["access-control-request-headers"] = ",".join(unsafe)
        answer = self._send("OPTIONS", target, asked, None)
        self.preflights.append(answer)
        self._check(answer, credentials)
        if not 200 <= answer.status <= 299:
            raise Blocked(f"the preflight was answered with {answer.status}")
        methods = answer.tokens("access-control-allow-methods")
        if method not in methods | SIMPLE_METHODS and ("*" not in methods or credentials):
            raise Blocked(f"the method {method} is not in {sorted(methods)}")
        names = {name.lower() for name in answer.tokens("access-control-allow-headers")}
        wildcard = "*" in names and not credentials
        for name in unsafe:
            if name not in names and (not wildcard or name == "authorization"):
                raise Blocked(f"the field {name} is not in {sorted(names)}")

    def _check(self, answer, credentials):
        allowed = answer.all("access-control-allow-origin")
        if len(allowed) != 1:
            raise Blocked(f"access-control-allow-origin is there {len(allowed)} times: {allowed}")
        if allowed[0] == "*" and not credentials:
            return
        if allowed[0] != self._origin:
            raise Blocked(f"access-control-allow-origin is {allowed[0]}")
        if credentials and answer.all("access-control-allow-credentials") != ["true"]:
            raise Blocked("access-control-allow-credentials is not true")

    def _send(self, method, target, fields, body):
        connection = http.client.HTTPConnection(self._authority, timeout=30)
        try:
            connection.request(method, target, body, fields)
            return Answer(connection.getresponse())
        finally:
            connection.close()


def is_safe(name, value):
    """Whether a field needs no preflight ("CORS-safelisted request-header")."""
    if name == "content-type":
        return value.split(";")[0].strip().lower() in SIMPLE_TYPES
    return name in SIMPLE_FIELDS
