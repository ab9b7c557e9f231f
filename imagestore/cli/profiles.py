"""Profiles: the address and key of a distant web app, kept in a file that only its owner can read."""

import contextlib
import os
import re
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import typer

from imagestore.decoding import decode
from imagestore.errors import SettingsError

_NAME = re.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class Server:
    """A web app that commands ask instead of the stores, and with which key."""

    address: str
    key: str | None = field(default=None, repr=False)
    insecure_http: bool = False


def folder() -> Path:
    """Where the profiles are: in the user's folder for settings."""
    return Path(typer.get_app_dir("imagestore")) / "profiles"


def save(name: str, server: Server) -> Path:
    """Keep a profile, instead of one with this name. Only its owner can read the file, which is returned."""
    path = _path(name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, written = tempfile.mkstemp(dir=path.parent, prefix=".")  # which makes it with the mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(server))
        os.replace(written, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(written)
        raise
    return path


def read(name: str) -> Server:
    """The profile with this name. Raises SettingsError, also if others than its owner can read or change the file."""
    path = _path(name)
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if os.name == "posix" and (status.st_mode & _OTHERS or status.st_uid != os.geteuid()):
                raise SettingsError(
                    f"{path} holds a key, and others than you can read or change it (mode "
                    f"{stat.S_IMODE(status.st_mode):04o}). If nobody has, say: chmod 600 '{path}'. Else revoke the key "
                    "and save another."
                )
            return decode(file.read(), Server)
    except FileNotFoundError:
        there = ", ".join(names()) or "none"
        raise SettingsError(
            f"There is no profile '{name}'; there are: {there}. imagestore profile save makes one."
        ) from None
    except msgspec.MsgspecError as error:
        raise SettingsError(f"{path} is no profile ({error}). Save it again: imagestore profile save {name}") from None


def names() -> list[str]:
    """The names of all profiles."""
    return sorted(path.stem for path in folder().glob("*.json") if _NAME.fullmatch(path.stem))


def delete(name: str) -> bool:
    """Delete a profile; False if there is none. Its key stays good until it is revoked."""
    try:
        _path(name).unlink()
    except FileNotFoundError:
        return False
    return True


def _path(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise SettingsError(f"'{name[:80]}' cannot be the name of a profile: it takes letters, digits, . _ -.")
    return folder() / f"{name}.json"
