"""Every setting: its name, default and meaning. Only entry points read them; configure.py hands on what others need.

The environment variable is the attribute's name in capitals. `python -m imagestore.settings` writes
local.settings.example.json and the table in docs/settings.md from this package.
"""

from imagestore.settings.connections import AZURITE, CONNECTIONS, COSMOS_EMULATOR
from imagestore.settings.kinds import ROOT, is_loopback
from imagestore.settings.local import account, read_local_settings
from imagestore.settings.reading import Settings, concerns_us
from imagestore.settings.web import Auth, SignUp

__all__ = [
    "AZURITE",
    "CONNECTIONS",
    "COSMOS_EMULATOR",
    "ROOT",
    "Auth",
    "Settings",
    "SignUp",
    "account",
    "concerns_us",
    "is_loopback",
    "read_local_settings",
]
