"""The ports of the local stack, and which program probably uses one that is taken."""

import contextlib
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

from imagestore.errors import PortInUse

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


@dataclass(frozen=True)
class Ports:
    """The TCP ports of one stack, on 127.0.0.1."""

    blob: int = 10000
    queue: int = 10001
    table: int = 10002
    cosmos: int = 8081
    host: int = 7071
    web: int = 8000

    @classmethod
    def from_base(cls, base: int) -> "Ports":
        """Six consecutive ports from `base` on."""
        return cls(*range(base, base + 6))


def demand_free(ports: Mapping[str, int], stacks: Mapping[int, str]) -> None:
    """Check that the ports are free; wait a moment for ports that another stack is just releasing.

    `stacks` names, for a port that a stack uses, that stack's folder. Raises PortInUse, which names the first port that
    stays taken.
    """
    deadline = time.monotonic() + _GRACE_S
    for name, port in ports.items():
        while _is_taken(port):
            if time.monotonic() > deadline:
                holder = (
                    f"by the Intelligent Storage with its data in {stacks[port]}"
                    if port in stacks
                    else f"likely by {_LIKELY.get(name, 'another program')}"
                )
                raise PortInUse(
                    f"Port {port} ({name}) is in use, {holder}. "
                    "Stop it, or choose other ports: imagestore run --ports 20000."
                )
            time.sleep(0.1)


def is_listening(port: int) -> bool:
    """Whether a program answers on this port."""
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
