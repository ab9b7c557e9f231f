"""Secrets that a job needs: sealed when it is put in, so that who reads jobs cannot read them; its runner opens them.

Whoever puts a job in and whoever does it read the key for that from where secrets are kept: Key Vault, or a file.
"""

import base64
import hashlib
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from imagestore.errors import SettingsError
from imagestore.store.secrets import FileSecrets, Secrets

SECRET = "job-secrets"
NO_SECRETS = "neither SECRETS_FILE nor KEY_VAULT is set, with which it is sealed. See docs/security.md."
_NONCE_BYTES = 12
_NOT_OF_THE_JOB = (
    f"The key that came with the job cannot be read here: the secret '{SECRET}' is another one than where the job was "
    "put in, or is new since. Do both read the same SECRETS_FILE or KEY_VAULT? Put it in again."
)


class Sealer:
    """Seals texts and opens them. Every method raises Unavailable, or SettingsError where there is no key."""

    def __init__(self, kept: Secrets) -> None:
        self._kept = kept

    def seal(self, text: str, bound: str) -> str:
        """The text, sealed with AES-256-GCM. Only who names what it is `bound` to can open it."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher(makes=True).encrypt(nonce, text.encode(), bound.encode())
        return base64.b64encode(sealed).decode()

    def opened(self, sealed: str, bound: str, otherwise: str = _NOT_OF_THE_JOB) -> str:
        """The text again. Raises SettingsError, which says `otherwise`, if it was sealed with another key, or bound to
        something else."""
        try:
            data = base64.b64decode(sealed, validate=True)
            cipher = self._cipher(makes=False)
            return cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], bound.encode()).decode()
        except (InvalidTag, ValueError):
            raise SettingsError(otherwise) from None

    def _cipher(self, *, makes: bool) -> AESGCM:
        found = self._kept.get(SECRET)
        if found is None and makes and isinstance(self._kept, FileSecrets):
            found = self._kept.get_or_put(SECRET, secrets.token_urlsafe(32))
        if not found:
            raise SettingsError(
                f"There is no secret '{SECRET}' to seal the key with: see docs/security.md for how to make it."
            )
        return AESGCM(hashlib.sha256(found.encode()).digest())
