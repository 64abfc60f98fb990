import base64
import hashlib
import hmac
import json

import jwt
import pytest
from apigateway import auth
from apigateway.auth import key_sets, token
from apigateway.errors import GatewayError, plain
from apigateway.reach import SendFailed
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from world import NOW, World, answer, api, call

ISSUER = "https://id.example/"
POOL = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_abc"
RSA = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
WEAK = rsa.generate_private_key(65537, 1024)
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())


def jwk(kid, key, **more):
    kind = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**json.loads(kind.to_jwk(key.public_key())), "kid": kid, **more}


KEYS = {"keys": [jwk("r", RSA), jwk("p", P256, use="sig"), jwk("weak", WEAK), jwk("p384", P384)]}
CLAIMS = {"iss": ISSUER, "aud": "api", "sub": "ann", "exp": NOW // 1000 + 60}


def signed(algorithm="RS256", key=RSA, kid="r", claims=None, headers=None):
    given = {name: value for name, value in {**CLAIMS, **(claims or {})}.items() if value is not None}
    return jwt.encode(given, key, algorithm, headers={**({"kid": kid} if kid else {}), **(headers or {})})


def raw(header, claims, signature=b""):
    parts = [json.dumps(one).encode() if isinstance(one, dict) else one for one in (header, claims, signature)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@pytest.mark.parametrize(
    ("algorithm", "key", "kid"), [("RS256", RSA, "r"), ("RS384", RSA, "r"), ("RS512", RSA, "r"), ("ES256", P256, "p")]
)
def test_signatures(algorithm, key, kid):
    good = token.read(signed(algorithm, key, kid))
    keys = {one["kid"]: one for one in KEYS["keys"]}
    assert token.verify(good, keys[kid])
    assert not any(token.verify(good, one) for name, one in keys.items() if name != kid)
    head, claims, signature = signed(algorithm, key, kid).split(".")
    changed = raw({"alg": algorithm, "kid": kid}, {**CLAIMS, "sub": "bob"}).split(".")[1]
    assert not token.verify(token.read(f"{head}.{changed}.{signature}"), keys[kid])
    for damaged in (good.signature[:-1], good.signature + b"\0", b"\0" + good.signature, b"", bytes(len(good.signature)), b"\xff" * len(good.signature)):
        made = token.Token(good.header, good.claims, good.signed, damaged)
        assert not token.verify(made, keys[kid]), damaged


def test_all_of_a_padding_counts():
    """Blocks that end with the right hash, made with the private key: a verifier that parses them takes some."""
    good, key = token.read(signed()), jwk("r", RSA)
    numbers = RSA.private_numbers()
    digest = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(good.signed).digest()

    def made(block):
        number = pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n)
        return token.Token(good.header, good.claims, good.signed, number.to_bytes(256, "big"))

    fill = 256 - len(digest) - 3
    assert token.verify(made(b"\0\1" + b"\xff" * fill + b"\0" + digest), key)
    for block in (
        b"\0\2" + b"\xff" * fill + b"\0" + digest,
        b"\0\1" + b"\xff" * (fill - 1) + b"\xfe\0" + digest,
        b"\0\1" + b"\xff" * 8 + b"\0" + digest + bytes(fill - 8),
        b"\0\1" + b"\xff" * 8 + b"\0" + bytes(fill - 8) + digest,
        b"\0" * (fill + 3) + digest,
    ):
        assert not token.verify(made(block), key), block[:12]


def test_what_is_no_signature():
    keys = KEYS["keys"]
    none = token.read(raw({"alg": "none"}, CLAIMS))
    public = RSA.public_key().public_bytes
    from cryptography.hazmat.primitives import serialization

    secret = public(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    unsigned = raw({"alg": "HS256", "kid": "r"}, CLAIMS).rpartition(".")[0]
    forged = f"{unsigned}." + base64.urlsafe_b64encode(hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
    for made in (none, token.read(forged), token.read(signed("RS256", OTHER)), token.read(signed("RS256", WEAK, "weak")), token.read(signed("PS256"))):
        assert not any(token.verify(made, key) for key in keys), made.header
    # A key that is for something else, or for another algorithm, or broken.
    good = token.read(signed())
    for change in ({"use": "enc"}, {"alg": "RS512"}, {"key_ops": ["sign"]}, {"n": "!"}, {"n": None}, {"e": "AQ"}, {"kty": "EC"}, {"kty": "oct"}):
        assert not token.verify(good, {**jwk("r", RSA), **change}), change


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b",
        "a.b.c.d",
        signed() + "=",
        signed().replace(".", "..", 1),
        " " + signed(),
        "x" * 20_000,
        raw(b"[]", CLAIMS),
        raw(b"{}", b"no JSON"),
        raw({"alg": "RS256", "crit": ["x"]}, CLAIMS),
        raw({"alg": "RS256", "b64": False}, CLAIMS),
        raw(b'{"alg": "none", "alg": "RS256"}', CLAIMS),
        raw(b'{"alg": "RS256"}', b'{"exp": 1, "exp": 9999999999}'),
        raw(b'{"alg": "RS256"}', b'{"exp": NaN}'),
        raw({"alg": "RS256"}, b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}"),
    ],
)
def test_what_is_no_token(text):
    with pytest.raises(token.BadToken):
        token.read(text)


def jwt_call(text, scopes=None, header="authorization", authorizer=None, **configuration):
    given = {"authorizerId": "a1", "name": "jwt", "authorizerType": "JWT", "identitySource": ["$request.header.Authorization"]}
    given["jwtConfiguration"] = {"issuer": ISSUER, "audience": ["api", "other"], **configuration}
    made = api("HTTP", authorizers={"a1": {**given, **(authorizer or {})}})
    doc = {"authorizationType": "JWT", "authorizerId": "a1", "authorizationScopes": scopes or []}
    return call(made, method_doc=doc, headers={header: text} if text is not None else {})


def ask(made, world=None):
    if world is None:
        world = World(jwks={ISSUER: "http://keys"})
        world.answers = lambda *_: answer(KEYS)
    try:
        auth.decide(made, world)
    except GatewayError as error:
        return error.status, error.message
    return None


UNAUTHORIZED = (401, "Unauthorized")


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, None),
        ({"aud": ["x", "other"]}, None),
        ({"aud": None, "client_id": "api"}, None),
        ({"aud": "x", "client_id": "api"}, UNAUTHORIZED),
        ({"aud": None}, UNAUTHORIZED),
        ({"aud": "ap"}, UNAUTHORIZED),
        ({"iss": "https://id.example"}, UNAUTHORIZED),
        ({"iss": None}, UNAUTHORIZED),
        ({"exp": NOW // 1000}, UNAUTHORIZED),
        ({"exp": None}, UNAUTHORIZED),
        ({"nbf": NOW // 1000 + 120}, UNAUTHORIZED),
        ({"nbf": NOW // 1000 - 1}, None),
        ({"iat": NOW // 1000 + 120}, UNAUTHORIZED),
    ],
)
def test_claims_of_http_apis(claims, expected):
    assert ask(jwt_call("Bearer " + signed(claims=claims))) == expected


def test_exp_has_to_be_a_number():
    head, _, _ = signed().split(".")
    for value in ("9999999999", True, [9999999999], {}):
        claims = {**CLAIMS, "exp": value}
        text = f"{head}.{raw({}, claims).split('.')[1]}"
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        signature = RSA.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        made = f"{text}." + base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
        assert ask(jwt_call(made)) == UNAUTHORIZED, value


def test_scopes_of_http_apis():
    for claims, passes in (({"scope": "a b"}, True), ({"scp": ["b"]}, True), ({"scope": "bb"}, False), ({}, False)):
        made = jwt_call(signed(claims=claims), scopes=["b", "c"])
        assert ask(made) == (None if passes else (403, "Forbidden")), claims
    assert jwt_call(signed()).context.get("authorizer") is None
    made = jwt_call(signed(claims={"scope": "a b"}), scopes=["b", "c"])
    ask(made)
    assert made.context["authorizer"]["jwt"]["scopes"] == ["b"] and made.context["authorizer"]["jwt"]["claims"]["sub"] == "ann"


@pytest.mark.parametrize("text", [None, "", "Bearer", "Bearer ", "Basic eDp5", "x", "Bearer Bearer x"])
def test_without_a_token(text):
    assert ask(jwt_call(text)) == UNAUTHORIZED


@pytest.mark.parametrize("change", [{"issuer": None}, {"audience": []}, {"audience": None}, {"audience": "api"}])
def test_an_authorizer_without_issuer_or_audience(change):
    assert ask(jwt_call(signed(), **change))[0] == 500


@pytest.mark.parametrize("said", [SendFailed("unreachable"), answer(b"", 500), answer(b"no"), answer([]), answer({}), answer({"keys": "x"})])
def test_without_keys_nobody_passes(said):
    world = World(jwks={ISSUER: "http://keys"})
    world.answers = lambda *_: said
    assert ask(jwt_call(signed()), world) == (500, "Internal Server Error")


def test_keys_are_kept_and_fetched_again():
    world = World(jwks={ISSUER: "http://keys"})
    world.answers = lambda *_: answer(KEYS)
    for _ in range(3):
        assert ask(jwt_call(signed()), world) is None
    assert len(world.sent) == 1
    # Unknown names of keys: one request in ten seconds, whoever asks.
    for _ in range(5):
        assert ask(jwt_call(signed(kid="x")), world) == UNAUTHORIZED
    assert len(world.sent) == 2
    # They are used for five minutes; then, while the issuer fails, for an hour in all, and never longer.
    world.time += 301_000
    later = {"exp": NOW // 1000 + 9000}
    world.answers = lambda *_: SendFailed("unreachable")
    assert ask(jwt_call(signed(claims=later)), world) is None
    world.time = NOW + 3_599_000
    assert ask(jwt_call(signed(claims=later)), world) is None
    world.time = NOW + 3_601_000
    assert ask(jwt_call(signed(claims=later)), world)[0] == 500


def test_a_withdrawn_key_is_not_used_any_more():
    world = World(jwks={ISSUER: "http://keys"})
    world.answers = lambda *_: answer(KEYS)
    later = {"exp": NOW // 1000 + 9000}
    assert ask(jwt_call(signed(claims=later)), world) is None
    world.answers = lambda *_: answer({"keys": [jwk("new", OTHER)]})
    world.time += 301_000
    assert ask(jwt_call(signed(claims=later)), world) == UNAUTHORIZED
    assert ask(jwt_call(signed(key=OTHER, kid="new", claims=later)), world) is None


def test_where_keys_are():
    world = World()
    about = {"issuer": ISSUER, "jwks_uri": "https://id.example/keys"}
    world.answers = [answer(about), answer(KEYS)]
    assert len(key_sets.keys(ISSUER, None, world)) == 4
    assert [url for _, url, *_ in world.sent] == ["https://id.example/.well-known/openid-configuration", "https://id.example/keys"]
    for wrong in ({**about, "issuer": "https://evil.example/"}, {**about, "jwks_uri": "file:///etc/passwd"}, {}):
        world = World()
        world.answers = [answer(wrong)]
        with pytest.raises(key_sets.NoKeys):
            key_sets.keys(ISSUER, None, world)


COGNITO = {"id": "a1", "name": "pool", "type": "COGNITO_USER_POOLS", "providerARNs": ["arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_abc"]}
ID = {"iss": POOL, "token_use": "id"}


def cognito_call(text, scopes=None, authorizer=None):
    made = api(authorizers={"a1": {**COGNITO, **(authorizer or {})}})
    doc = {"authorizationType": "COGNITO_USER_POOLS", "authorizerId": "a1", "authorizationScopes": scopes}
    return call(made, method_doc=doc, headers={"authorization": text} if text is not None else {})


def ask_pool(made):
    world = World()
    world.answers = lambda *_: answer(KEYS)
    result = ask(made, world)
    assert all(url == "http://mock/us-east-1_abc/.well-known/jwks.json" for _, url, *_ in world.sent)
    return result


@pytest.mark.parametrize(
    ("claims", "scopes", "expected"),
    [
        (ID, None, None),
        ({**ID, "aud": "whoever"}, None, None),
        ({**ID, "token_use": "access"}, None, UNAUTHORIZED),
        ({**ID, "token_use": None}, None, UNAUTHORIZED),
        (ID, ["a"], UNAUTHORIZED),
        ({**ID, "token_use": "access", "scope": "a"}, ["a"], None),
        ({**ID, "token_use": "access", "scope": "b"}, ["a"], UNAUTHORIZED),
        ({**ID, "iss": POOL + "d"}, None, UNAUTHORIZED),
        ({**ID, "exp": NOW // 1000 - 1}, None, (401, "The incoming token has expired")),
    ],
)
def test_user_pools(claims, scopes, expected):
    for prefix in ("", "Bearer "):
        assert ask_pool(cognito_call(prefix + signed(claims=claims), scopes)) == expected


def test_an_expired_token_of_somebody_else_is_not_told_so():
    text = signed(key=OTHER, claims={**ID, "exp": NOW // 1000 - 1})
    assert ask_pool(cognito_call(text)) == UNAUTHORIZED


def test_claims_in_the_context():
    made = cognito_call(signed(claims={**ID, "cognito:groups": ["x", "y"], "email_verified": True}))
    assert ask_pool(made) is None
    claims = made.context["authorizer"]["claims"]
    assert (claims["cognito:groups"], claims["email_verified"], claims["sub"]) == ("[x y]", "true", "ann")


@pytest.mark.parametrize("arns", [None, [], ["us-east-1_abc"], ["arn:aws:cognito-idp:us-east-1:1:userpool/a/b"]])
def test_a_pool_that_is_none(arns):
    assert ask(cognito_call(signed(claims=ID), authorizer={"providerARNs": arns}), World())[0] == 500


def challenge(made, world):
    with pytest.raises(GatewayError) as error:
        auth.decide(made, world)
    return error.value.status, dict(plain(error.value).fields).get("www-authenticate")


def test_a_refusal_of_an_http_api_names_its_scheme():
    world = World(jwks={ISSUER: "http://keys"})
    world.answers = lambda *_: answer(KEYS)
    authorizer = {"authorizerType": "JWT", "jwtConfiguration": {"issuer": ISSUER, "audience": ["api"]}}

    def asked(headers, **doc):
        made = api("HTTP", authorizers={"a": authorizer})
        return call(made, method_doc={"authorizationType": "JWT", "authorizerId": "a", **doc}, headers=headers)

    assert challenge(asked({}), world) == (401, "Bearer")
    assert challenge(asked({"authorization": "Bearer x"}), world) == (401, 'Bearer error="invalid_token"')
    good = {"authorization": "Bearer " + signed()}
    assert challenge(asked(good, authorizationScopes=["a", "b"]), world) == (403, 'Bearer scope="a b" error="insufficient_scope"')
    auth.decide(asked(good), world)
    # What can't go into a field is left out of it.
    assert challenge(asked(good, authorizationScopes=['a"', "b\nc", "d"]), world)[1] == 'Bearer scope="d" error="insufficient_scope"'
