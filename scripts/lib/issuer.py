"""An identity provider on loopback with one RSA key, for scripts; the `openssl` command signs."""

import base64
import contextlib
import http.server
import json
import subprocess
import threading
import time

KEY_NAME = "only"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*words, **options):
    return subprocess.run(["openssl", *words], check=True, capture_output=True, **options).stdout


class Issuer(contextlib.AbstractContextManager):
    """Publishes its discovery document and its key below `path` while it is entered."""

    def __init__(self, folder, path):
        self._key = folder / "issuer.pem"
        options = ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
        openssl("genpkey", *options, "-out", self._key)
        modulus = openssl("rsa", "-in", self._key, "-noout", "-modulus").decode().split("=")[1]
        jwk = {"kid": KEY_NAME, "kty": "RSA", "alg": "RS256", "use": "sig", "e": "AQAB"}
        jwk["n"] = base64url(bytes.fromhex(modulus.strip()))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}{path}"
        self._server.documents = {
            f"{path}/.well-known/openid-configuration": {
                "issuer": self.url,
                "jwks_uri": self.url + "/keys",
            },
            f"{path}/keys": {"keys": [jwk]},
        }

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def token(self, **claims):
        """A token that says `claims`, good for five minutes."""
        claims = {"iss": self.url, "exp": int(time.time()) + 300} | claims
        head = {"alg": "RS256", "kid": KEY_NAME, "typ": "JWT"}
        parts = [base64url(json.dumps(part).encode()) for part in (head, claims)]
        message = ".".join(parts)
        signature = openssl("dgst", "-sha256", "-sign", self._key, input=message.encode())
        return f"{message}.{base64url(signature)}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        document = self.server.documents.get(self.path)
        body = json.dumps(document).encode()
        self.send_response(404 if document is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing is logged."""
