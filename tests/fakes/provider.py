"""An OpenID Connect provider for tests: codes are valid once, PKCE is checked, ID tokens are signed.

`wrong` names one thing that it gets wrong.
"""

import hashlib
import time
from base64 import urlsafe_b64encode
from urllib.parse import urlencode

from fastapi import FastAPI, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey


class Provider:
    """`who`: the claims of whoever signs in; at once, as if they had done so before."""

    def __init__(self):
        self.app, self.base = FastAPI(), ""
        self.keys = KeySet([RSAKey.generate_key(2048, {"kid": "1", "use": "sig"}, private=True)])
        self.strange = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"}, private=True)
        self.who = {"preferred_username": "ann", "sub": "17"}
        self.codes, self.wrong = {}, ""
        self.app.get("/.well-known/openid-configuration")(self.about)
        self.app.get("/authorize")(self.authorize)
        self.app.post("/token")(self.token)
        self.app.get("/keys")(lambda: JSONResponse(self.keys.as_dict(private=False)))

    def about(self):
        return {
            "issuer": self.base if self.wrong != "issuer" else "https://evil.example",
            "authorization_endpoint": f"{self.base}/authorize",
            "token_endpoint": f"{self.base}/token",
            "jwks_uri": f"{self.base}/keys",
        }

    async def authorize(self, request: Request):
        params = dict(request.query_params)
        code = f"code-{len(self.codes)}"
        self.codes[code] = params
        return RedirectResponse(f"{params['redirect_uri']}?{urlencode({'code': code, 'state': params['state']})}", 302)

    async def token(self, code: str = Form(), code_verifier: str = Form()):
        params = self.codes.pop(code, None)
        made = urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).rstrip(b"=").decode()
        if params is None or made != params["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.base,
            "aud": params["client_id"] if self.wrong != "audience" else "another",
            "nonce": params["nonce"] if self.wrong != "nonce" else "another",
            "iat": now,
            "exp": now + 300 if self.wrong != "time" else now - 300,
            **self.who,
        }
        key = self.strange if self.wrong == "signature" else self.keys.keys[0]
        header = {"alg": "RS256", "kid": "1"}
        return {"access_token": "t", "token_type": "Bearer", "id_token": jwt.encode(header, claims, key)}
