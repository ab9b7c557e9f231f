"""The 95th percentile of what something takes of the processor, and a table of such figures."""

import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from os import cpu_count

from rich.console import Console
from rich.table import Table

_TIMES = 20


def p95_ms(do: Callable[[], object], clock: Callable[[], float] = time.thread_time) -> float:
    """The 95th percentile of the processor time, in milliseconds; by `clock` of this thread, or of the process."""
    do()
    found = []
    for _ in range(_TIMES):
        began = clock()
        do()
        found.append((clock() - began) * 1e3)
    return statistics.quantiles(found, n=20)[18]


def show(columns: Sequence[str], found: Sequence[Mapping[str, float]]) -> None:
    """Print what was found in milliseconds, a column for each size, and the machine."""
    console = Console()
    console.print(f"{platform.machine()}, {cpu_count()} cores, Python {platform.python_version()}")
    table = Table("p95 of processor time", *columns, box=None)
    for what in found[0]:
        table.add_row(what, *(f"{one[what]:.1f} ms" for one in found))
    console.print(table)
