"""Secrets of the web app and of jobs: in Key Vault in Azure, in a file that nobody else can read on a laptop."""

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
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
        with self._alone():
            self._write(self._all() | {name: value})

    def get_or_put(self, name: str, value: str) -> str:
        """The secret of this name; if there is none, this becomes it. Raises SettingsError."""
        with self._alone():
            found = self._all()
            if name not in found:
                self._write(found | {name: value})
            return str(found.get(name, value))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Let no other process write meanwhile."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, secrets: dict[str, Any]) -> None:
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
    """Secrets in Azure Key Vault, to which the app signs in with its identity. Raises SettingsError."""

    def __init__(self, connection: Connection) -> None:
        try:
            from azure.keyvault.secrets import SecretClient  # the function app has no such package
        except ModuleNotFoundError:
            raise SettingsError(
                "KEY_VAULT__vaultUri is set, and the library for Key Vault is not installed here. To install it: pip "
                "install azure-keyvault-secrets. Or leave that setting out."
            ) from None
        self._client = SecretClient(connection.address("vaultUri"), identity(connection))

    def get(self, name: str) -> str | None:
        """The secret of this name, None if there is none."""
        try:
            with translated("reading a secret from Key Vault"):
                return self._client.get_secret(name).value
        except NotFound:
            return None
