"""People who sign in elsewhere: at an OpenID Connect issuer that a setting allows (OpenID Connect Core 1.0).

The browser is led there and comes back with a code (authorization code with PKCE, `state` and `nonce`); what the issuer
then says of the person is signed. Who somebody is, is `iss` and `sub` together, and never an email address. The
issuer's access tokens are taken too, where a setting says for which audience and scope.
"""

import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from imagestore.accounts.roles import Role
from imagestore.accounts.tokens import Clock, now
from imagestore.errors import SignInRefused, Unavailable

SECRET = "openid-client-secret"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Those with a public key: with a shared one, whoever checks a token could make one."""
_TIMEOUT_S = 10
_READ_EVERY_S = 3600.0
_READ_AGAIN_S = 30.0
_LEEWAY_S = 30
_LONGEST = 16_384
_MOST_BYTES = 1_000_000
_ELSEWHERE = "The sign-in elsewhere was not completed. Begin again here."


@dataclass(frozen=True)
class OpenIdOptions:
    """What the settings say of an issuer. The first has the id ''.

    `roles` has the role for each value of the claim `roles_claim`; `default_role` is for who has none of these, and
    with None they are refused. Access tokens are taken for `audience` and with `scope`; without an audience none is.
    Without a `client_id` nobody signs in there, and the first token makes an account.
    """

    issuer: str
    client_id: str
    name: str = "single sign-on"
    audience: str = ""
    scope: str = "imagestore"
    roles_claim: str = "roles"
    roles: Mapping[str, Role] = field(default_factory=dict)
    default_role: Role | None = None
    id: str = ""

    @property
    def secret(self) -> str:
        """Under which name the client's secret is kept."""
        return f"{SECRET}-{self.id}" if self.id else SECRET

    @property
    def signs_in(self) -> bool:
        """Whether people sign in there."""
        return bool(self.client_id)


@dataclass(frozen=True)
class Started:
    """A sign-in that has begun: where to lead the browser, and what it must bring back."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Identity:
    """Whom the issuer speaks of. `role` is what its claims give, None where they give none."""

    issuer: str
    subject: str
    name: str = ""
    email: str = ""
    role: Role | None = None
    client: str = ""


def fetched(url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A JSON object that the issuer serves. Redirects are not followed. Raises Unavailable."""
    try:
        with requests.get(url, headers=headers, timeout=_TIMEOUT_S, allow_redirects=False, stream=True) as response:
            if response.status_code != 200:
                raise Unavailable(f"asking the OpenID issuer for {url}: status {response.status_code}")
            body = response.raw.read(_MOST_BYTES + 1, decode_content=True)
            if len(body) > _MOST_BYTES:
                raise Unavailable(f"asking the OpenID issuer for {url}: more than {_MOST_BYTES:,} bytes")
        found = json.loads(body)
    except (requests.RequestException, ValueError) as error:
        raise Unavailable(f"asking the OpenID issuer for {url}: {type(error).__name__}") from None
    if not isinstance(found, dict):
        raise Unavailable(f"asking the OpenID issuer for {url}: no JSON object")
    return found


class OpenId:
    """Signs people in at the issuer, and checks its tokens."""

    def __init__(
        self,
        options: OpenIdOptions,
        secret: Callable[[], str | None] = lambda: None,
        clock: Clock = now,
        fetch: Callable[..., dict[str, Any]] = fetched,
    ) -> None:
        self.options = options
        self._secret = secret
        self._clock = clock
        self._fetch = fetch
        self._lock = threading.Lock()
        self._metadata: tuple[dict[str, Any], float] | None = None
        self._keys: tuple[KeySet, float] | None = None

    def start(self, redirect_uri: str) -> Started:
        """Begin a sign-in that comes back to this address. Raises Unavailable."""
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(32)
        url, state = self._session(redirect_uri).create_authorization_url(
            self._endpoint("authorization_endpoint"),
            state=secrets.token_urlsafe(32),
            code_verifier=verifier,
            nonce=nonce,
        )
        return Started(url, state, nonce, verifier)

    def finish(self, started: Started, redirect_uri: str, answer: Mapping[str, str]) -> Identity:
        """Who has signed in, by the parameters with which the browser came back.

        Raises SignInRefused, or Unavailable.
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), started.state.encode()):
            raise SignInRefused(_ELSEWHERE)
        names_itself = self._known_metadata().get("authorization_response_iss_parameter_supported") is True
        if (names_itself or "iss" in answer) and answer.get("iss") != self.options.issuer:  # RFC 9207
            raise SignInRefused("Another issuer than the one you were led to has answered. Begin again here.")
        if "error" in answer or not answer.get("code"):
            raise SignInRefused(_ELSEWHERE)
        token = self._exchanged(answer["code"], started.verifier, redirect_uri)
        claims = self._checked(str(token.get("id_token", "")), self.options.client_id)
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), started.nonce.encode()):
            raise SignInRefused(_ELSEWHERE)
        parties = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if claims.get("azp", self.options.client_id) != self.options.client_id or (
            len(parties) > 1 and "azp" not in claims
        ):
            raise SignInRefused(_ELSEWHERE)
        return self._identity(self._completed(claims, str(token.get("access_token", ""))))

    def check(self, token: str) -> Identity:
        """Whom an access token of the issuer speaks of. Raises SignInRefused, or Unavailable.

        It must be for our audience and have our scope; the token that says who signed in (an ID token) has none.
        """
        if not self.options.audience:
            raise SignInRefused(REFUSED)
        claims = self._checked(token, self.options.audience)
        given = claims.get("scope", claims.get("scp", ""))
        scopes = given if isinstance(given, list) else str(given).split()
        if self.options.scope not in scopes:
            raise SignInRefused(f"This token does not have the scope '{self.options.scope}'.")
        return self._identity(claims)

    def _exchanged(self, code: str, verifier: str, redirect_uri: str) -> Mapping[str, Any]:
        from authlib.integrations.base_client import OAuthError

        try:
            token: Mapping[str, Any] = self._session(redirect_uri).fetch_token(
                self._endpoint("token_endpoint"),
                grant_type="authorization_code",
                code=code,
                code_verifier=verifier,
                redirect_uri=redirect_uri,
                allow_redirects=False,
            )
        except requests.JSONDecodeError:
            raise SignInRefused(_ELSEWHERE) from None
        except requests.RequestException as error:
            raise Unavailable(f"asking the OpenID issuer for a token: {type(error).__name__}") from None
        except (OAuthError, ValueError):
            raise SignInRefused(_ELSEWHERE) from None
        return token

    def _completed(self, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
        """With what the issuer tells only where it is asked for it (UserInfo)."""
        wanted = {"name", "email"} | ({self.options.roles_claim} if self.options.roles else set())
        if wanted <= claims.keys() or "userinfo_endpoint" not in self._known_metadata() or not access_token:
            return claims
        headers = {"Authorization": f"Bearer {access_token}"}
        more = self._fetch(self._endpoint("userinfo_endpoint"), headers)
        if more.get("sub") != claims["sub"]:
            raise SignInRefused(_ELSEWHERE)
        return {**more, **claims}

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        given = claims.get(self.options.roles_claim, ())
        values = given if isinstance(given, list) else str(given).split()
        roles = [self.options.roles[str(value)] for value in values if str(value) in self.options.roles]
        email = claims.get("email") or claims.get("preferred_username") or ""
        return Identity(
            issuer=self.options.issuer,
            subject=str(claims["sub"]),
            name=str(claims.get("name") or ""),
            email=str(email),
            role=max(roles, key=lambda role: role.rank) if roles else None,
            client=str(claims.get("azp") or claims.get("client_id") or claims.get("appid") or ""),
        )

    def _checked(self, token: str, audience: str) -> dict[str, Any]:
        try:
            if len(token) > _LONGEST:
                raise SignInRefused(REFUSED)
            decoded = jwt.decode(token, self._key_of, ALGORITHMS)
            jwt.JWTClaimsRegistry(
                now=int(self._clock().timestamp()),
                leeway=_LEEWAY_S,
                iss={"essential": True, "value": self.options.issuer},
                aud={"essential": True, "value": audience},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
            ).validate(decoded.claims)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            raise SignInRefused(REFUSED) from None
        if not isinstance(decoded.claims["sub"], str) or not decoded.claims["sub"]:
            raise SignInRefused(REFUSED)
        return decoded.claims

    def _key_of(self, token: Any) -> Any:
        kid = token.headers().get("kid")
        for age_s in (_READ_EVERY_S, _READ_AGAIN_S):
            keys = [key for key in self._known_keys(age_s).keys if key.get("use", "sig") == "sig"]
            matching = [key for key in keys if key.kid == kid] if kid is not None else keys
            if len(matching) == 1:
                return matching[0]
        raise SignInRefused(REFUSED)

    def _session(self, redirect_uri: str) -> Any:
        from authlib.integrations.requests_client import OAuth2Session  # only the web app has this package

        secret = self._secret()
        methods = self._known_metadata().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        method = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
        return OAuth2Session(
            self.options.client_id,
            secret,
            token_endpoint_auth_method=method if secret else "none",
            scope="openid profile email",
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            default_timeout=_TIMEOUT_S,
        )

    def _endpoint(self, name: str) -> str:
        url = self._known_metadata().get(name)
        secure = isinstance(url, str) and urlsplit(url).scheme == urlsplit(self.options.issuer).scheme
        if not isinstance(url, str) or not secure:
            raise Unavailable(f"the OpenID issuer names no {name} that can be used")
        return url

    def _known_metadata(self) -> dict[str, Any]:
        with self._lock:
            if self._metadata is None or time.monotonic() - self._metadata[1] > _READ_EVERY_S:
                found = self._fetch(f"{self.options.issuer.rstrip('/')}/.well-known/openid-configuration")
                if found.get("issuer") != self.options.issuer:
                    raise Unavailable(
                        f"OIDC_ISSUER is '{self.options.issuer}', and what is there calls itself "
                        f"'{str(found.get('issuer'))[:200]}'"
                    )
                self._metadata = found, time.monotonic()
            return self._metadata[0]

    def _known_keys(self, age_s: float) -> KeySet:
        url = self._endpoint("jwks_uri")
        with self._lock:
            if self._keys is None or time.monotonic() - self._keys[1] > age_s:
                found: Any = self._fetch(url)
                try:
                    self._keys = KeySet.import_key_set(found), time.monotonic()
                except (JoseError, ValueError, TypeError, KeyError):
                    raise Unavailable("the OpenID issuer's keys cannot be read") from None
            return self._keys[0]


REFUSED = "This token is not one that is taken here, or has expired."
