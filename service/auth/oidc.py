"""Signing in elsewhere: OpenID Connect's authorization code flow with PKCE, for whoever has a provider.

In come the provider's address and what it says of somebody; out goes the name that it vouches for. What belongs to one
attempt (state, nonce, verifier) stays with the browser that made it. The only module that imports authlib.
"""

import secrets
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from deskyard.errors import AccessDenied, BadInput, ExtraMissing, StoreUnreachable
from deskyard.settings import Settings

STATE_COOKIE: Final = "deskyard_oidc"
CALLBACK_PATH: Final = "/sign-in/back"
"""Where the provider sends people back to; its administrator enters `DESKYARD_PUBLIC_URL` and this."""

TIMEOUT: Final = 10.0
_LEEWAY: Final = 60
_ALGORITHMS: Final = ["RS256", "ES256", "PS256", "EdDSA"]


@dataclass(frozen=True, slots=True)
class Provider:
    """Who vouches for people; `name` is the claim that holds the name they have here."""

    issuer: str
    client_id: str
    client_secret: str
    name_claim: str
    redirect_uri: str

    @classmethod
    def from_settings(cls, app_settings: Settings) -> Self | None:
        """The provider of the settings; None where there is none. Raises BadInput for half of one."""
        if not app_settings.oidc_issuer:
            return None
        if not (app_settings.oidc_client and app_settings.public_url):
            raise BadInput("DESKYARD_OIDC_ISSUER needs DESKYARD_OIDC_CLIENT and DESKYARD_PUBLIC_URL, too")
        back = app_settings.public_url.rstrip("/") + CALLBACK_PATH
        issuer = app_settings.oidc_issuer.rstrip("/")
        return cls(issuer, app_settings.oidc_client, app_settings.oidc_secret, app_settings.oidc_claim, back)

    def start_sign_in(self) -> tuple[str, str]:
        """Where a browser goes to sign in, and what it keeps meanwhile. Raises StoreUnreachable."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        with self._oauth_session() as session:
            about = self._discover(session)
            address, _ = session.create_authorization_url(
                about["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
            )
        return str(address), f"{state}.{nonce}.{verifier}"

    def verify_callback(self, attempt: str, address: str) -> str:
        """The name that the provider vouches for, as the browser comes back to `address` with what it kept.

        Raises NotAllowed for anything that was not begun here or does not prove right, and StoreUnreachable.
        """
        state, _, rest = attempt.partition(".")
        nonce, _, verifier = rest.partition(".")
        answer = parse_qs(urlsplit(address).query)
        if not verifier or not secrets.compare_digest(answer.get("state", [""])[0], state):
            raise AccessDenied("this sign-in was not begun here, or long ago: begin again")
        if "code" not in answer:
            raise AccessDenied(f"the provider did not let you in: {answer.get('error', ['no reason'])[0][:100]}")
        with self._oauth_session() as session:
            about = self._discover(session)
            claims = self._verified_claims(session, about, answer["code"][0], nonce, verifier)
        name = claims.get(self.name_claim)
        if not isinstance(name, str) or not name or (self.name_claim == "email" and not claims.get("email_verified")):
            raise AccessDenied(
                f"the provider does not say who you are ({self.name_claim}): its administrator can change that"
            )
        return name

    def _verified_claims(
        self, session: Any, about: dict[str, Any], code: str, nonce: str, verifier: str
    ) -> dict[str, Any]:
        from authlib.common.errors import AuthlibBaseError
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet
        from requests import RequestException

        try:
            token = session.fetch_token(
                about["token_endpoint"], code=code, code_verifier=verifier, grant_type="authorization_code",
                timeout=TIMEOUT,
            )  # fmt: skip
            keys = KeySet.import_key_set(session.get(about["jwks_uri"], timeout=TIMEOUT, withhold_token=True).json())
            found = jwt.decode(token["id_token"], keys, algorithms=_ALGORITHMS)
            options = {"iss": {"values": [self.issuer, self.issuer + "/"]}, "aud": {"values": [self.client_id]}}
            asked = {"nonce": nonce, "client_id": self.client_id, "access_token": token.get("access_token")}
            claims = CodeIDToken(found.claims, found.header, options, asked)
            claims.validate(leeway=_LEEWAY)
        except RequestException as error:
            raise StoreUnreachable(f"{self.issuer} does not answer ({type(error).__name__})", 5.0) from error
        except (AuthlibBaseError, JoseError, KeyError, ValueError) as error:
            raise AccessDenied(f"what {self.issuer} says does not prove right ({type(error).__name__})") from error
        return dict(claims)

    def _discover(self, session: Any) -> dict[str, Any]:
        from requests import RequestException

        try:
            answer = session.get(
                f"{self.issuer}/.well-known/openid-configuration", timeout=TIMEOUT, withhold_token=True
            )
            answer.raise_for_status()
            about = dict(answer.json())
        except (RequestException, ValueError) as error:
            raise StoreUnreachable(f"{self.issuer} does not answer ({type(error).__name__})", 5.0) from error
        if str(about.get("issuer", "")).rstrip("/") != self.issuer:
            raise AccessDenied(f"{self.issuer} calls itself something else: correct DESKYARD_OIDC_ISSUER")
        return about

    def _oauth_session(self) -> Any:
        try:
            from authlib.integrations.requests_client import OAuth2Session
        except ModuleNotFoundError as error:
            raise ExtraMissing("signing in elsewhere needs authlib: pip install 'deskyard[oidc]'.") from error
        return OAuth2Session(
            self.client_id,
            self.client_secret,
            scope="openid profile email",
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
        )
