"""How a service is reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from imagestore.errors import SettingsError


@dataclass(frozen=True)
class Connection:
    """How to reach one service: a connection string, or addresses to which the app signs in with its identity.

    `purpose` is a sentence for error messages: which service this is, and how the connection is written.
    """

    name: str
    string: str | None = None
    addresses: Mapping[str, str] = field(default_factory=dict)
    purpose: str = ""

    def address(self, key: str) -> str:
        """The address that `<name>__<key>` gives, or the connection string. Raises SettingsError if neither does."""
        if self.string is not None:
            parts = dict(part.partition("=")[::2] for part in self.string.split(";"))
            return parts.get(key[0].upper() + key[1:], "an unnamed address")
        if key not in self.addresses:
            raise SettingsError(f"{self.name}__{key} is not set. {self.purpose} See docs/settings.md.")
        return self.addresses[key]

    @property
    def is_local(self) -> bool:
        """Whether the service runs on this machine, as in the local stack."""
        addresses = (self.string or "").split(";") if self.string is not None else self.addresses.values()
        return any("://localhost" in one or "://127.0.0.1" in one for one in addresses)
