"""Access tokens (JWT, RFC 7519) that programs get for their key: signed here, checked here, good for ten minutes.

They are signed with HS256 by a secret that no other program has. The algorithm is fixed: what a token says of itself
chooses one of our keys by its `kid`, and nothing else. Two keys can be live, the first of which signs.
"""

import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from imagestore.accounts.roles import Role
from imagestore.accounts.tokens import ALGORITHM, Clock, new_signing_keys, now
from imagestore.errors import SignInRefused, Unavailable
from imagestore.store.secrets import FileSecrets, Secrets

SECRET = "signing-keys"
LASTS = timedelta(minutes=10)
ADDRESS_LASTS = timedelta(hours=1)
AUDIENCE = "imagestore-api"
_READ_EVERY_S = 300.0
_READ_AGAIN_S = 30.0
_LONGEST = 4096


@dataclass(frozen=True)
class Claims:
    """What a token says: whose key it was made with, and the most that it allows."""

    key: str
    role: Role


class SigningKeys:
    """The live keys, read from where secrets are kept and kept for five minutes."""

    def __init__(self, read: Callable[[], str | None]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._keys: KeySet | None = None
        self._read_at = float("-inf")

    def current(self) -> KeySet:
        """The keys, the first of which signs. Raises Unavailable where there are none."""
        return self._known(_READ_EVERY_S)

    def with_id(self, kid: str) -> OctKey | None:
        """The key with this id, None if there is none; one that was made a moment ago is found. Raises Unavailable."""
        for age_s in (_READ_EVERY_S, _READ_AGAIN_S):
            for key in self._known(age_s).keys:
                if key.kid == kid and isinstance(key, OctKey):
                    return key
        return None

    def _known(self, age_s: float) -> KeySet:
        with self._lock:
            if self._keys is None or time.monotonic() - self._read_at > age_s:
                text = self._read()
                if not text:
                    raise Unavailable(f"there is no secret '{SECRET}' to sign tokens with (docs/security.md)")
                self._keys = KeySet.import_key_set(json.loads(text))
                self._read_at = time.monotonic()
            return self._keys


def keys_in(secrets: Secrets) -> SigningKeys:
    """The keys that are kept there. A file that has none is given one."""

    def read() -> str | None:
        found = secrets.get(SECRET)
        if found is None and isinstance(secrets, FileSecrets):
            found = secrets.get_or_put(SECRET, new_signing_keys())
        return found

    return SigningKeys(read)


def keys_of_this_process() -> SigningKeys:
    """Keys that nobody else knows and that end with this process."""
    made = new_signing_keys()
    return SigningKeys(lambda: made)


class SignedAddresses:
    """Addresses that lead to one thing for a while, without a key: `path` with what is signed as its query."""

    def __init__(self, keys: SigningKeys, clock: Clock = now) -> None:
        self._keys = keys
        self._clock = clock

    def sign(self, path: str, lasts: timedelta = ADDRESS_LASTS) -> str:
        """The query that lets whoever has it read what is at `path`. Raises Unavailable."""
        key = self._keys.current().keys[0]
        until = int((self._clock() + lasts).timestamp())
        return f"until={until}&key={key.kid}&signature={self._signature(key, path, until)}"

    def is_good(self, path: str, until: str, key: str, signature: str) -> bool:
        """Whether such a query is ours, for this path, and not over. Raises Unavailable."""
        signing = self._keys.with_id(key)
        if signing is None or not until.isdecimal() or len(until) > 12:
            return False
        is_ours = hmac.compare_digest(self._signature(signing, path, int(until)).encode(), signature.encode())
        return is_ours and int(until) > self._clock().timestamp()

    def _signature(self, key: Any, path: str, until: int) -> str:
        secret: bytes = key.raw_value
        said = f"signed address\n{path}\n{until}".encode()
        return hmac.new(secret, said, hashlib.sha256).hexdigest()


class Tokens:
    """Makes and checks tokens."""

    def __init__(self, keys: SigningKeys, issuer: str, clock: Clock = now) -> None:
        self.addresses = SignedAddresses(keys, clock)
        self._keys = keys
        self._issuer = issuer
        self._clock = clock

    def make(self, key: str, subject: str, role: Role) -> str:
        """A token for the program with this key's id. Raises Unavailable."""
        signing = self._keys.current().keys[0]
        moment = int(self._clock().timestamp())
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": subject,
            "client_id": key,
            "scope": str(role),
            "iat": moment,
            "nbf": moment,
            "exp": moment + int(LASTS.total_seconds()),
            "jti": secrets.token_urlsafe(12),
        }
        return jwt.encode({"alg": ALGORITHM, "typ": "at+jwt", "kid": signing.kid}, claims, signing, [ALGORITHM])

    def check(self, token: str) -> Claims:
        """What the token says. Raises SignInRefused if it is not one of ours or has expired, or Unavailable."""
        try:
            if len(token) > _LONGEST:
                raise SignInRefused(_REFUSED)
            decoded = jwt.decode(token, self._key_of, [ALGORITHM])
            if decoded.header.get("typ") != "at+jwt":
                raise SignInRefused(_REFUSED)
            self._registry().validate(decoded.claims)
            return Claims(str(decoded.claims["client_id"]), Role(decoded.claims["scope"]))
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            raise SignInRefused(_REFUSED) from None

    def _key_of(self, token: Any) -> OctKey:
        kid = token.headers().get("kid")
        key = self._keys.with_id(kid) if isinstance(kid, str) else None
        if key is None:
            raise SignInRefused(_REFUSED)
        return key

    def _registry(self) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=int(self._clock().timestamp()),
            leeway=0,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": AUDIENCE},
            sub={"essential": True},
            client_id={"essential": True},
            scope={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )


_REFUSED = "This token is not one of ours, or has expired. Ask for another one at /api/v1/oauth/token."
