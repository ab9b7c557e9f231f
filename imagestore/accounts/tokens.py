"""Random secrets that are shown once, and the ids under which what belongs to them is kept."""

import hashlib
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

Clock = Callable[[], datetime]
ALGORITHM = "HS256"
_BYTES = 32
_LIVE = 2
_ID_DIGITS = 32


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


def new_secret(prefix: str = "") -> str:
    """A secret of 256 random bits, for addresses, headers and cookies alike."""
    return prefix + secrets.token_urlsafe(_BYTES)


def new_signing_keys(before: str | None = None) -> str:
    """The secret that signs access tokens, as a JSON Web Key Set: a new key, and the one that signed before.

    What the old one signed stays good as long as it is in the set.
    """
    kept: list[dict[str, Any]] = json.loads(before)["keys"][: _LIVE - 1] if before else []
    made = {"kty": "oct", "alg": ALGORITHM, "use": "sig", "kid": secrets.token_hex(8), "k": new_secret()}
    return json.dumps({"keys": [made, *kept]})


def id_of(kind: str, *parts: str) -> str:
    """The id of the document of this kind that belongs to these values: it tells nothing of a secret among them."""
    text = "\0".join((kind, *parts))
    return f"{kind}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:_ID_DIGITS]}"
