"""Which ports the local stack listens on, and who is likely there already when one is in use."""

import contextlib
import socket
import time
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
_LIKELY = {
    "blob": "another Azurite",
    "queue": "another Azurite",
    "table": "another Azurite",
    "cosmos": "the Azure Cosmos DB emulator",
    "host": "Azure Functions Core Tools (func start)",
    "web": "another web server",
}
_GRACE_S = 5.0


class PortInUse(Exception):
    """A port that is needed is taken."""


@dataclass(frozen=True)
class Ports:
    """TCP ports on 127.0.0.1."""

    blob: int = 10000
    queue: int = 10001
    table: int = 10002
    cosmos: int = 8081
    host: int = 7071
    web: int = 8000

    @classmethod
    def from_base(cls, base: int) -> "Ports":
        """Six ports from `base` on."""
        return cls(*range(base, base + 6))


def demand_free(ports: dict[str, int]) -> None:
    """Wait a moment for ports that a stack before us is just giving up; PortInUse names the first that stays taken."""
    deadline = time.monotonic() + _GRACE_S
    for name, port in ports.items():
        while _is_taken(port):
            if time.monotonic() > deadline:
                raise PortInUse(
                    f"Port {port} ({name}) is in use, likely by {_LIKELY.get(name, 'another program')} or by an "
                    f"Intelligent Storage that runs already. Stop it, or choose other ports: "
                    "imagestore run --ports 20000."
                )
            time.sleep(0.1)


def is_listening(port: int) -> bool:
    """Whether somebody answers on this port."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=0.5):
        return True
    return False


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False
