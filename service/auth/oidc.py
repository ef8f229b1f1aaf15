"""Sign-in with OpenID Connect: the authorization code flow with PKCE.

The state, nonce and code verifier of an attempt are kept in a cookie of the browser that started it. No other module
imports authlib.
"""

import secrets
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from deskyard.auth.oidc_identities import Identity
from deskyard.errors import AccessDenied, ExtraMissing, StoreUnreachable
from deskyard.settings import Settings

STATE_COOKIE: Final = "deskyard_oidc"
CALLBACK_PATH: Final = "/sign-in/oidc/callback"
"""The path that the provider redirects to; `DESKYARD_PUBLIC_URL` followed by it is registered at the provider."""

TIMEOUT: Final = 10.0
"""Seconds for one request to the provider."""

_LEEWAY: Final = 60
"""Seconds by which the clocks may differ."""

_ALGORITHMS: Final = ["RS256", "ES256", "PS256", "EdDSA"]


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenID Connect provider; `name_claim` is the claim that holds the name of the user here."""

    issuer: str
    client_id: str
    client_secret: str
    name_claim: str
    redirect_uri: str

    @classmethod
    def from_settings(cls, app_settings: Settings) -> Self | None:
        """The provider in the settings; None if there is none, or not all that it needs (`Settings.oidc_missing`)."""
        if not app_settings.oidc_issuer or app_settings.oidc_missing:
            return None
        return cls(
            issuer=app_settings.oidc_issuer.rstrip("/"),
            client_id=app_settings.oidc_client_id,
            client_secret=app_settings.oidc_client_secret,
            name_claim=app_settings.oidc_claim,
            redirect_uri=app_settings.public_url.rstrip("/") + CALLBACK_PATH,
        )

    def start_sign_in(self) -> tuple[str, str]:
        """The address to redirect the browser to, and the attempt to keep in its cookie. Raises StoreUnreachable."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        with self._oauth_session() as session:
            metadata = self._discover(session)
            address, _ = session.create_authorization_url(
                metadata["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
            )
        return str(address), f"{state}.{nonce}.{verifier}"

    def verify_callback(self, attempt: str, address: str) -> Identity:
        """The person who signed in, from the attempt in the cookie and the `address` of the callback.

        Raises AccessDenied if the attempt was not started here or the provider's answer is not valid, and
        StoreUnreachable.
        """
        state, _, rest = attempt.partition(".")
        nonce, _, verifier = rest.partition(".")
        answer = parse_qs(urlsplit(address).query)
        if not verifier or not secrets.compare_digest(answer.get("state", [""])[0], state):
            raise AccessDenied("this sign-in was not started in this browser, or too long ago: start again")
        if "code" not in answer:
            raise AccessDenied(f"the provider refused the sign-in: {answer.get('error', ['no reason'])[0][:100]}")
        with self._oauth_session() as session:
            metadata = self._discover(session)
            claims = self._verified_claims(session, metadata, answer["code"][0], nonce, verifier)
        name, subject = claims.get(self.name_claim), claims.get("sub")
        is_verified = self.name_claim != "email" or claims.get("email_verified") is True
        if not isinstance(name, str) or not name or not is_verified:
            raise AccessDenied(f"the provider did not send your name (claim {self.name_claim}): ask its administrator")
        if not isinstance(subject, str) or not subject:
            raise AccessDenied("the provider did not say who you are (claim sub): ask its administrator")
        return Identity(self.issuer, subject, name)

    def _verified_claims(
        self, session: Any, metadata: dict[str, Any], code: str, nonce: str, verifier: str
    ) -> dict[str, Any]:
        from authlib.common.errors import AuthlibBaseError
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet
        from requests import RequestException

        try:
            token = session.fetch_token(
                metadata["token_endpoint"], code=code, code_verifier=verifier, grant_type="authorization_code",
                timeout=TIMEOUT,
            )  # fmt: skip
            keys = KeySet.import_key_set(session.get(metadata["jwks_uri"], timeout=TIMEOUT, withhold_token=True).json())
            decoded = jwt.decode(token["id_token"], keys, algorithms=_ALGORITHMS)
            options = {"iss": {"values": [self.issuer, self.issuer + "/"]}, "aud": {"values": [self.client_id]}}
            expected = {"nonce": nonce, "client_id": self.client_id, "access_token": token.get("access_token")}
            claims = CodeIDToken(decoded.claims, decoded.header, options, expected)
            claims.validate(leeway=_LEEWAY)
        except RequestException as error:
            raise StoreUnreachable(f"{self.issuer} does not answer ({type(error).__name__})", 5.0) from error
        except (AuthlibBaseError, JoseError, KeyError, ValueError) as error:
            raise AccessDenied(f"the answer of {self.issuer} is not valid ({type(error).__name__})") from error
        return dict(claims)

    def _discover(self, session: Any) -> dict[str, Any]:
        from requests import RequestException

        try:
            answer = session.get(
                f"{self.issuer}/.well-known/openid-configuration", timeout=TIMEOUT, withhold_token=True
            )
            answer.raise_for_status()
            metadata = dict(answer.json())
        except (RequestException, ValueError) as error:
            raise StoreUnreachable(f"{self.issuer} does not answer ({type(error).__name__})", 5.0) from error
        if str(metadata.get("issuer", "")).rstrip("/") != self.issuer:
            raise AccessDenied(f"{self.issuer} names another issuer: correct DESKYARD_OIDC_ISSUER")
        return metadata

    def _oauth_session(self) -> Any:
        try:
            from authlib.integrations.requests_client import OAuth2Session
        except ModuleNotFoundError as error:
            raise ExtraMissing("sign-in with OpenID Connect needs authlib: pip install 'deskyard[oidc]'.") from error
        return OAuth2Session(
            self.client_id,
            self.client_secret,
            scope="openid profile email",
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
        )
