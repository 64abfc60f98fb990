"""The plugin jwt-auth: tokens that PyJWT signs, and a server on loopback that publishes the keys and changes them."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections import Counter

import jwt
import pytest
from conftest import add_header
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from harness.config import free_port
from harness.waiting import until
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
ISSUER = "https://id.example/"

RSA = rsa.generate_private_key(65537, 2048)
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
ED = ed25519.Ed25519PrivateKey.generate()
KEYS = {"rsa": RSA, "p256": P256, "p384": P384, "ed": ED}
ALGORITHMS = {
    "RS256": "rsa", "RS384": "rsa", "RS512": "rsa", "PS256": "rsa", "PS384": "rsa", "PS512": "rsa",
    "ES256": "p256", "ES384": "p384", "EdDSA": "ed",
}  # fmt: skip


def jwk(kid, key):
    kinds = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm, ed25519.Ed25519PrivateKey: OKPAlgorithm}
    algorithm = next(algorithm for kind, algorithm in kinds.items() if isinstance(key, kind))
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig"}


class Issuer:
    """Publishes keys, as a server of its own; `status` other than 200 is an error."""

    def __init__(self, origin, keys=None, address=("127.0.0.1", 0)):
        self.keys = dict(KEYS if keys is None else keys)
        self.status = 200
        self.requests = 0
        self.origin = origin(self.serve, address)
        self.url = f"{self.origin.url}/jwks.json"

    def serve(self, peer):
        while True:
            request = peer.request()
            assert (request.method, request.target) == ("GET", "/jwks.json")
            self.requests += 1
            body = json.dumps({"keys": [jwk(kid, key) for kid, key in self.keys.items()]}).encode()
            head = b"HTTP/1.1 %d X\r\ncontent-type: application/jwk-set+json\r\ncontent-length: %d\r\n\r\n"
            peer.send(head % (self.status, len(body)) + body)


class Backend:
    """Answers 200, and keeps what it got."""

    def __init__(self, origin):
        self.requests = []
        self.url = origin(self.serve).url

    def serve(self, peer):
        while True:
            self.requests.append(peer.request())
            peer.send(OK)


@pytest.fixture
def issuer(origin):
    return Issuer(origin)


@pytest.fixture
def backend(origin):
    return Backend(origin)


@pytest.fixture
def guarded(tollgate, backend):
    """Starts a proxy with the plugin: guarded(url_of_the_keys, settings…)."""

    def start(url, **settings):
        times = {"retry_seconds": 1, "refresh_seconds": 2, "max_age_seconds": 600}
        issuers = [{"issuer": ISSUER, "audience": "api", "jwks": url}]
        plugins = {**add_header(), "jwt-auth": {"issuers": issuers, **times, **settings}}
        allow = f'[plugin.jwt-auth.allow]\nstate = true\nhttp = ["{url}"]\n\n[state]\nstore = "memory"\n'
        return tollgate(backend.url, plugins, config=allow)

    return start


def token(algorithm="ES256", kid=None, key=None, headers=None, **claims):
    kid = kid or ALGORITHMS[algorithm]
    all_claims = {"iss": ISSUER, "aud": "api", "sub": "ann", "exp": time.time() + 600, **claims}
    return jwt.encode(all_claims, key or KEYS[kid], algorithm, headers={"kid": kid, **(headers or {})})


def ask(connect, proxy, text, *fields):
    return connect(proxy).request("GET", "/", f"authorization: Bearer {text}", *fields)


def challenge(response):
    return response.status, response.get("www-authenticate")


def invalid(why):
    return 401, f'Bearer realm="tollgate", error="invalid_token", error_description="{why}"'


def test_tokens_of_every_algorithm_pass(guarded, issuer, backend, connect):
    proxy = guarded(issuer.url)
    for algorithm in ALGORITHMS:
        assert ask(connect, proxy, token(algorithm)).status == 200, algorithm
        # Once more: its signature is remembered.
        assert ask(connect, proxy, token(algorithm)).status == 200, algorithm
    assert len(backend.requests) == 2 * len(ALGORITHMS)


def part(value):
    return base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).rstrip(b"=").decode()


def with_hmac(secret, kid):
    message = f"{part({'alg': 'HS256', 'kid': kid})}.{part({'iss': ISSUER, 'aud': 'api', 'exp': time.time() + 600})}"
    return f"{message}.{part(hmac.new(secret, message.encode(), hashlib.sha256).digest())}"


def test_forged_tokens_do_not(guarded, issuer, backend, connect):
    proxy = guarded(issuer.url)
    good = token()
    assert ask(connect, proxy, good).status == 200
    public = RSA.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    modulus = public.public_numbers().n.to_bytes(256, "big")
    head, claims, signature = good.split(".")
    other = ec.generate_private_key(ec.SECP256R1())
    forged = {
        "the key as a secret": (with_hmac(pem, "rsa"), "the algorithm HS256 is not allowed"),
        "its modulus": (with_hmac(modulus, "rsa"), "the algorithm HS256 is not allowed"),
        "no signature": (f"{part({'alg': 'none'})}.{claims}.", "the algorithm is not supported"),
        "an empty signature": (f"{head}.{claims}.", "the signature is not valid"),
        "zeros": (f"{head}.{claims}.{part(bytes(64))}", "the signature is not valid"),
        "other claims": (f"{head}.{part({'iss': ISSUER, 'aud': 'api', 'exp': 2e9, 'sub': 'root'})}.{signature}", "the signature is not valid"),
        "another key": (token(key=other), "the signature is not valid"),
        "a key that it brings along": (token(kid="x", key=other, headers={"jwk": jwk("x", other)}), "the token is signed with no key of its issuer"),
        "critical": (token(headers={"crit": ["exp"]}), "the token has a critical header parameter"),
        "another issuer": (token(iss="https://id.example"), "the token is of another issuer"),
        "another audience": (token(aud=["web", "app"]), "the token is for another audience"),
        "too late": (token(exp=time.time() - 31), "the token has expired"),
        "too early": (token(nbf=time.time() + 40), "the token is not valid yet"),
    }
    for what, (text, why) in forged.items():
        assert challenge(ask(connect, proxy, text)) == invalid(why), what
    missing = connect(proxy).request("GET", "/")
    assert challenge(missing) == (401, 'Bearer realm="tollgate"')
    assert len(backend.requests) == 1


def test_the_backend_hears_who_it_is_from_the_token_alone(guarded, issuer, backend, connect):
    proxy = guarded(issuer.url, fields={"x-user": "sub", "x-roles": "roles"}, optional=True, forward_token=False)
    spoofed = ["x-user: root", "X_User: root", "X-Roles: admin"]
    assert ask(connect, proxy, token(roles=["a"]), *spoofed).status == 200
    assert connect(proxy).request("GET", "/", *spoofed).status == 200
    assert ask(connect, proxy, token()[:-4] + "AAAA", *spoofed).status == 401
    known, anonymous = backend.requests
    assert (known.get("x-user"), known.get("x-roles"), known.get("x_user")) == ("ann", '["a"]', None)
    assert [anonymous.get(name) for name in ("x-user", "x_user", "x-roles")] == [None] * 3
    assert known.get("authorization") is None


def test_keys_come_and_go(guarded, issuer, connect):
    proxy = guarded(issuer.url)
    old = token("ES256")
    assert ask(connect, proxy, old).status == 200
    new = ec.generate_private_key(ec.SECP256R1())
    issuer.keys = {"new": new}
    # The first token with it has it fetched, once the retry interval is over: that is shorter than the refresh interval.
    until(lambda: ask(connect, proxy, token("ES256", "new", new)).status == 200, "the new key is fetched")
    assert challenge(ask(connect, proxy, old)) == invalid("the token is signed with no key of its issuer")


def test_a_withdrawn_key_is_noticed_without_a_new_one(guarded, issuer, connect):
    proxy = guarded(issuer.url)
    old = token("RS256")
    assert ask(connect, proxy, old).status == 200
    del issuer.keys["rsa"]
    until(lambda: ask(connect, proxy, old).status == 401, "the key is no longer used")
    assert ask(connect, proxy, token("ES256")).status == 200


def test_old_keys_serve_while_the_issuer_fails(guarded, issuer, connect):
    proxy = guarded(issuer.url)
    assert ask(connect, proxy, token()).status == 200
    issuer.status = 500
    deadline = time.monotonic() + 4
    while time.monotonic() < deadline:
        assert ask(connect, proxy, token()).status == 200
    wanted = "could not be fetched: the answer has the status 500, expected 200"
    until(lambda: wanted in proxy.log(), "the log says why")


def test_keys_are_there_before_the_first_request(guarded, issuer, connect):
    proxy = guarded(issuer.url, retry_seconds=600, refresh_seconds=600)
    until(lambda: issuer.requests == 1, "the background asks for the keys")
    assert ask(connect, proxy, token()).status == 200


def test_without_keys_nobody_passes_and_then_everybody_does(guarded, origin, backend, connect):
    port = free_port()
    proxy = guarded(f"http://127.0.0.1:{port}/jwks.json")
    refused = ask(connect, proxy, token())
    assert (refused.status, refused.get("retry-after"), refused.get("www-authenticate")) == (503, "1", None)
    assert backend.requests == []
    Issuer(origin, address=("127.0.0.1", port))
    until(lambda: ask(connect, proxy, token()).status == 200, "the keys are fetched")


def test_keys_that_may_not_be_fetched_are_told(tollgate, issuer, backend, connect):
    plugins = {"jwt-auth": {"issuers": [{"issuer": ISSUER, "audience": "api", "jwks": issuer.url}]}}
    allow = '[plugin.jwt-auth.allow]\nstate = true\nhttp = ["https://id.example/"]\n\n[state]\nstore = "memory"\n'
    proxy = tollgate(backend.url, plugins, config=allow)
    assert ask(connect, proxy, token()).status == 503
    until(lambda: "[plugin.jwt-auth.allow] http" in proxy.log(), "the log says what to add")
    assert issuer.requests == 0


def test_many_clients_at_once_cause_few_requests_for_keys(guarded, issuer, connect):
    proxy = guarded(issuer.url, retry_seconds=600, refresh_seconds=600)
    assert ask(connect, proxy, token()).status == 200
    # The background may have asked at the same time as the first request.
    before = issuer.requests
    assert before <= 2
    counted = Counter()
    unknown = token(kid="unknown", key=P256)

    def many():
        client = connect(proxy)
        for _ in range(40):
            counted[client.request("GET", "/", f"authorization: Bearer {unknown}").status] += 1
            counted[client.request("GET", "/", f"authorization: Bearer {token()}").status] += 1

    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted == {200: 320, 401: 320}
    assert issuer.requests == before


def test_a_secret_needs_no_issuer_to_ask(tollgate, backend, connect):
    secret = "a secret that is long enough for HMAC"
    plugins = {"jwt-auth": {"issuers": [{"issuer": ISSUER, "audience": "*", "secret": secret}], "scopes": ["read"]}}
    allow = '[plugin.jwt-auth.allow]\nstate = true\nhttp = ["https://unused.invalid/"]\n\n[state]\nstore = "memory"\n'
    proxy = tollgate(backend.url, plugins, config=allow)

    def signed(secret, **claims):
        return jwt.encode({"iss": ISSUER, "exp": time.time() + 600, **claims}, secret, "HS256")

    assert ask(connect, proxy, signed(secret, scope="write read")).status == 200
    assert challenge(ask(connect, proxy, signed(secret + ".", scope="read")))[0] == 401
    refused = ask(connect, proxy, signed(secret))
    assert refused.status == 403 and 'error="insufficient_scope"' in refused.get("www-authenticate")
    assert 'scope="read"' in refused.get("www-authenticate")
