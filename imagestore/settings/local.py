"""What a laptop adds: the file local.settings.json, and the name of whoever uses the machine."""

import getpass
import json
from pathlib import Path

from imagestore.errors import SettingsError


def read_local_settings(path: Path) -> dict[str, str]:
    """The values in a local.settings.json; none if there is no such file. Raises SettingsError if it is broken."""
    if not path.exists():
        return {}
    try:
        values = json.loads(path.read_text("utf-8"))["Values"]
        return {str(key): str(value) for key, value in values.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f'{path.name} cannot be read ({error}). It must look like {{"Values": {{"NAME": "value"}}}}; '
            "local.settings.example.json shows one."
        ) from None


def account() -> str:
    """The name of the user who runs this process, for the history of promotions and corrections."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this user on this machine
        return "local"
