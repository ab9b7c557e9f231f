"""Which stores a command speaks to: those of the environment, of the stack that runs here, or of a file."""

import json
import os
from pathlib import Path

from settings import AZURITE, CONNECTIONS, COSMOS_EMULATOR, ROOT, Settings, read_local_settings
from store import Stores, open_stores

DATA = ROOT / ".local"
RUNNING = "environment.json"
"""Written by `imagestore run` into its data folder while it runs."""


def opened() -> Stores:
    """The stores. SettingsError."""
    return open_stores(settings(), environment())


def settings() -> Settings:
    """The settings that go with them. SettingsError."""
    return Settings.read(environment())


def environment() -> dict[str, str]:
    """Where the stores are, and how things are set.

    A stack that runs here comes before local.settings.json, which may name an account in use; the environment comes
    before both.
    """
    found = {"IMAGES_STORAGE": AZURITE, "COSMOS": COSMOS_EMULATOR}
    found |= read_local_settings(ROOT / "local.settings.json") | running()
    found |= {key: value for key, value in os.environ.items() if _is_ours(key)}
    for name in CONNECTIONS:  # an identity given by a nearer source replaces a connection string from a farther one
        if name not in os.environ and any(key.startswith(name + "__") for key in os.environ):
            found.pop(name, None)
    return found


def running(data: Path = DATA) -> dict[str, str]:
    """The settings of the stack that runs on this machine with this data; empty if none does."""
    try:
        values = json.loads((data / RUNNING).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in values.items()}


def _is_ours(key: str) -> bool:
    return key in Settings().environment() or key.split("__")[0] in CONNECTIONS
