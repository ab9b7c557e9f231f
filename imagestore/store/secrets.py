"""Secrets of the web app: in Key Vault in Azure, in a file that nobody else can read on a laptop."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any, Protocol

from imagestore.errors import NotFound, SettingsError
from imagestore.store.connect import identity
from imagestore.store.connection import Connection
from imagestore.store.failures import translated


class Secrets(Protocol):
    """Texts by name. Reading raises Unavailable."""

    def get(self, name: str) -> str | None:
        """The secret of this name, None if there is none."""


class FileSecrets:
    """Secrets in a file of mode 0600, as JSON."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, name: str) -> str | None:
        """The secret of this name, None if there is none. Raises SettingsError where others can read the file."""
        value = self._all().get(name)
        return None if value is None else str(value)

    def put(self, name: str, value: str) -> None:
        """Keep a secret. Raises SettingsError."""
        secrets = self._all() | {name: value}
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, written = tempfile.mkstemp(dir=self._path.parent, prefix=f"{self._path.name}.")  # of mode 0600
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(secrets, file)
        os.replace(written, self._path)

    def _all(self) -> dict[str, Any]:
        try:
            mode = self._path.stat().st_mode & 0o777
            if mode & 0o077:
                raise SettingsError(
                    f"SECRETS_FILE is '{self._path}', which others can read (mode {mode:o}). Give it to nobody but "
                    f"yourself: chmod 600 '{self._path}'. If somebody may have read it, delete it: it is made anew."
                )
            found: dict[str, Any] = json.loads(self._path.read_text("utf-8"))
            return found
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise SettingsError(f"SECRETS_FILE is '{self._path}', which cannot be read: {error}.") from None


class VaultSecrets:
    """Secrets in Azure Key Vault, to which the app signs in with its identity."""

    def __init__(self, connection: Connection) -> None:
        from azure.keyvault.secrets import SecretClient  # only the web app has this package

        self._client = SecretClient(connection.address("vaultUri"), identity(connection))

    def get(self, name: str) -> str | None:
        """The secret of this name, None if there is none."""
        try:
            with translated("reading a secret from Key Vault"):
                return self._client.get_secret(name).value
        except NotFound:
            return None
