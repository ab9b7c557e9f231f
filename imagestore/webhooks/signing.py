"""Signs what is sent, after Standard Webhooks 1.0 (standardwebhooks.com), so that a receiver knows who sent it."""

import base64
import hashlib
import hmac
import secrets

PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """A new secret: 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed(secret: str, id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that go with a body: its id, the time (seconds since 1970), and HMAC-SHA256 over all three."""
    key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    digest = hmac.new(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": id, "webhook-timestamp": str(timestamp), "webhook-signature": signature}
