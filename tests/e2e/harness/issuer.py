"""Who issues tokens: a server with a discovery document and keys, and the tokens that they sign."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm


class Issuer:
    """`status` other than 200 is what it answers instead of its keys."""

    def __init__(self):
        self.private = {"rsa": rsa.generate_private_key(65537, 2048), "ec": ec.generate_private_key(ec.SECP256R1())}
        self.status = 200
        self.asked = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def keys(self):
        kinds = {"rsa": RSAAlgorithm, "ec": ECAlgorithm}
        return {"keys": [{**json.loads(kinds[kid].to_jwk(key.public_key())), "kid": kid} for kid, key in self.private.items()]}

    def token(self, kid="rsa", key=None, **claims):
        """A token of this issuer for the audience `api`. A claim that is None is left out."""
        given = {"iss": self.url, "aud": "api", "sub": "ann", "exp": int(time.time()) + 600, **claims}
        algorithm = {"rsa": "RS256", "ec": "ES256"}[kid]
        return jwt.encode({name: value for name, value in given.items() if value is not None}, key or self.private[kid], algorithm, headers={"kid": kid})

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def _handler(self):
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.asked.append(self.path)
                documents = {
                    "/.well-known/openid-configuration": {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"},
                    "/keys": issuer.keys(),
                }
                status = issuer.status if self.path in documents else 404
                body = json.dumps(documents.get(self.path, {})).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler
