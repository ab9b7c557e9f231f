"""Ports that are taken, and by whom."""

import socket

import pytest

from imagestore.errors import PortInUse
from imagestore.local import ports
from imagestore.local.ports import LOOPBACK, demand_free


def test_a_port_in_use_names_who_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_GRACE_S", 0.0)
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=f"Port {port} .cosmos. is in use, likely by the Azure Cosmos DB emulator"):
            demand_free({"cosmos": port}, {})
        with pytest.raises(PortInUse, match=r"in use, by the Intelligent Storage with its data in /data. Stop it, or "):
            demand_free({"cosmos": port}, {port: "/data"})
    demand_free({"cosmos": port}, {})
