"""What processes take, as Linux tells it: processor time and memory, of a process and of those below it."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Taken:
    """Processor time in ms, resident memory in MB."""

    cpu_ms: float = 0.0
    memory_mb: float = 0.0

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(self.cpu_ms + other.cpu_ms, self.memory_mb + other.memory_mb)


def children(pid: int) -> list[int]:
    """The processes that a process has started and that still run."""
    try:
        return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in _words(task / "children")]
    except FileNotFoundError:
        return []


def taken(pid: int) -> Taken:
    """What one process has taken until now; nothing if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        kilobytes = next(
            int(line.split()[1]) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in line
        )
    except (OSError, StopIteration):
        return Taken()
    return Taken((int(fields[11]) + int(fields[12])) * 1000 / _TICKS, kilobytes / 1024)


def of_host(pid: int) -> dict[str, Taken]:
    """What the Functions host, its workers and their decode children have taken."""
    workers = children(pid)
    decoders = [child for worker in workers for child in children(worker)]
    return {
        "workers": sum(map(taken, workers), Taken()),
        "decode children": sum(map(taken, decoders), Taken()),
        "host": taken(pid),
    }


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
